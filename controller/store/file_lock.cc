#include "controller/store/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "controller/base/text.h"

namespace midwatch::store {
namespace {

tl::unexpected<Error> SystemError(ErrorCode code, const std::string& path, std::string_view what) {
  return Fail(
      code, Quote(path) + ": " + std::string(what) + ": " + std::generic_category().message(errno));
}

}  // namespace

Result<FileLock> FileLock::Take(const std::string& path) {
  FileLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.fd_ < 0) {
    return SystemError(ErrorCode::kInternal, path, "cannot be opened");
  }
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Fail(ErrorCode::kUnavailable,
                  Quote(path) + ": the data is in use by another server; stop that one first");
    }
    return SystemError(ErrorCode::kInternal, path, "cannot be locked");
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

Result<void> SyncDirectoryOf(const std::string& path) {
  std::string directory = std::filesystem::path(path).parent_path().string();
  if (directory.empty()) {
    directory = ".";
  }
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return SystemError(ErrorCode::kInternal, directory, "cannot be opened");
  }
  const int result = fsync(fd);
  const int error = errno;
  close(fd);
  errno = error;
  return result == 0 ? Result<void>()
                     : SystemError(ErrorCode::kInternal, directory, "cannot be synced");
}

}  // namespace midwatch::store
