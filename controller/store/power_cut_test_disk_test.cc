#include "controller/store/power_cut_test_disk.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "controller/store/database.h"

namespace midwatch::store {

struct PowerCutDisk::File {
  std::string stored;               // What a power cut leaves at least.
  std::string seen;                 // What reads see.
  std::vector<Write> pending = {};  // From stored to seen.
  std::vector<std::unique_ptr<std::array<char, 32768>>> shared = {};  // The WAL's index.
  std::map<const void*, int> locks = {};  // By open file: SQLITE_LOCK_….
  std::array<int, SQLITE_SHM_NLOCK> shared_locks{};
  std::array<bool, SQLITE_SHM_NLOCK> exclusive_locks{};
};

namespace {

/// What SQLite has for an open file.
struct OpenFile {
  sqlite3_file base;
  PowerCutDisk* disk;
  std::shared_ptr<PowerCutDisk::File> file;
};

void PutAt(std::string& content, std::int64_t at, std::string_view bytes) {
  const auto start = static_cast<std::size_t>(at);
  if (content.size() < start + bytes.size()) {
    content.resize(start + bytes.size(), '\0');
  }
  std::copy(bytes.begin(), bytes.end(), content.begin() + at);
}

}  // namespace

struct PowerCutDisk::Access {
  static OpenFile& Of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
  static PowerCutDisk& DiskOf(sqlite3_vfs* vfs) {
    return *static_cast<PowerCutDisk*>(vfs->pAppData);
  }

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out);
  static int Delete(sqlite3_vfs* vfs, const char* name, int) {
    PowerCutDisk& disk = DiskOf(vfs);
    const std::scoped_lock lock(disk.mutex_);
    if (disk.cut_) {
      return SQLITE_IOERR_DELETE;
    }
    disk.files_.erase(name);
    return SQLITE_OK;
  }
  static int Exists(sqlite3_vfs* vfs, const char* name, int, int* result) {
    PowerCutDisk& disk = DiskOf(vfs);
    const std::scoped_lock lock(disk.mutex_);
    const auto found = disk.files_.find(name);
    *result = found != disk.files_.end() && !found->second->seen.empty() ? 1 : 0;
    return SQLITE_OK;
  }
  static int FullPath(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
  }

  static int Close(sqlite3_file* file) {
    {
      const std::scoped_lock lock(Of(file).disk->mutex_);
      Of(file).file->locks.erase(file);
    }
    Of(file).~OpenFile();
    return SQLITE_OK;
  }
  static int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 at) {
    const std::scoped_lock lock(Of(file).disk->mutex_);
    if (Of(file).disk->cut_) {
      return SQLITE_IOERR_READ;
    }
    const std::string& seen = Of(file).file->seen;
    const std::int64_t there =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(seen.size()) - at, 0, size);
    std::memset(out, 0, static_cast<std::size_t>(size));
    if (there > 0) {
      std::memcpy(out, seen.data() + at, static_cast<std::size_t>(there));
    }
    return there == size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
    PowerCutDisk& disk = *Of(file).disk;
    File& content = *Of(file).file;
    const std::scoped_lock lock(disk.mutex_);
    std::int64_t total = 0;
    for (const auto& [name, other] : disk.files_) {
      total += static_cast<std::int64_t>(other->seen.size());
    }
    const std::int64_t growth = at + size - static_cast<std::int64_t>(content.seen.size());
    if (growth > 0 && total + growth > disk.capacity_) {
      return SQLITE_FULL;
    }
    if (disk.cut_) {
      return SQLITE_IOERR_WRITE;
    }
    const std::string text(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
    content.pending.push_back({.at = at, .size = size, .bytes = text});
    PutAt(content.seen, at, text);
    return disk.Spend() ? SQLITE_OK : SQLITE_IOERR_WRITE;
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    const std::scoped_lock lock(Of(file).disk->mutex_);
    if (Of(file).disk->cut_) {
      return SQLITE_IOERR_TRUNCATE;
    }
    Of(file).file->pending.push_back({.at = -1, .size = size, .bytes = {}});
    Of(file).file->seen.resize(static_cast<std::size_t>(size));
    return SQLITE_OK;
  }
  static int Sync(sqlite3_file* file, int) {
    PowerCutDisk& disk = *Of(file).disk;
    const std::scoped_lock lock(disk.mutex_);
    if (disk.cut_ || std::exchange(disk.fail_sync_, false) || !disk.Spend()) {
      return SQLITE_IOERR_FSYNC;
    }
    Of(file).file->stored = Of(file).file->seen;
    Of(file).file->pending.clear();
    return SQLITE_OK;
  }
  static int Size(sqlite3_file* file, sqlite3_int64* size) {
    const std::scoped_lock lock(Of(file).disk->mutex_);
    *size = static_cast<sqlite3_int64>(Of(file).file->seen.size());
    return SQLITE_OK;
  }
  static int Lock(sqlite3_file* file, int level) {
    const std::scoped_lock lock(Of(file).disk->mutex_);
    auto& locks = Of(file).file->locks;
    for (const auto& [holder, held] : locks) {
      const bool excludes = level == SQLITE_LOCK_SHARED     ? held >= SQLITE_LOCK_PENDING
                            : level == SQLITE_LOCK_RESERVED ? held >= SQLITE_LOCK_RESERVED
                                                            : held >= SQLITE_LOCK_SHARED;
      if (holder != file && excludes) {
        return SQLITE_BUSY;
      }
    }
    locks[file] = std::max(locks[file], level);
    return SQLITE_OK;
  }
  static int Unlock(sqlite3_file* file, int level) {
    const std::scoped_lock lock(Of(file).disk->mutex_);
    auto& locks = Of(file).file->locks;
    locks[file] = std::min(locks[file], level);
    return SQLITE_OK;
  }
  static int CheckLock(sqlite3_file*, int* out) {
    *out = 0;
    return SQLITE_OK;
  }
  static int Control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int SectorSize(sqlite3_file*) { return static_cast<int>(kSector); }
  static int Characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static int ShmMap(sqlite3_file* file, int page, int, int extend, void volatile** out) {
    const std::scoped_lock lock(Of(file).disk->mutex_);
    auto& shared = Of(file).file->shared;
    const auto index = static_cast<std::size_t>(page);
    while (extend != 0 && shared.size() <= index) {
      shared.push_back(std::make_unique<std::array<char, 32768>>());
    }
    *out = index < shared.size() ? shared[index]->data() : nullptr;
    return SQLITE_OK;
  }
  static int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
    const std::scoped_lock lock(Of(file).disk->mutex_);
    File& f = *Of(file).file;
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    const auto first = static_cast<std::size_t>(offset);
    const std::size_t end = first + static_cast<std::size_t>(count);
    for (std::size_t i = first; (flags & SQLITE_SHM_LOCK) != 0 && i < end; ++i) {
      if (f.exclusive_locks[i] || (exclusive && f.shared_locks[i] > 0)) {
        return SQLITE_BUSY;
      }
    }
    for (std::size_t i = first; i < end; ++i) {
      if (exclusive) {
        f.exclusive_locks[i] = (flags & SQLITE_SHM_LOCK) != 0;
      } else {
        f.shared_locks[i] += (flags & SQLITE_SHM_LOCK) != 0 ? 1 : -1;
      }
    }
    return SQLITE_OK;
  }
  static void ShmBarrier(sqlite3_file* file) { const std::scoped_lock lock(Of(file).disk->mutex_); }
  static int ShmUnmap(sqlite3_file* file, int remove) {
    const std::scoped_lock lock(Of(file).disk->mutex_);
    if (remove != 0) {
      Of(file).file->shared.clear();
    }
    return SQLITE_OK;
  }
};

namespace {

const sqlite3_io_methods kMethods = [] {
  using A = PowerCutDisk::Access;
  sqlite3_io_methods methods{};
  methods.iVersion = 2;
  methods.xClose = A::Close;
  methods.xRead = A::Read;
  methods.xWrite = A::Write;
  methods.xTruncate = A::Truncate;
  methods.xSync = A::Sync;
  methods.xFileSize = A::Size;
  methods.xLock = A::Lock;
  methods.xUnlock = A::Unlock;
  methods.xCheckReservedLock = A::CheckLock;
  methods.xFileControl = A::Control;
  methods.xSectorSize = A::SectorSize;
  methods.xDeviceCharacteristics = A::Characteristics;
  methods.xShmMap = A::ShmMap;
  methods.xShmLock = A::ShmLock;
  methods.xShmBarrier = A::ShmBarrier;
  methods.xShmUnmap = A::ShmUnmap;
  return methods;
}();

}  // namespace

int PowerCutDisk::Access::Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                               int* out) {
  PowerCutDisk& disk = DiskOf(vfs);
  const std::scoped_lock lock(disk.mutex_);
  file->pMethods = nullptr;
  if (disk.cut_) {
    return SQLITE_CANTOPEN;
  }
  auto& content =
      disk.files_[name != nullptr ? name : "temporary-" + std::to_string(++disk.temporaries_)];
  if (content == nullptr) {
    content = std::make_shared<File>();
  }
  new (file) OpenFile{.base = {}, .disk = &disk, .file = content};
  file->pMethods = &kMethods;
  if (out != nullptr) {
    *out = flags;
  }
  return SQLITE_OK;
}

PowerCutDisk::PowerCutDisk(std::string name, std::uint64_t seed)
    : name_(std::move(name)), random_(seed), vfs_(std::make_unique<sqlite3_vfs>()) {
  *vfs_ = *sqlite3_vfs_find(nullptr);  // For time, sleep and randomness.
  vfs_->zName = name_.c_str();
  vfs_->szOsFile = sizeof(OpenFile);
  vfs_->pNext = nullptr;
  vfs_->pAppData = this;
  vfs_->xOpen = Access::Open;
  vfs_->xDelete = Access::Delete;
  vfs_->xAccess = Access::Exists;
  vfs_->xFullPathname = Access::FullPath;
  sqlite3_vfs_register(vfs_.get(), 0);
}

PowerCutDisk::~PowerCutDisk() { sqlite3_vfs_unregister(vfs_.get()); }

/// One operation of the budget. False: the power went during it.
bool PowerCutDisk::Spend() {
  if (operations_left_ > 0 && --operations_left_ == 0) {
    cut_ = true;
  }
  return !cut_;
}

void PowerCutDisk::CutAfter(int operations) {
  const std::scoped_lock lock(mutex_);
  operations_left_ = operations;
}

bool PowerCutDisk::IsCut() const {
  const std::scoped_lock lock(mutex_);
  return cut_;
}

void PowerCutDisk::PowerOn() {
  const std::scoped_lock lock(mutex_);
  cut_ = false;
  operations_left_ = -1;
  for (auto& [name, file] : files_) {
    Settle(*file);
  }
}

void PowerCutDisk::Restart() {
  const std::scoped_lock lock(mutex_);
  cut_ = false;
  operations_left_ = -1;
  for (auto& [name, file] : files_) {
    *file = File{.stored = file->stored, .seen = file->seen, .pending = file->pending};
  }
}

/// Decides what has become of the writes since the last sync.
void PowerCutDisk::Settle(File& file) {
  const std::uint64_t survives = random_.Below(3) * 500;  // None, half, all; per mille.
  for (const Write& write : file.pending) {
    if (write.at < 0) {
      if (random_.Chance(survives)) {
        file.stored.resize(static_cast<std::size_t>(write.size));
      }
      continue;
    }
    for (std::int64_t done = 0; done < write.size;) {
      const std::int64_t end =
          std::min(write.size, ((write.at + done) / kSector + 1) * kSector - write.at);
      if (random_.Chance(survives)) {
        PutAt(file.stored, write.at + done,
              std::string_view(write.bytes)
                  .substr(static_cast<std::size_t>(done), static_cast<std::size_t>(end - done)));
      }
      done = end;
    }
  }
  file = File{.stored = file.stored, .seen = file.stored};
}

void PowerCutDisk::SetCapacity(std::int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  capacity_ = bytes;
}

void PowerCutDisk::FailNextSync() {
  const std::scoped_lock lock(mutex_);
  fail_sync_ = true;
}

std::shared_ptr<PowerCutDisk::File> PowerCutDisk::Find(const std::string& suffix) const {
  for (const auto& [name, file] : files_) {
    if (name.ends_with(suffix)) {
      return file;
    }
  }
  return nullptr;
}

void PowerCutDisk::Flip(const std::string& file_suffix, std::int64_t at) {
  const std::scoped_lock lock(mutex_);
  char& byte = Find(file_suffix)->seen[static_cast<std::size_t>(at)];
  byte = static_cast<char>(byte ^ 0x41);
}

std::string PowerCutDisk::Content(const std::string& file_suffix) const {
  const std::scoped_lock lock(mutex_);
  const auto file = Find(file_suffix);
  return file == nullptr ? std::string() : file->seen;
}

void PowerCutDisk::Replace(const std::string& file_suffix, std::string content) {
  const std::scoped_lock lock(mutex_);
  File& file = *Find(file_suffix);
  file = File{.stored = content, .seen = std::move(content)};
}

namespace {

TEST(PowerCutDiskTest, LosesWhatWasNotSyncedAndNothingElse) {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    PowerCutDisk disk("disk", seed);
    {
      auto database = Database::Open("x.db", "disk");
      ASSERT_TRUE(database);
      ASSERT_TRUE(
          database->Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                            "CREATE TABLE t (a); INSERT INTO t VALUES (1);"
                            "PRAGMA synchronous=OFF; INSERT INTO t VALUES (2)"));
      disk.CutAfter(1);
      EXPECT_FALSE(database->Execute("INSERT INTO t VALUES (3)"));
      EXPECT_TRUE(disk.IsCut());
    }
    disk.PowerOn();
    auto database = Database::Open("x.db", "disk");
    const auto rows = database->Number("SELECT count(*) FROM t");
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_GE(*rows, 1) << "what was synced";
    EXPECT_LE(*rows, 2);
    lost = lost || *rows == 1;
  }
  EXPECT_TRUE(lost) << "a disk that loses nothing proves nothing";
}

}  // namespace
}  // namespace midwatch::store
