#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/env/process_runner.h"

namespace midwatch::posix {

/// Who runs in the sandbox where this process is root: nobody. Root would keep its rights over
/// whatever it sees, /proc/sys first of all.
inline constexpr uid_t kSandboxUser = 65534;

/// Bytes of what lies in memory, /tmp and /dev/shm, each, where a spec has no memory limit.
inline constexpr std::uint64_t kSandboxMemoryFiles = std::uint64_t{1} << 30;

/// What a host makes sandboxes with.
struct Sandbox {
  std::string bubblewrap;
  std::string setpriv;    ///< Makes kSandboxUser of root; empty where this process is not root.
  bool has_sizes = true;  ///< It can limit what lies in memory (--size of bubblewrap).
};

/// The sandbox of this host, if it has the programs and they are able to make one (it is tried
/// once, with `true`). None: what runs is contained by its process group, environment and limits
/// only.
std::optional<Sandbox> FindSandbox();

/// The command (argument 0 is the program) that runs `program` in the sandbox: a root of its own
/// with the system's programs and libraries read-only, a /tmp, /dev/shm and /proc of its own, no
/// other process in view, no capability, the spec's `readable` and `writable` paths at their
/// places, and nothing else of the host but its network.
std::vector<std::string> SandboxCommand(const Sandbox& sandbox, const std::string& program,
                                        const ProcessSpec& spec);

}  // namespace midwatch::posix
