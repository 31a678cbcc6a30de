#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/env/git_client.h"
#include "controller/manifest/repository.h"

namespace midwatch::gitsource {

/// One revision, read and checked. Immutable once it is shared.
struct Snapshot {
  struct File {
    std::string path;
    std::string blob;
    std::shared_ptr<const manifest::DeclaredFile> declared;
  };

  GitRevision revision;
  /// What was read, in the order of paths. The next revision shares what has not changed.
  std::vector<std::shared_ptr<const File>> files;
  manifest::DeclaredSet declared;
  /// There are no links, submodules and large files: `files` is all that counts of a directory.
  bool plain = true;
};

/// What the last fetch of a source came to.
struct FetchOutcome {
  std::string fingerprint;   ///< Of what was to be fetched (FetchSpec::fingerprint).
  std::string sync_request;  ///< The request to sync at once that it answers.
  Now finished;
  int failures = 0;                          ///< In a row.
  std::optional<Error> error;                ///< Of this fetch; the snapshots are then older.
  std::shared_ptr<const Snapshot> snapshot;  ///< The newest revision that could be read.
  /// The newest revision without errors: what stays in force while `snapshot` has some.
  std::shared_ptr<const Snapshot> valid;
  Duration fetch_time{0};
  Duration load_time{0};
};

/// Manifests kept over all sources; past it the source that was fetched longest ago is forgotten
/// and will be fetched again.
inline constexpr std::size_t kMaxCachedManifests = 200'000;

/// Where the fetch operation leaves what the planner looks at. Thread-safe.
class SnapshotCache {
 public:
  explicit SnapshotCache(std::size_t max_manifests = kMaxCachedManifests)
      : max_manifests_(max_manifests) {}

  /// The outcome of a source (`namespace/name`), or null.
  std::shared_ptr<const FetchOutcome> Find(const std::string& source) const;
  void Store(const std::string& source, FetchOutcome outcome);
  void Forget(const std::string& source);

 private:
  struct Kept {
    std::shared_ptr<const FetchOutcome> outcome;
    std::uint64_t stored = 0;  // Order of storing.
  };
  void EvictOthers(const std::string& source);

  const std::size_t max_manifests_;
  mutable std::mutex mutex_;
  std::map<std::string, Kept> kept_;
  std::uint64_t stores_ = 0;
};

}  // namespace midwatch::gitsource
