#pragma once

#include <string>

#include "controller/agent/prompt.h"
#include "controller/api/agent_config.h"
#include "controller/base/result.h"

namespace midwatch::cmd {

/// Reads and checks the configuration of `midwatch agent` (docs/reference/agent-config.md). Errors
/// name file, line, column and field, all of them at once.
Result<api::AgentConfig> ReadAgentConfig(const std::string& path);

/// The prompts of a directory that replace built-in ones; none if it is empty text. A file there
/// that replaces nothing is an error: its name is misspelt.
Result<agent::PromptTemplates> ReadPrompts(const std::string& directory);

}  // namespace midwatch::cmd
