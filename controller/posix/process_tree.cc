#include "controller/posix/process_tree.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace midwatch::posix {
namespace {

// A hostile tree that forks faster than it is stopped gets the rest of the machine a turn now and
// then.
constexpr int kMaxRounds = 20;

struct Seen {
  pid_t parent = 0;
  bool has_ended = false;
};

std::optional<Seen> Look(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  const std::size_t name_end = text.rfind(')');  // The name may contain anything.
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  char state = '?';
  Seen seen;
  if (!(rest >> state >> seen.parent)) return std::nullopt;
  seen.has_ended = state == 'Z' || state == 'X';
  return seen;
}

/// Calls `see` for each process, the oldest first as long as their numbers have not started again.
void ForEachProcess(const std::function<void(pid_t, Seen)>& see) {
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (!proc) return;
  while (const dirent* entry = readdir(proc.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    if (const auto seen = Look(pid)) see(pid, *seen);
  }
}

/// Stops each at the moment it is seen: what forks and ends at once is there no longer than that.
/// `before` is what the last look found: the child of a process may have the lower number.
std::set<pid_t> StopDescendants(pid_t root, const std::set<pid_t>& spared,
                                const std::set<pid_t>& before) {
  std::set<pid_t> found;
  ForEachProcess([&](pid_t pid, Seen seen) {
    if (seen.has_ended || spared.contains(pid)) return;
    const bool below =
        seen.parent == root || found.contains(seen.parent) || before.contains(seen.parent);
    if (!below) return;
    kill(pid, SIGSTOP);
    found.insert(pid);
  });
  return found;
}

}  // namespace

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> found;
  ForEachProcess([&](pid_t pid, Seen seen) {
    if (seen.parent == parent) found.push_back(pid);
  });
  return found;
}

std::vector<pid_t> FollowersOf(pid_t leader) {
  std::vector<pid_t> found;
  ForEachProcess([&](pid_t pid, Seen seen) {
    if (!seen.has_ended && pid != leader && getpgid(pid) == leader) found.push_back(pid);
  });
  return found;
}

void KillDescendants(pid_t root, const std::set<pid_t>& spared) {
  std::set<pid_t> standing;
  for (int round = 0; round < kMaxRounds; ++round) {
    std::set<pid_t> now = StopDescendants(root, spared, standing);
    const bool all_stood = std::includes(standing.begin(), standing.end(), now.begin(), now.end());
    standing = std::move(now);
    if (all_stood) break;
  }
  for (const pid_t pid : standing) kill(pid, SIGKILL);
}

void KillTree(pid_t root) {
  kill(root, SIGSTOP);
  KillDescendants(root, {});
  kill(root, SIGKILL);
}

}  // namespace midwatch::posix
