#include "controller/cli/run_command.h"

#include "controller/cli/commands.h"

namespace midwatch::cli {

int RunCommand(const ClientCommand& command, ColourChoice colour, Capabilities& world) {
  Context context(world, colour);
  return std::visit([&](const auto& options) { return Run(options, context); }, command);
}

}  // namespace midwatch::cli
