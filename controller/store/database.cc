#include "controller/store/database.h"

#include <sqlite3.h>

namespace midwatch::store {
namespace {

tl::unexpected<Error> Failure(sqlite3* database, int code) {
  const bool full = (code & 0xff) == SQLITE_FULL;
  std::string message = "sqlite: ";
  message += database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database);
  message += " (code " + std::to_string(code) + ")";
  return Fail(full ? ErrorCode::kInsufficientStorage : ErrorCode::kInternal, std::move(message));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::Bind(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
}

void Statement::BindText(int index, std::string_view value) {
  sqlite3_bind_text64(statement_.get(), index, value.data() == nullptr ? "" : value.data(),
                      value.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::BindBlob(int index, std::string_view value) {
  sqlite3_bind_blob64(statement_.get(), index, value.data() == nullptr ? "" : value.data(),
                      value.size(), SQLITE_STATIC);
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW || code == SQLITE_DONE) {
    return code == SQLITE_ROW;
  }
  return Failure(database_, code);
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

Result<void> Statement::Run() {
  for (;;) {
    const auto row = Step();
    if (!row || !*row) {
      Reset();
      return row ? Result<void>() : Fail(row.error());
    }
  }
}

std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const char*>(bytes), bytes == nullptr ? 0 : static_cast<std::size_t>(size)};
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Database::Database(sqlite3* database) : wal_pages_(std::make_unique<int>(0)), database_(database) {
  // It also takes the place of SQLite's own checkpoints inside COMMIT (wal_autocheckpoint).
  sqlite3_wal_hook(
      database,
      [](void* pages, sqlite3*, const char*, int in_wal) {
        *static_cast<int*>(pages) = in_wal;
        return SQLITE_OK;
      },
      wal_pages_.get());
}

Result<Database> Database::Open(const std::string& path, const std::string& vfs) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                   vfs.empty() ? nullptr : vfs.c_str());
  Database database(raw);
  if (code != SQLITE_OK) {
    return Failure(raw, code);
  }
  sqlite3_extended_result_codes(raw, 1);
  constexpr int kBusyMilliseconds = 5000;
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  return database;
}

Result<void> Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Result<void>() : Failure(database_.get(), code);
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    return Failure(database_.get(), code);
  }
  return Statement(database_.get(), statement);
}

Result<std::int64_t> Database::Number(std::string_view sql) {
  MIDWATCH_ASSIGN(Statement statement, Prepare(sql));
  MIDWATCH_ASSIGN(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

bool Database::InTransaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }

std::int64_t Database::Changes() const { return sqlite3_changes64(database_.get()); }

Result<Database::Checkpointed> Database::CheckpointPassive() {
  Checkpointed out;
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &out.frames, &out.done);
  if (code != SQLITE_OK && code != SQLITE_BUSY) {
    return Failure(database_.get(), code);
  }
  return out;
}

Result<void> Database::SyncWal() {
  sqlite3_file* wal = nullptr;
  int code = sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER,
                                  static_cast<void*>(&wal));
  if (code == SQLITE_OK && wal != nullptr && wal->pMethods != nullptr) {
    code = wal->pMethods->xSync(wal, SQLITE_SYNC_FULL);
  }
  return code == SQLITE_OK ? Result<void>() : Failure(nullptr, code);
}

}  // namespace midwatch::store
