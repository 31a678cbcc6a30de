#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/apiserver/durable_state.h"
#include "controller/apiserver/requests.h"

namespace midwatch::apiserver {

/// Decides what has to be cleaned up, from what is durable: dependents whose owners are gone
/// (background, foreground and orphan, as Kubernetes' garbage collector does), the contents of
/// Namespaces that are being deleted, Events that have expired. It writes nothing: Next gives the
/// next write.
///
/// The storage's thread only.
class Collector {
 public:
  static constexpr std::size_t kMaxOutstanding = 64;  ///< Writes under way at one time.
  static constexpr std::size_t kIndexSlice = 64;  ///< Objects of a start that one step looks into.
  static constexpr Duration kRetry = std::chrono::seconds(1);
  static constexpr Duration kRetryConflict = std::chrono::milliseconds(10);

  Collector(const DurableState& state, Duration event_ttl);

  /// Everything there is after a start: indexed in slices, before anything is collected.
  void Start();
  void OnChange(const Change& change);
  /// The next clean-up, or nothing for now. OnDone must be told how it ended.
  std::optional<WriteCall> Next(Now now);
  void OnDone(const ObjectKey& key, const Result<WriteAnswer>& result, MonoTime now);

  /// True if Next would do something at once.
  bool Busy(Now now) const;
  std::optional<MonoTime> NextWake(Now last) const;

 private:
  using Keys = std::set<ObjectKey>;

  void Index(const VersionPtr& version);
  void Forget(const VersionPtr& version);
  void Look(const ObjectKey& key);
  void LookAtOwners(const Version& version);
  bool IndexSlice();

  VersionPtr FindKey(const ObjectKey& key) const;
  /// The live owner, nullptr if it is gone; no value if its kind is not served here.
  std::optional<VersionPtr> FindOwner(const OwnerReference& owner, const Version& dependent) const;
  std::optional<WriteCall> Decide(const Version& version, Now now);
  std::optional<WriteCall> DecideOwner(const Version& owner);
  std::optional<WriteCall> DecideDependent(const Version& dependent);
  std::optional<WriteCall> DecideNamespace(const Version& space);
  Keys ContentOf(const std::string& space) const;
  bool IsEmpty(const std::string& space) const;
  void NoteContent(const Change& change);
  std::optional<WriteCall> DecideExpiry(const Version& event, Now now);
  std::optional<WriteCall> DeleteNext(const Version& owner);
  std::optional<WriteCall> OrphanNext(const Version& owner);
  const Keys& DependentsOf(const std::string& uid) const;
  void Schedule(const Version& version);
  void WakeDue(Now now);

  const DurableState& state_;
  const Duration event_ttl_;
  std::vector<VersionPtr> unindexed_;
  std::unordered_map<std::string, ObjectKey> live_;   // By UID.
  std::unordered_map<std::string, Keys> dependents_;  // By UID of the owner.
  /// Namespaces that are being deleted, each with what is in it and is not.
  std::map<std::string, Keys> terminating_;
  std::set<std::pair<WallTime, ObjectKey>> expiries_;
  std::deque<ObjectKey> queue_;
  Keys queued_;
  Keys outstanding_;
  std::set<std::pair<MonoTime, ObjectKey>> retries_;
};

}  // namespace midwatch::apiserver
