#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controller/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace midwatch::store {

class Database;

/// A prepared statement. Texts that are bound must stay until the next Reset. Not thread-safe.
class Statement {
 public:
  void Bind(int index, std::int64_t value);
  void BindText(int index, std::string_view value);
  void BindBlob(int index, std::string_view value);
  /// True: there is a row. False: done.
  Result<bool> Step();
  /// To be run again; bindings are gone.
  void Reset();
  /// Step until done, then Reset.
  Result<void> Run();

  // Of the present row, until the next Step.
  std::int64_t Int(int column) const;
  std::string_view Text(int column) const;  ///< Blobs too.

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection to a SQLite file. kInsufficientStorage: the disk is full; kInternal: anything
/// else, in SQLite's words. One thread at a time; its statements must be gone before it.
class Database {
 public:
  /// Creates the file if it is missing. `vfs`: empty for the system's files.
  static Result<Database> Open(const std::string& path, const std::string& vfs);

  Result<void> Execute(const std::string& sql);
  Result<Statement> Prepare(std::string_view sql);
  /// The first column of the first row, as a number.
  Result<std::int64_t> Number(std::string_view sql);
  bool InTransaction() const;
  std::int64_t Changes() const;  ///< Rows that the last statement inserted or deleted.

  /// Pages that the WAL held after the last commit of this connection.
  int WalPages() const { return *wal_pages_; }
  /// What a passive checkpoint has achieved: all frames of the WAL, and those written back.
  struct Checkpointed {
    int frames = 0;
    int done = 0;
  };
  Result<Checkpointed> CheckpointPassive();
  /// Makes durable what the WAL holds, whoever wrote it. After something was read.
  Result<void> SyncWal();

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database);

  std::unique_ptr<int> wal_pages_;  // Where the hook of the connection writes.
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace midwatch::store
