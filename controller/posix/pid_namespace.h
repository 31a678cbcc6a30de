#pragma once

#include <string>
#include <vector>

namespace midwatch::posix {

/// The command before a command that makes it the first process of a PID namespace with a /proc of
/// its own (`unshare`, of util-linux), if this host allows that: to root, or by a user namespace
/// (it is tried once, with `true`). Empty: it does not.
///
/// The kernel ends such a namespace with its first process, however fast the others fork; none of
/// them can stop or kill that one, or see a process outside.
std::vector<std::string> FindPidNamespace();

}  // namespace midwatch::posix
