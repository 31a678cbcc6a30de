#pragma once

#include "controller/cli/options.h"

namespace midwatch::cmd {

/// Runs `midwatch sidecar scripted` on the standard streams until its input ends. Returns the exit
/// code.
int RunScriptedSidecar(const cli::ScriptedSidecarOptions& options);

}  // namespace midwatch::cmd
