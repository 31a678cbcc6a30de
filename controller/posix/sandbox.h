#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/env/process_runner.h"

namespace midwatch::posix {

/// The bubblewrap program of this host, if it is there and is able to make a sandbox (it is tried
/// once, with `true`). None: what runs is contained by its process group, environment and limits
/// only.
std::optional<std::string> FindSandbox();

/// The command (argument 0 is the program) that runs `program` in the sandbox: a root of its own
/// with the system's programs and libraries read-only, a /tmp and /proc of its own, no other
/// process in view, the spec's `readable` and `writable` paths at their places, and nothing else of
/// the host but its network.
std::vector<std::string> SandboxCommand(const std::string& bubblewrap, const std::string& program,
                                        const ProcessSpec& spec);

}  // namespace midwatch::posix
