#include "controller/posix/sandbox.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

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

ProcessSpec WithAbsolutePaths(ProcessSpec spec) {
  const auto absolute = [](std::string& path) {
    path = std::filesystem::absolute(path).lexically_normal().string();
  };
  std::for_each(spec.readable.begin(), spec.readable.end(), absolute);
  std::for_each(spec.writable.begin(), spec.writable.end(), absolute);
  if (!spec.working_directory.empty()) absolute(spec.working_directory);
  return spec;
}

/// The directories above the paths that the sandbox must have, from the top. bubblewrap would make
/// them for root alone.
std::set<std::string> Parents(const std::vector<std::string>& paths) {
  std::set<std::string> parents;
  for (const std::string& path : paths) {
    for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
      parents.insert(path.substr(0, at));
    }
  }
  for (const char* folder : kSystem) {
    std::erase_if(parents, [&](const std::string& parent) { return IsUnder(parent, folder); });
  }
  parents.erase("/tmp");
  return parents;
}

std::uint64_t MemoryFiles(const ProcessSpec& spec) {
  return spec.memory_limit != 0 ? spec.memory_limit : kSandboxMemoryFiles;
}

}  // namespace

std::optional<Sandbox> FindSandbox() {
  constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";
  const auto bubblewrap = FindProgram("bwrap", kPath);
  if (!bubblewrap) return std::nullopt;
  Sandbox sandbox{.bubblewrap = *bubblewrap, .setpriv = ""};
  if (geteuid() == 0) {
    const auto setpriv = FindProgram("setpriv", "/usr/bin:/bin");  // As the sandbox sees it.
    if (!setpriv) return std::nullopt;
    sandbox.setpriv = *setpriv;
  }
  ProcessSpec probe;
  probe.command = {"true"};
  for (const bool has_sizes : {true, false}) {
    sandbox.has_sizes = has_sizes;
    if (Succeeds(SandboxCommand(sandbox, "/bin/true", probe))) return sandbox;
  }
  return std::nullopt;
}

std::vector<std::string> SandboxCommand(const Sandbox& sandbox, const std::string& program,
                                        const ProcessSpec& relative) {
  const ProcessSpec spec = WithAbsolutePaths(relative);  // It is started in another directory.
  std::vector<std::string> out{sandbox.bubblewrap};
  Add(out, {"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"});
  Add(out, {"--die-with-parent", "--proc", "/proc", "--dev", "/dev"});
  for (const char* folder : {"/tmp", "/dev/shm"}) {
    if (sandbox.has_sizes) Add(out, {"--size", std::to_string(MemoryFiles(spec))});
    Add(out, {"--perms", "1777", "--tmpfs", folder});
  }
  Add(out, {"--remount-ro", "/dev"});
  for (const char* path : kSystem) Add(out, {"--ro-bind-try", path, path});
  std::vector<std::string> bound = spec.readable;
  bound.insert(bound.end(), spec.writable.begin(), spec.writable.end());
  bound.push_back(program);
  for (const std::string& parent : Parents(bound)) Add(out, {"--perms", "0755", "--dir", parent});
  for (const std::string& path : spec.readable) Add(out, {"--ro-bind-try", path, path});
  for (const std::string& path : spec.writable) Add(out, {"--bind", path, path});
  if (!IsVisible(program, spec)) Add(out, {"--ro-bind", program, program});
  Add(out, {"--remount-ro", "/"});
  Add(out, {"--chdir", spec.working_directory.empty() ? "/" : spec.working_directory});
  if (!sandbox.setpriv.empty()) {
    const std::string nobody = std::to_string(kSandboxUser);
    Add(out, {"--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--",
              sandbox.setpriv, "--reuid", nobody, "--regid", nobody, "--clear-groups",
              "--inh-caps=-all"});
  }
  Add(out, {"--", program});
  out.insert(out.end(), spec.command.begin() + 1, spec.command.end());
  return out;
}

}  // namespace midwatch::posix
