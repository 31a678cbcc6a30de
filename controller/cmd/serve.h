#pragma once

#include "controller/cli/options.h"

namespace midwatch::cmd {

/// Runs `midwatch serve` until SIGTERM or SIGINT: the embedded API with its storage, the
/// reconcilers, git sync, and the artifact service. Returns the exit code; 0 after a graceful stop.
int RunServe(const cli::ServeOptions& options);

}  // namespace midwatch::cmd
