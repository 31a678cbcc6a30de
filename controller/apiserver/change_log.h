#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "controller/apiserver/version.h"
#include "controller/base/time.h"

namespace midwatch::apiserver {

/// One durable change. Its revision is that of `after`.
struct Change {
  VersionPtr before;  ///< nullptr: the object was created, or nobody knows (`before_known`).
  VersionPtr after;   ///< Of a deletion: the last state, with the revision of the deletion.
  bool deleted = false;
  bool before_known = true;  ///< False where the journal could not say, after a start.
  MonoTime at;               ///< When it became durable here.
};

/// The last changes, without a gap, for watches and pages. Whichever bound is met first ends it.
class ChangeLog {
 public:
  struct Bounds {
    std::size_t changes = 0;
    std::size_t bytes = 0;  ///< Of versions that are kept alive by the log alone.
    Duration age{};
  };
  explicit ChangeLog(Bounds bounds) : bounds_(bounds) {}

  /// Empties it; the next change is `compacted` + 1.
  void Start(std::int64_t compacted) { compacted_ = compacted; }
  /// Its revision must be Newest() + 1.
  void Append(Change change);
  /// Drops what is beyond the bounds.
  void Trim(MonoTime now);

  /// Changes up to here are forgotten.
  std::int64_t Compacted() const { return compacted_; }
  std::int64_t Newest() const { return compacted_ + static_cast<std::int64_t>(changes_.size()); }
  /// Compacted() < revision <= Newest().
  const Change& At(std::int64_t revision) const {
    return changes_[static_cast<std::size_t>(revision - compacted_ - 1)];
  }
  const Bounds& bounds() const { return bounds_; }
  /// When the oldest change will be too old.
  std::optional<MonoTime> NextTrim() const;

  /// What stood at `revision` under every name of the resource that has changed since; nullptr:
  /// nothing. No value: the log does not reach back that far.
  using Past = std::map<std::pair<std::string_view, std::string_view>, VersionPtr>;
  std::optional<Past> PastOf(const ResourceInfo& resource, std::int64_t revision) const;

 private:
  static std::size_t BytesKeptBy(const Change& change);

  Bounds bounds_;
  std::deque<Change> changes_;
  std::int64_t compacted_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace midwatch::apiserver
