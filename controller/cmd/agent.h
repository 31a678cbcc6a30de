#pragma once

#include "controller/cli/options.h"

namespace midwatch::cmd {

/// Runs `midwatch agent` until it has drained after SIGTERM or SIGINT. Returns the exit code.
int RunAgent(const cli::AgentOptions& options);

}  // namespace midwatch::cmd
