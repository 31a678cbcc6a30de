#pragma once

#include <string>

#include "controller/api/agent_config.h"
#include "controller/base/result.h"

namespace midwatch::cmd {

/// Reads and checks the configuration of `midwatch agent` (docs/reference/agent-config.md). Errors
/// name file, line, column and field, all of them at once.
Result<api::AgentConfig> ReadAgentConfig(const std::string& path);

}  // namespace midwatch::cmd
