#include <unistd.h>

#include <cstdio>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "controller/cli/command_line.h"
#include "controller/cli/exit_codes.h"
#include "controller/cmd/agent.h"
#include "controller/cmd/client.h"
#include "controller/cmd/say_error.h"
#include "controller/cmd/scripted_sidecar.h"
#include "controller/cmd/serve.h"
#include "controller/git/worker.h"
#include "controller/posix/mcp_proxy.h"
#include "controller/posix/watchdog.h"

namespace midwatch::cmd {
namespace {

int Run(const cli::ParsedCommand& parsed) {
  return std::visit(
      [&](const auto& options) {
        using Options = std::decay_t<decltype(options)>;
        if constexpr (std::is_same_v<Options, cli::ServeOptions>) {
          return RunServe(options);
        } else if constexpr (std::is_same_v<Options, cli::AgentOptions>) {
          return RunAgent(options);
        } else if constexpr (std::is_same_v<Options, cli::McpOptions>) {
          const auto passed = posix::RunMcpProxy(options.socket);
          if (!passed) {
            SayError(passed.error().message);
          }
          return passed ? cli::kExitDone : cli::kExitNo;
        } else if constexpr (std::is_same_v<Options, cli::ScriptedSidecarOptions>) {
          return RunScriptedSidecar(options);
        } else if constexpr (std::is_same_v<Options, cli::GitWorkerOptions>) {
          return git::RunGitWorker();
        } else if constexpr (std::is_same_v<Options, cli::WatchdogOptions>) {
          return posix::RunWatchdog(options.arguments);
        } else {
          return RunClient(options, parsed.colour);
        }
      },
      parsed.command);
}

int Main(const std::vector<std::string>& arguments) {
  const auto parsed = cli::Parse(arguments);
  if (const auto* exit = std::get_if<cli::EarlyExit>(&parsed)) {
    std::fputs(exit->out.c_str(), stdout);
    std::fputs(exit->err.c_str(), stderr);
    if (!exit->error.empty()) {
      SayError(exit->error, exit->hint);
    }
    return exit->code;
  }
  return Run(std::get<cli::ParsedCommand>(parsed));
}

}  // namespace
}  // namespace midwatch::cmd

int main(int argc, char** argv) {
  const int code = midwatch::cmd::Main(std::vector<std::string>(argv + 1, argv + argc));
  // The threads of cpprestsdk do not end before the process: handlers at exit, OpenSSL's above all,
  // would take away under them what they use.
  std::fflush(nullptr);
  _exit(code);
}
