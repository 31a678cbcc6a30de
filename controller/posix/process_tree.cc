#include "controller/posix/process_tree.h"

#include <dirent.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

namespace midwatch::posix {
namespace {

// A hostile tree that forks faster than it is killed loses: after this many rounds all are stopped.
constexpr int kMaxRounds = 100;

std::optional<pid_t> ParentOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  const std::size_t name_end = text.rfind(')');  // The name may contain anything.
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  char state = '?';
  pid_t parent = 0;
  if (!(rest >> state >> parent)) return std::nullopt;
  return parent;
}

std::multimap<pid_t, pid_t> ChildrenByParent() {
  std::multimap<pid_t, pid_t> children;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (!proc) return children;
  while (const dirent* entry = readdir(proc.get())) {
    const std::string name = entry->d_name;
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    if (const auto parent = ParentOf(pid)) children.emplace(*parent, pid);
  }
  return children;
}

}  // namespace

std::vector<pid_t> DescendantsOf(pid_t root) {
  const auto children = ChildrenByParent();
  std::vector<pid_t> found;
  std::vector<pid_t> open{root};
  while (!open.empty()) {
    const pid_t parent = open.back();
    open.pop_back();
    const auto [begin, end] = children.equal_range(parent);
    for (auto it = begin; it != end; ++it) {
      found.push_back(it->second);
      open.push_back(it->second);
    }
  }
  return found;
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  const auto children = ChildrenByParent();
  std::vector<pid_t> found;
  const auto [begin, end] = children.equal_range(parent);
  for (auto it = begin; it != end; ++it) found.push_back(it->second);
  return found;
}

void KillDescendants(pid_t root) {
  std::vector<pid_t> known;
  for (int round = 0; round < kMaxRounds; ++round) {
    std::vector<pid_t> now = DescendantsOf(root);
    std::sort(now.begin(), now.end());
    for (const pid_t pid : now) kill(pid, SIGSTOP);
    if (now == known) break;
    known = std::move(now);
  }
  for (const pid_t pid : known) kill(pid, SIGKILL);
}

void KillTree(pid_t root) {
  kill(root, SIGSTOP);
  KillDescendants(root);
  kill(root, SIGKILL);
}

}  // namespace midwatch::posix
