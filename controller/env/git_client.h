#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/secret.h"
#include "controller/base/time.h"

namespace midwatch {

enum class GitRefKind : std::uint8_t { kBranch, kTag, kCommit };

/// Where a revision comes from and how it may be reached.
struct GitRemote {
  std::string url;  ///< `https://…` or `file://…`, without credentials.
  GitRefKind ref_kind = GitRefKind::kBranch;
  std::string ref;
  std::string path;  ///< Sub-directory, empty for the root.
  std::string username;
  Secret<std::string> password;
  std::string ca_pem;  ///< Replaces the system's roots if not empty.
};

enum class GitEntryKind : std::uint8_t {
  kFile,
  kSymlink,
  kSubmodule,
  kDirectoryLink,  ///< A symbolic link to a directory of the same commit.
  kSameDirectory,  ///< All that is below `path`, which ends in `/`, is as it is known.
};

struct GitEntry {
  std::string path;  ///< From the root of the repository.
  GitEntryKind kind = GitEntryKind::kFile;
  std::string blob;        ///< Object id: equal ids are equal bytes.
  std::string bytes;       ///< Empty if the caller knows the blob already, and for what is no file.
  bool too_large = false;  ///< Over the limit of one file: not read.
};

struct GitRevision {
  std::string commit;
  std::string tree;  ///< Id of the sub-tree under `path`: unchanged means nothing under it changed.
};

struct GitSnapshot {
  GitRevision revision;
  std::vector<GitEntry>
      entries;             ///< Everything under `path`, sorted by path. Left out if unchanged.
  bool unchanged = false;  ///< The tree is the one that the caller knows.
};

/// SHA-1 in hexadecimal.
inline constexpr std::size_t kBlobIdLength = 40;

struct GitFetchRequest {
  GitRemote remote;
  std::string known_tree;   ///< The caller holds the entries of this tree.
  std::string known_blobs;  ///< Their bytes need not come again. Ids of kBlobIdLength in a row.
  /// Directories that are as in `known_tree` may come as one entry.
  bool same_directories = false;
  /// Only files whose path in lower case ends in one of these are read, others listed without
  /// bytes.
  std::vector<std::string> read_suffixes;  ///< Empty: all are read.
  Duration deadline = std::chrono::seconds(60);
};

/// Reads revisions of remotes; never checks anything out. A request is bounded in time, bytes,
/// objects and memory (kTimeout, kTooLarge); the remote may be hostile. kUnauthorized: login
/// refused; kNotFound: repository, ref or path missing; kUnavailable: not reached. Errors never
/// contain credentials. Thread-safe.
///
/// Implementations: git::WorkerGitClient (libgit2 in a child process per source), sim::VirtualGit.
class GitClient {
 public:
  virtual ~GitClient() = default;
  /// `source` names the worker that keeps a warm repository; requests of one source run one at a
  /// time.
  virtual void Fetch(std::string source, GitFetchRequest request,
                     std::function<void(Result<GitSnapshot>)> done) = 0;
  /// Forgets what is kept for the source.
  virtual void Forget(std::string source) = 0;
};

}  // namespace midwatch
