#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/object_key.h"

namespace midwatch {

/// One change of one object: the object's new bytes, or its deletion with its last bytes.
struct JournalRow {
  std::int64_t revision = 0;  ///< The resourceVersion; grows by one with each row.
  bool deleted = false;
  ObjectKey key;
  std::string uid;
  std::string bytes;          ///< As served, resourceVersion inside.
  std::int64_t previous = 0;  ///< The revision that it takes the place of; 0: the object is new.
};

/// What a journal held when it was opened.
struct JournalState {
  std::int64_t revision = 0;       ///< Of the newest row ever committed, compacted ones included.
  std::int64_t compacted = 0;      ///< Changes up to here are no longer in `log`.
  std::vector<JournalRow> latest;  ///< The newest row of every object that exists, by revision.
  std::vector<JournalRow> log;     ///< The changes after `compacted`, by revision. The bytes of one
                                   ///< that is also in `latest` may stand there alone.
  /// The rows up to `compacted` that changes of the log took the place of. May be left out: then
  /// nobody knows what those objects were like before.
  std::vector<JournalRow> superseded = {};
};

/// Durable storage of the API: an append-only log of changes and the newest state of each object.
/// Commits are durable (fdatasync) and atomic: after a crash a batch is there as a whole or not at
/// all. One user at a time.
///
/// Implementations: store::SqliteJournal, sim::VirtualJournal.
class Journal {
 public:
  virtual ~Journal() = default;

  /// Reads everything. To be called once, before anything else. A row whose checksum does not fit
  /// is an error that names it: never a silent gap.
  virtual Result<JournalState> Load() = 0;

  /// Queues a batch and returns; `done` is called once, in the order of the calls, when the batch
  /// is durable or has failed (kInsufficientStorage: nothing of it was written; kOutcomeUnknown:
  /// the process must end and recover). Thread-safe. Batches that queue up during one sync may
  /// share the next. A batch must continue the durable revisions: one that does not, because a
  /// batch before it failed, fails too (kUnavailable), so that nothing is built upon what was never
  /// written.
  virtual void Commit(std::vector<JournalRow> batch, std::function<void(Result<void>)> done) = 0;

  /// Forgets changes up to `revision` (the newest state of each object stays), in slices between
  /// commits.
  virtual void Compact(std::int64_t revision) = 0;
};

}  // namespace midwatch
