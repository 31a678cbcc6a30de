#pragma once

#include <string>

#include "controller/base/result.h"

namespace midwatch::store {

/// Holds `flock` on a file until destroyed; the system frees it when the process dies, however it
/// dies.
class FileLock {
 public:
  /// kUnavailable: somebody else holds it.
  static Result<FileLock> Take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

/// Makes the names in the directory of `path` durable.
Result<void> SyncDirectoryOf(const std::string& path);

}  // namespace midwatch::store
