#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "controller/base/time.h"
#include "controller/env/journal.h"
#include "controller/store/database.h"
#include "controller/store/file_lock.h"

namespace midwatch::store {

struct SqliteOptions {
  std::string path;      ///< The file; `-wal`, `-shm` and `.lock` stand beside it.
  std::string vfs = {};  ///< Tests: a disk of their own.
  std::int64_t checkpoint_bytes = std::int64_t{4} << 20;  ///< Of WAL: a checkpoint is started.
  std::int64_t max_wal_bytes = std::int64_t{64} << 20;  ///< Writers wait for one that is complete,
  Duration max_wait = std::chrono::seconds(10);  ///< so long; a reader may hold it up for ever.
  std::size_t max_group_rows = 4096;             ///< That one commit takes; more wait for the next.
  Duration compact_quiet = std::chrono::milliseconds(50);  ///< Without commits, before compaction;
  Duration compact_pause = std::chrono::seconds(10);       ///< and between two small slices of it.
  std::int64_t max_compact_lag = 16'384;  ///< Revisions; beyond, it goes between the commits,
  std::size_t max_compact_bytes = std::size_t{64} << 20;  ///< and when so much was written since.
};

/// A Journal in one SQLite file: see README.md and architecture section 3.
///
/// A commit that fails before it reaches the disk is rolled back (kInsufficientStorage for a full
/// disk, or a full WAL that a reader holds). One that fails at COMMIT is kOutcomeUnknown, and from
/// then on nothing is written: the process must end and recover.
class SqliteJournal final : public Journal {
 public:
  /// Locks and opens the file, creating it if it is missing. kUnavailable: another server has it.
  /// kInternal: it is not ours, of a later version, or cannot be read.
  static Result<std::unique_ptr<SqliteJournal>> Open(SqliteOptions options);
  /// What is queued is committed first.
  ~SqliteJournal() override;

  Result<JournalState> Load() override;
  void Commit(std::vector<JournalRow> batch, std::function<void(Result<void>)> done) override;
  void Compact(std::int64_t revision) override;

  /// The largest that the WAL has been, in bytes.
  std::int64_t MostWalBytes() const { return most_wal_bytes_; }

 private:
  /// Revisions that one slice of a compaction looks at.
  static constexpr std::int64_t kCompactSlice = 512;
  /// Between two checkpoints that a full WAL waits for.
  static constexpr Duration kCheckpointPause = std::chrono::milliseconds(20);

  using SteadyTime = std::chrono::steady_clock::time_point;

  struct Batch {
    std::vector<JournalRow> rows;
    std::function<void(Result<void>)> done;
  };

  SqliteJournal(SqliteOptions options, FileLock lock, Database writer, Database checkpointer);
  Result<void> Prepare();
  Result<void> PrepareStatements();
  void Start();

  // The writer's thread.
  void WriterLoop(std::stop_token stop);
  std::vector<Batch> TakeGroup(std::stop_token stop);
  std::optional<SteadyTime> CompactAt() const;
  bool CompactIsDue() const;
  void WriteGroup(std::vector<Batch> group);
  Result<void> WriteRows(const std::vector<Batch>& group, std::vector<bool>& accepted);
  Result<void> Insert(const JournalRow& row);
  Result<void> CommitNow();
  Result<void> WaitForRoom();
  void RunCheckpoint(std::unique_lock<std::mutex>& lock);
  void CompactSlice();
  Result<void> DeleteSlice(std::int64_t to, std::int64_t& removed);

  // The checkpoint thread.
  void CheckpointLoop(std::stop_token stop);

  const SqliteOptions options_;
  const FileLock lock_;
  Database writer_;
  Database checkpointer_;
  std::optional<Statement> insert_;
  std::optional<Statement> delete_superseded_;
  std::optional<Statement> delete_deleted_;
  std::optional<Statement> note_compacted_;

  std::int64_t revision_ = 0;            // The newest durable one. The writer's, after Load.
  std::int64_t compacted_ = 0;           // Likewise.
  std::int64_t kept_ = 0;                // Rows up to compacted_: a lost one is noticed at Load.
  std::optional<Error> dead_;            // Likewise.
  std::optional<SteadyTime> wait_ends_;  // Likewise: the WAL is full.
  SteadyTime quiet_since_;               // Likewise: the end of the last commit.
  SteadyTime last_slice_ = SteadyTime::min();  // Likewise.
  std::size_t written_ = 0;                    // Likewise: bytes since nothing was left to compact.
  std::atomic<std::int64_t> most_wal_bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Batch> queue_;
  std::int64_t compact_to_ = 0;
  bool checkpoint_wanted_ = false;
  std::uint64_t checkpoints_ = 0;          // Finished.
  std::optional<Error> checkpoint_error_;  // Of the last one.
  bool checkpoint_complete_ = false;       // The last one wrote back everything.

  std::jthread checkpoint_thread_;
  std::jthread writer_thread_;  // Stops first.
};

}  // namespace midwatch::store
