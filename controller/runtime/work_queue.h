#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>

#include "controller/base/time.h"
#include "controller/object/object_key.h"

namespace midwatch {

/// Which keys go first: all of a lane before any of the next.
enum class QueueLane : std::uint8_t {
  kUrgent,      ///< A question of the key's last plan was answered: before the answer is old.
  kNormal,      ///< Something has changed, or the key's time has come.
  kBackground,  ///< First look at what was there at the start.
  kSweep,       ///< Nothing is known to have changed.
};

/// How a key that failed is retried: `base`, doubled at each failure in a row, at most `limit`.
struct BackoffLimits {
  Duration base = std::chrono::milliseconds(5);
  Duration limit = std::chrono::minutes(5);
};

/// The keys to look at: deduplicated, delayed, and held back after failures.
///
/// Guarantees: a key that was taken is not handed out again before Done; if it was added meanwhile,
/// it is ready again then. Within a lane keys come in the order in which they were added or fell
/// due. Of several due times the earliest counts, and taking the key clears it. Equal calls give
/// equal answers. One thread at a time.
class WorkQueue {
 public:
  explicit WorkQueue(BackoffLimits limits = {}) : limits_(limits) {}

  void Add(const ObjectKey& key, MonoTime now, QueueLane lane = QueueLane::kNormal);
  void AddAt(const ObjectKey& key, MonoTime due);
  /// After a failure: due when the key's back-off says so.
  void AddRateLimited(const ObjectKey& key, MonoTime now);
  /// Ends the row of failures of a key.
  void Forget(const ObjectKey& key);
  /// Of a key, in a row.
  int Failures(const ObjectKey& key) const;

  struct Taken {
    ObjectKey key;
    QueueLane lane;
    MonoTime queued;   ///< Since when it was ready.
    int failures = 0;  ///< In a row, before this.
  };
  /// The next ready key, now the caller's until Done.
  std::optional<Taken> Take(MonoTime now);
  void Done(const ObjectKey& key, MonoTime now);

  /// A key could be taken now.
  bool HasReady(MonoTime now) const;
  /// Makes every key ready that waits for a time, but for those that wait after a failure: civil
  /// time was set, and their times may have been counted from it.
  void ReleaseWaiting(MonoTime now);
  /// When the next delayed key falls due; none if none is delayed.
  std::optional<MonoTime> NextDue() const;
  std::size_t ready() const { return ready_; }
  std::size_t delayed() const { return delayed_.size(); }

 private:
  static constexpr std::size_t kLanes = 4;
  struct Entry {
    std::optional<QueueLane> lane;  // Ready, or to be ready again after Done.
    bool processing = false;
    std::uint64_t ticket = 0;  // Of the place in a lane that counts: earlier places are stale.
    int places = 0;            // Stale ones included; the entry stays as long as there is one.
    MonoTime queued;
    std::optional<std::pair<MonoTime, std::uint64_t>> due;
    int failures = 0;
  };
  using Entries = std::unordered_map<ObjectKey, Entry, ObjectKeyHash>;
  using Node = Entries::value_type;
  struct Place {
    Node* node;
    std::uint64_t ticket;
  };
  struct Delayed {
    MonoTime due;
    std::uint64_t ticket;
    Node* node;
    bool operator<(const Delayed& other) const {
      return due != other.due ? due < other.due : ticket < other.ticket;
    }
  };

  Node& NodeOf(const ObjectKey& key) { return *entries_.try_emplace(key).first; }
  void MakeReady(Node& node, MonoTime since, QueueLane lane);
  void PushPlace(Node& node);
  void ClearDue(Node& node);
  void ReleaseDue(MonoTime now);
  void DropIfIdle(Node& node);

  BackoffLimits limits_;
  Entries entries_;
  std::array<std::deque<Place>, kLanes> lanes_;
  std::set<Delayed> delayed_;
  std::uint64_t next_ticket_ = 1;
  std::size_t ready_ = 0;
};

}  // namespace midwatch
