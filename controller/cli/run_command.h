#pragma once

#include "controller/cli/capabilities.h"
#include "controller/cli/options.h"

namespace midwatch::cli {

/// Runs a client command to its end. Gives the exit code (exit_codes.h); everything there is to say
/// was written. Blocks; never throws.
int RunCommand(const ClientCommand& command, ColourChoice colour, Capabilities& world);

}  // namespace midwatch::cli
