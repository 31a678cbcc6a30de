#include "controller/posix/pid_namespace.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "controller/posix/spawn.h"

namespace midwatch::posix {
namespace {

constexpr int kNotStarted = 127;
constexpr int kSignalled = 128;  // And the signal: as a shell, and bubblewrap, tell it.

/// Reaps all that has ended; how `child` ended, if it did.
std::optional<int> Reap(pid_t child) {
  std::optional<int> code;
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    if (pid != child) continue;
    code = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
  }
  return code;
}

}  // namespace

std::vector<std::string> FindPidNamespace() {
  const auto unshare = FindProgram("unshare", "/usr/bin:/bin");
  if (!unshare) return {};
  std::vector<std::string> command{*unshare, "--pid", "--fork", "--kill-child=KILL",
                                   "--mount-proc"};
  if (geteuid() != 0) command.insert(command.end(), {"--user", "--map-current-user"});
  command.emplace_back("--");
  std::vector<std::string> probe = command;
  probe.emplace_back("/bin/true");
  return Succeeds(probe) ? command : std::vector<std::string>{};
}

int RunNamespaceInit(const std::string& program, const std::vector<std::string>& arguments) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGTERM);
  sigprocmask(SIG_BLOCK, &awaited, nullptr);
  const auto child = Spawn({.program = program,
                            .arguments = arguments,
                            .environment = OwnEnvironment(),
                            .working_directory = "",
                            .descriptors = {0, 1, 2}});
  if (!child) {
    std::fputs((child.error().message + "\n").c_str(), stderr);
    return kNotStarted;
  }
  for (int fd = 0; fd < 3; ++fd) close(fd);
  for (;;) {
    if (const auto code = Reap(*child)) return *code;
    int signal = 0;
    sigwait(&awaited, &signal);
    if (signal == SIGTERM) kill(-*child, SIGTERM);
  }
}

}  // namespace midwatch::posix
