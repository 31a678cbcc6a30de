#pragma once

#include <sys/types.h>

#include <set>
#include <vector>

namespace midwatch::posix {

/// The processes whose parent is `parent`, those that have ended and are not reaped among them.
std::vector<pid_t> ChildrenOf(pid_t parent);

/// The members of a process group, but for its leader.
std::vector<pid_t> FollowersOf(pid_t leader);

/// SIGKILL to the descendants of `root`, by the parents that /proc shows, but for the trees of
/// those spared. They are stopped first, until all that are found stand still, so that nothing
/// forks away between looking and killing; after a bound of looks those that were found are killed
/// all the same. What has left the tree for another (sub)reaper is not found.
void KillDescendants(pid_t root, const std::set<pid_t>& spared);

/// As well, and to `root`, which is stopped before so that it does not go on, or end, while its
/// children are looked for.
void KillTree(pid_t root);

}  // namespace midwatch::posix
