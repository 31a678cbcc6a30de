#pragma once

#include <string>

#include "controller/agent/prompt.h"
#include "controller/api/agent_config.h"
#include "controller/base/result.h"

namespace midwatch::cmd {

/// Reads and checks the configuration of `midwatch agent` (docs/reference/agent-config.md). Errors
/// name file, line, column and field, all of them at once: a sidecar whose program or directory is
/// not there for who has `environment` is one.
Result<api::AgentConfig> ReadAgentConfig(const std::string& path,
                                         const api::StringMap& environment);

/// The prompts of a directory that replace built-in ones; none if it is empty text. A file there
/// that replaces nothing is an error: its name is misspelt.
Result<agent::PromptTemplates> ReadPrompts(const std::string& directory);

}  // namespace midwatch::cmd
