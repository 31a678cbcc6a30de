#include "controller/posix/sandbox.h"

#include <sys/wait.h>

#include "controller/posix/spawn.h"

namespace midwatch::posix {
namespace {

constexpr const char* kSystem[] = {"/usr",
                                   "/bin",
                                   "/sbin",
                                   "/lib",
                                   "/lib32",
                                   "/lib64",
                                   "/libx32",
                                   "/etc/alternatives",
                                   "/etc/ca-certificates",
                                   "/etc/group",
                                   "/etc/hosts",
                                   "/etc/ld.so.cache",
                                   "/etc/localtime",
                                   "/etc/nsswitch.conf",
                                   "/etc/passwd",
                                   "/etc/pki",
                                   "/etc/resolv.conf",
                                   "/etc/ssl"};

void Add(std::vector<std::string>& out, std::initializer_list<std::string> arguments) {
  out.insert(out.end(), arguments);
}

bool IsUnder(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

bool IsVisible(const std::string& path, const ProcessSpec& spec) {
  for (const char* folder : kSystem) {
    if (IsUnder(path, folder)) return true;
  }
  for (const auto* paths : {&spec.readable, &spec.writable}) {
    for (const std::string& folder : *paths) {
      if (IsUnder(path, folder)) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> FindSandbox() {
  const auto program = FindProgram("bwrap", "/usr/local/bin:/usr/bin:/bin");
  if (!program) return std::nullopt;
  ProcessSpec probe;
  probe.command = {"true"};
  const auto pid = Spawn({.program = *program,
                          .arguments = SandboxCommand(*program, "/bin/true", probe),
                          .environment = {},
                          .working_directory = "/",
                          .descriptors = {-1, -1, -1}});
  if (!pid) return std::nullopt;
  int status = 0;
  if (waitpid(*pid, &status, 0) != *pid || !WIFEXITED(status)) return std::nullopt;
  if (WEXITSTATUS(status) != 0) return std::nullopt;
  return *program;
}

std::vector<std::string> SandboxCommand(const std::string& bubblewrap, const std::string& program,
                                        const ProcessSpec& spec) {
  std::vector<std::string> out{bubblewrap};
  Add(out, {"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"});
  Add(out, {"--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"});
  for (const char* path : kSystem) Add(out, {"--ro-bind-try", path, path});
  for (const std::string& path : spec.readable) Add(out, {"--ro-bind-try", path, path});
  for (const std::string& path : spec.writable) Add(out, {"--bind", path, path});
  if (!IsVisible(program, spec)) Add(out, {"--ro-bind", program, program});
  Add(out, {"--remount-ro", "/"});
  Add(out, {"--chdir", spec.working_directory.empty() ? "/" : spec.working_directory});
  Add(out, {"--", program});
  out.insert(out.end(), spec.command.begin() + 1, spec.command.end());
  return out;
}

}  // namespace midwatch::posix
