#pragma once

#include <string>
#include <vector>

namespace midwatch::posix {

/// The command before a command that makes it the first process of a PID namespace with a /proc of
/// its own (`unshare`, of util-linux), if this host allows that: to root, or by a user namespace
/// (it is tried once, with `true`). Empty: it does not.
///
/// The kernel ends such a namespace with its first process, however fast the others fork, and none
/// of them sees a process outside: the watchdog stays there, out of their reach, and kills that
/// one.
std::vector<std::string> FindPidNamespace();

/// The first process of such a namespace, `midwatch watchdog --init PROGRAM ARGUMENT0 …`: starts
/// the program, reaps what ends, passes SIGTERM on to the program's group, and ends with the
/// program, and with it all that is left. Its exit code is the program's: 128 and the signal that
/// ended it, 127 if it did not start.
int RunNamespaceInit(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace midwatch::posix
