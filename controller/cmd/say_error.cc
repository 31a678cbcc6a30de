#include "controller/cmd/say_error.h"

#include <cstdio>

#include "controller/cli/context.h"
#include "controller/cmd/environment.h"
#include "controller/posix/standard_output.h"

namespace midwatch::cmd {

void SayError(std::string_view message, std::string_view hint) {
  const cli::Style style(cli::IsColoured(
      cli::ColourChoice::kAuto, posix::TerminalOfProcess().err_is_terminal, ReadEnvironment()));
  std::fputs(cli::ErrorText(message, hint, style).c_str(), stderr);
}

}  // namespace midwatch::cmd
