#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controller/testing/seeded_random.h"

struct sqlite3_vfs;

namespace midwatch::store {

/// For tests: a disk in memory under SQLite, with faults. What was not synced is lost at a power
/// cut, all of it or any part, down to sectors. Registered with SQLite while it lives; one at a
/// time per name. Thread-safe.
class PowerCutDisk {
 public:
  static constexpr std::int64_t kSector = 512;

  PowerCutDisk(std::string name, std::uint64_t seed);
  ~PowerCutDisk();
  PowerCutDisk(const PowerCutDisk&) = delete;
  PowerCutDisk& operator=(const PowerCutDisk&) = delete;

  const std::string& name() const { return name_; }

  /// The power goes after so many more writes and syncs: everything fails from then on.
  void CutAfter(int operations);
  bool IsCut() const;
  /// The power is back: each write since its file's last sync is there, gone, or torn.
  void PowerOn();

  /// Only the process was gone: what it wrote is there, synced or not, and still may be lost.
  void Restart();

  void SetCapacity(std::int64_t bytes);  ///< Of all files together.
  void FailNextSync();
  /// Changes a byte of what is stored.
  void Flip(const std::string& file_suffix, std::int64_t at);
  /// The bytes of the first file whose name ends so.
  std::string Content(const std::string& file_suffix) const;
  void Replace(const std::string& file_suffix, std::string content);

  struct File;
  struct Access;  // The functions that SQLite calls.

 private:
  struct Write {
    std::int64_t at = 0;  // -1: a truncation to `size`.
    std::int64_t size = 0;
    std::string bytes;
  };

  std::shared_ptr<File> Find(const std::string& suffix) const;
  bool Spend();
  void Settle(File& file);

  const std::string name_;
  mutable std::mutex mutex_;
  fakes::SeededRandom random_;
  std::map<std::string, std::shared_ptr<File>> files_;
  int operations_left_ = -1;  // -1: no cut is planned.
  bool cut_ = false;
  bool fail_sync_ = false;
  int temporaries_ = 0;
  std::int64_t capacity_ = std::int64_t{1} << 40;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace midwatch::store
