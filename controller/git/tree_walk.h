#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/git/libgit2_handles.h"
#include "controller/git/worker_protocol.h"

namespace midwatch::git {

/// How a walk is bounded and which files it reads.
struct TreeWalk {
  const GitLimits& limits;
  git_oid root;  ///< The tree of the commit: what symbolic links are looked up in.
  const std::vector<std::string>& read_suffixes;  ///< Empty: all files.
  std::vector<git_oid> known_blobs;               ///< Sorted; listed without their bytes.
  /// What is the same in this tree is known: files are listed without their bytes, directories as
  /// one entry.
  std::optional<git_oid> known_tree;
  std::chrono::steady_clock::time_point deadline;
};

/// Takes an entry; its Error ends the walk.
using EntrySink = std::function<Result<void>(GitEntry)>;

/// The id of the tree at `path` (empty: the root) of a commit's tree. kNotFound; kInvalid if it is
/// no directory.
Result<git_oid> FindTree(git_repository* repository, const git_oid& root, std::string_view path);

/// Gives every entry under a tree in the order of its path, straight from the object database:
/// nothing is ever written to disk. The size of an object is known before it is read. Trees may be
/// hostile: names that git forbids, and entries out of order, are kInvalid.
Result<void> WalkTree(git_repository* repository, const git_oid& tree, std::string_view path,
                      const TreeWalk& walk, const EntrySink& sink);

}  // namespace midwatch::git
