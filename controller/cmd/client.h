#pragma once

#include "controller/cli/options.h"

namespace midwatch::cmd {

/// Runs a client command with this process's world: its files, terminal, environment and network.
/// Returns the exit code.
int RunClient(const cli::ClientCommand& command, cli::ColourChoice colour);

}  // namespace midwatch::cmd
