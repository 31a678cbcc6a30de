#include "controller/store/sqlite_journal.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "controller/base/text.h"
#include "controller/store/checksum.h"

namespace midwatch::store {
namespace {

constexpr std::int64_t kApplicationId = 0x6d776174;  // "mwat": what `file` shows.
constexpr std::int64_t kSchemaVersion = 1;
constexpr std::int64_t kPageBytes = 4096;

constexpr std::string_view kSchema = R"(
CREATE TABLE changes (
  revision  INTEGER PRIMARY KEY,
  previous  INTEGER NOT NULL,
  deleted   INTEGER NOT NULL,
  resource  TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name      TEXT NOT NULL,
  uid       TEXT NOT NULL,
  checksum  INTEGER NOT NULL,
  bytes     BLOB NOT NULL);
CREATE TABLE compaction (
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  compacted INTEGER NOT NULL,
  kept      INTEGER NOT NULL);
INSERT INTO compaction VALUES (1, 0, 0);
)";

std::int64_t ChecksumOf(const JournalRow& row) {
  Checksum sum;
  sum.Add(row.revision);
  sum.Add(row.previous);
  sum.Add(row.deleted ? 1 : 0);
  sum.Add(row.key.resource);
  sum.Add(row.key.namespace_name);
  sum.Add(row.key.name);
  sum.Add(row.uid);
  sum.Add(row.bytes);
  return sum.value();
}

Error Corrupt(std::int64_t revision, std::string_view what) {
  return {ErrorCode::kInternal, "revision " + std::to_string(revision) + ": " + std::string(what) +
                                    "; the database is damaged: restore it from a backup"};
}

/// Sorts the rows of a load, which come by revision, into what they are.
class StateBuilder {
 public:
  explicit StateBuilder(std::int64_t compacted) { state_.compacted = compacted; }

  void Add(JournalRow row) {
    state_.revision = row.revision;
    if (row.previous != 0) {
      replaced_.emplace(row.previous, true);
    }
    rows_.push_back(std::move(row));
  }
  JournalState Take() {
    for (JournalRow& row : rows_) {
      const bool newest = !row.deleted && !replaced_.contains(row.revision);
      if (row.revision <= state_.compacted) {
        (newest ? state_.latest : state_.superseded).push_back(std::move(row));
        continue;
      }
      if (newest) {
        state_.log.push_back({.revision = row.revision,
                              .deleted = false,
                              .key = row.key,
                              .uid = row.uid,
                              .bytes = {},
                              .previous = row.previous});
        state_.latest.push_back(std::move(row));
      } else {
        state_.log.push_back(std::move(row));
      }
    }
    return std::move(state_);
  }

 private:
  JournalState state_;
  std::vector<JournalRow> rows_;
  std::unordered_map<std::int64_t, bool> replaced_;
};

JournalRow RowOf(const Statement& row) {
  return {.revision = row.Int(0),
          .deleted = row.Int(2) != 0,
          .key = {std::string(row.Text(3)), std::string(row.Text(4)), std::string(row.Text(5))},
          .uid = std::string(row.Text(6)),
          .bytes = std::string(row.Text(8)),
          .previous = row.Int(1)};
}

}  // namespace

SqliteJournal::SqliteJournal(SqliteOptions options, FileLock lock, Database writer,
                             Database checkpointer)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      writer_(std::move(writer)),
      checkpointer_(std::move(checkpointer)) {}

SqliteJournal::~SqliteJournal() {
  writer_thread_ = {};
  checkpoint_thread_ = {};
  // A clean end leaves no WAL behind. If that fails, the WAL is what the next start reads.
  (void)checkpointer_.CheckpointPassive();
}

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::Open(SqliteOptions options) {
  MIDWATCH_ASSIGN(FileLock lock, FileLock::Take(options.path + ".lock"));
  MIDWATCH_ASSIGN(Database writer, Database::Open(options.path, options.vfs));
  MIDWATCH_ASSIGN(Database checkpointer, Database::Open(options.path, options.vfs));
  const bool real = options.vfs.empty();
  const std::string path = options.path;
  std::unique_ptr<SqliteJournal> journal(new SqliteJournal(
      std::move(options), std::move(lock), std::move(writer), std::move(checkpointer)));
  if (auto prepared = journal->Prepare(); !prepared) {
    return Fail(prepared.error().code, Quote(path) + ": " + prepared.error().message);
  }
  if (real) {
    MIDWATCH_TRY(SyncDirectoryOf(path));
  }
  return journal;
}

Result<void> SqliteJournal::Prepare() {
  for (Database* database : {&writer_, &checkpointer_}) {
    MIDWATCH_TRY(database->Execute("PRAGMA page_size=" + std::to_string(kPageBytes)));
    MIDWATCH_TRY(
        database->Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA fullfsync=ON;"
                          "PRAGMA checkpoint_fullfsync=ON;"
                          "PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY"));
  }
  MIDWATCH_ASSIGN(const std::int64_t version, writer_.Number("PRAGMA user_version"));
  MIDWATCH_ASSIGN(const std::int64_t application, writer_.Number("PRAGMA application_id"));
  MIDWATCH_ASSIGN(const std::int64_t tables, writer_.Number("SELECT count(*) FROM sqlite_master"));
  if (version == 0 && application == 0 && tables == 0) {
    MIDWATCH_TRY(writer_.Execute("BEGIN IMMEDIATE;" + std::string(kSchema) +
                                 "PRAGMA user_version=" + std::to_string(kSchemaVersion) +
                                 ";PRAGMA application_id=" + std::to_string(kApplicationId) +
                                 "; COMMIT"));
  } else if (application != kApplicationId) {
    return Fail(ErrorCode::kInternal, "it is not a database of Midwatch");
  } else if (version != kSchemaVersion) {
    return Fail(ErrorCode::kInternal, "its format is version " + std::to_string(version) +
                                          ", this program reads version " +
                                          std::to_string(kSchemaVersion));
  }
  return PrepareStatements();
}

Result<void> SqliteJournal::PrepareStatements() {
  MIDWATCH_ASSIGN(insert_, writer_.Prepare("INSERT INTO changes VALUES (?,?,?,?,?,?,?,?,?)"));
  MIDWATCH_ASSIGN(delete_superseded_,
                  writer_.Prepare("DELETE FROM changes WHERE revision IN (SELECT previous FROM "
                                  "changes WHERE revision > ? AND revision <= ?)"));
  MIDWATCH_ASSIGN(
      delete_deleted_,
      writer_.Prepare("DELETE FROM changes WHERE revision > ? AND revision <= ? AND deleted"));
  MIDWATCH_ASSIGN(note_compacted_, writer_.Prepare("UPDATE compaction SET compacted=?, kept=?"));
  return {};
}

Result<JournalState> SqliteJournal::Load() {
  MIDWATCH_ASSIGN(compacted_, writer_.Number("SELECT compacted FROM compaction"));
  MIDWATCH_ASSIGN(kept_, writer_.Number("SELECT kept FROM compaction"));
  // A process that was killed may have written more than it synced: nobody may see that before it
  // is durable.
  MIDWATCH_TRY(writer_.SyncWal());
  MIDWATCH_ASSIGN(Statement rows, writer_.Prepare("SELECT * FROM changes ORDER BY revision"));
  StateBuilder builder(compacted_);
  std::int64_t next = compacted_ + 1;
  std::int64_t kept = 0;
  for (;;) {
    MIDWATCH_ASSIGN(const bool more, rows.Step());
    if (!more) {
      break;
    }
    JournalRow row = RowOf(rows);
    if (ChecksumOf(row) != rows.Int(7)) {
      return Fail(Corrupt(row.revision, row.key.ToString() + " does not fit its checksum"));
    }
    if (row.revision <= compacted_) {
      ++kept;
    } else if (row.revision != next++) {
      return Fail(Corrupt(next - 1, "it is missing"));
    }
    builder.Add(std::move(row));
  }
  if (kept != kept_) {
    return Fail(Corrupt(compacted_, "expected " + std::to_string(kept_) +
                                        " rows up to here, found " + std::to_string(kept)));
  }
  JournalState state = builder.Take();
  state.revision = next - 1;
  revision_ = state.revision;
  rows.Reset();
  Start();
  return state;
}

void SqliteJournal::Start() {
  checkpoint_thread_ = std::jthread([this](std::stop_token stop) { CheckpointLoop(stop); });
  writer_thread_ = std::jthread([this](std::stop_token stop) { WriterLoop(stop); });
}

void SqliteJournal::Commit(std::vector<JournalRow> batch, std::function<void(Result<void>)> done) {
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back({std::move(batch), std::move(done)});
  }
  changed_.notify_all();
}

void SqliteJournal::Compact(std::int64_t revision) {
  {
    const std::scoped_lock lock(mutex_);
    compact_to_ = std::max(compact_to_, revision);
  }
  changed_.notify_all();
}

/// When to compact, if commits do not come before: in a pause of theirs, which a slice would hold
/// up by some milliseconds; and few revisions are not worth a transaction. Nothing: there is
/// nothing to compact. The lock is held.
std::optional<SqliteJournal::SteadyTime> SqliteJournal::CompactAt() const {
  const std::int64_t lag = std::min(compact_to_, revision_) - compacted_;
  if (lag <= 0 || dead_) {
    return std::nullopt;
  }
  if (lag > options_.max_compact_lag || written_ > options_.max_compact_bytes) {
    return SteadyTime::min();
  }
  const SteadyTime quiet = quiet_since_ + options_.compact_quiet;
  return lag >= kCompactSlice ? quiet : std::max(quiet, last_slice_ + options_.compact_pause);
}

bool SqliteJournal::CompactIsDue() const {
  const std::optional<SteadyTime> at = CompactAt();
  return at && *at <= std::chrono::steady_clock::now();
}

/// Everything that has queued up, within the bound; empty when it is time to compact, or to stop.
std::vector<SqliteJournal::Batch> SqliteJournal::TakeGroup(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (queue_.empty() && !stop.stop_requested() && !CompactIsDue()) {
    const std::optional<SteadyTime> at = CompactAt();
    const auto changed = [&] { return !queue_.empty() || CompactAt() != at; };
    if (at) {
      changed_.wait_until(lock, stop, *at, changed);
    } else {
      changed_.wait(lock, stop, changed);
    }
  }
  std::vector<Batch> group;
  std::size_t rows = 0;
  while (!queue_.empty() && (group.empty() || rows < options_.max_group_rows)) {
    rows += queue_.front().rows.size();
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void SqliteJournal::WriterLoop(std::stop_token stop) {
  for (;;) {
    std::vector<Batch> group = TakeGroup(stop);
    if (!group.empty()) {
      WriteGroup(std::move(group));
      quiet_since_ = std::chrono::steady_clock::now();
    } else if (stop.stop_requested()) {
      return;
    }
    CompactSlice();
  }
}

void SqliteJournal::WriteGroup(std::vector<Batch> group) {
  std::vector<bool> accepted;
  Result<void> result = dead_ ? Fail(*dead_) : WaitForRoom();
  if (result) {
    result = WriteRows(group, accepted);
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (result && !accepted[i]) {
      group[i].done(Fail(ErrorCode::kUnavailable, "a batch before this one has failed"));
      continue;
    }
    if (result && !group[i].rows.empty()) {
      revision_ = group[i].rows.back().revision;
      for (const JournalRow& row : group[i].rows) {
        written_ += row.bytes.size();
      }
    }
    group[i].done(result);
  }
}

/// One transaction. Batches that do not continue the revisions are left out.
Result<void> SqliteJournal::WriteRows(const std::vector<Batch>& group,
                                      std::vector<bool>& accepted) {
  MIDWATCH_TRY(writer_.Execute("BEGIN IMMEDIATE"));
  std::int64_t revision = revision_;
  for (const Batch& batch : group) {
    accepted.push_back(batch.rows.empty() || batch.rows.front().revision == revision + 1);
    for (const JournalRow& row : batch.rows) {
      if (!accepted.back()) {
        break;
      }
      revision = row.revision;
      if (auto inserted = Insert(row); !inserted) {
        (void)writer_.Execute("ROLLBACK");
        return inserted;
      }
    }
  }
  return CommitNow();
}

Result<void> SqliteJournal::Insert(const JournalRow& row) {
  insert_->Bind(1, row.revision);
  insert_->Bind(2, row.previous);
  insert_->Bind(3, row.deleted ? 1 : 0);
  insert_->BindText(4, row.key.resource);
  insert_->BindText(5, row.key.namespace_name);
  insert_->BindText(6, row.key.name);
  insert_->BindText(7, row.uid);
  insert_->Bind(8, ChecksumOf(row));
  insert_->BindBlob(9, row.bytes);
  return insert_->Run();
}

/// A full disk is noticed before the commit record is complete: that can be taken back. After any
/// other error nobody knows what the disk has.
Result<void> SqliteJournal::CommitNow() {
  const auto committed = writer_.Execute("COMMIT");
  if (committed) {
    const std::int64_t wal = std::int64_t{writer_.WalPages()} * kPageBytes;
    most_wal_bytes_ = std::max(most_wal_bytes_.load(), wal);
    if (wal >= options_.checkpoint_bytes) {
      {
        const std::scoped_lock lock(mutex_);
        checkpoint_wanted_ = true;
      }
      changed_.notify_all();
    }
    return {};
  }
  const bool full = committed.error().code == ErrorCode::kInsufficientStorage;
  if (writer_.InTransaction()) {  // SQLite has not taken it back by itself.
    (void)writer_.Execute("ROLLBACK");
  }
  if (full && !writer_.InTransaction()) {
    return committed;
  }
  dead_ = {ErrorCode::kOutcomeUnknown, "commit: " + committed.error().message};
  return Fail(*dead_);
}

/// While the WAL is at its bound, waits until a checkpoint has written all of it back: then the
/// next commit starts it again from its beginning. The wait ends at the same time for all who come
/// to it, so that a reader that stays does not hold up each of them anew.
Result<void> SqliteJournal::WaitForRoom() {
  if (std::int64_t{writer_.WalPages()} * kPageBytes < options_.max_wal_bytes) {
    return {};
  }
  if (!wait_ends_) {
    wait_ends_ = std::chrono::steady_clock::now() + options_.max_wait;
  }
  std::unique_lock lock(mutex_);
  RunCheckpoint(lock);  // One that is under way may have begun before the last commit.
  for (;;) {
    RunCheckpoint(lock);
    if (checkpoint_error_) {
      return Fail(ErrorCode::kInsufficientStorage,
                  "the log is full and cannot be written back: " + checkpoint_error_->message);
    }
    if (checkpoint_complete_) {
      wait_ends_.reset();
      return {};
    }
    if (std::chrono::steady_clock::now() >= *wait_ends_) {
      return Fail(ErrorCode::kInsufficientStorage,
                  "the log is full and a reader of the database keeps it from being written back");
    }
    changed_.wait_for(lock, kCheckpointPause, [] { return false; });
  }
}

void SqliteJournal::RunCheckpoint(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t finished = checkpoints_ + 1;
  checkpoint_wanted_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return checkpoints_ >= finished; });
}

void SqliteJournal::CheckpointLoop(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return checkpoint_wanted_; })) {
    checkpoint_wanted_ = false;
    lock.unlock();
    const auto result = checkpointer_.CheckpointPassive();
    lock.lock();
    ++checkpoints_;
    checkpoint_error_ = result ? std::nullopt : std::optional(result.error());
    checkpoint_complete_ = result && result->done == result->frames;
    changed_.notify_all();
  }
}

/// Forgets a few changes. Between commits, so that none waits for long.
void SqliteJournal::CompactSlice() {
  std::int64_t to = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (!CompactIsDue()) {
      return;
    }
    compact_to_ = std::min(compact_to_, revision_);
    to = std::min(compact_to_, compacted_ + kCompactSlice);
  }
  std::int64_t removed = 0;
  auto result = WaitForRoom();
  if (result) {
    result = DeleteSlice(to, removed);
  }
  last_slice_ = std::chrono::steady_clock::now();
  const std::scoped_lock lock(mutex_);
  if (result) {
    kept_ += to - compacted_ - removed;
    compacted_ = to;
    written_ = compacted_ < compact_to_ ? written_ : 0;
  } else {
    compact_to_ = compacted_;  // Until the storage asks again.
  }
}

Result<void> SqliteJournal::DeleteSlice(std::int64_t to, std::int64_t& removed) {
  MIDWATCH_TRY(writer_.Execute("BEGIN IMMEDIATE"));
  const auto run = [&]() -> Result<void> {
    for (Statement* statement : {&*delete_superseded_, &*delete_deleted_}) {
      statement->Bind(1, compacted_);
      statement->Bind(2, to);
      MIDWATCH_TRY(statement->Run());
      removed += writer_.Changes();
    }
    note_compacted_->Bind(1, to);
    note_compacted_->Bind(2, kept_ + to - compacted_ - removed);
    return note_compacted_->Run();
  };
  if (auto result = run(); !result) {
    (void)writer_.Execute("ROLLBACK");
    return result;
  }
  return CommitNow();
}

}  // namespace midwatch::store
