#pragma once

#include <sys/types.h>

#include <vector>

namespace midwatch::posix {

/// The processes below `root` (without it), by the parents that /proc shows. What has left the tree
/// for another (sub)reaper is not among them.
std::vector<pid_t> DescendantsOf(pid_t root);

/// The processes whose parent is `parent`.
std::vector<pid_t> ChildrenOf(pid_t parent);

/// SIGKILL to every descendant of `root`, again until none is left that can be signalled. They are
/// stopped first, so that nothing forks away between looking and killing.
void KillDescendants(pid_t root);

/// As well, and to `root`, which is stopped before so that it does not go on, or end, while its
/// children are looked for.
void KillTree(pid_t root);

}  // namespace midwatch::posix
