#include "controller/posix/pid_namespace.h"

#include <unistd.h>

#include "controller/posix/spawn.h"

namespace midwatch::posix {

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

}  // namespace midwatch::posix
