#include "controller/artifacts/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace midwatch::artifacts {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> SystemError(std::string_view doing) {
  const int error = errno;
  ErrorCode code = ErrorCode::kInternal;
  if (error == ENOENT) {
    code = ErrorCode::kNotFound;
  } else if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    code = ErrorCode::kInsufficientStorage;
  }
  return Fail(code, std::string(doing) + ": " + std::strerror(error));
}

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

Result<void> SyncDirectory(const std::string& path) {
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) {
    return SystemError("cannot sync a directory");
  }
  return {};
}

Result<void> WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno != EINTR) {
      return SystemError("cannot write a file");
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(put, 0)));
  }
  return {};
}

Result<std::uint64_t> SizeOf(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    return SystemError("cannot read a file");
  }
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::string> ReadFrom(int fd, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got =
        pread(fd, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno != EINTR) {
      return SystemError("cannot read a file");
    }
    if (got == 0) {
      break;
    }
    have += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  bytes.resize(have);
  return bytes;
}

Result<void> WriteDurably(const std::string& path, std::string_view bytes) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  if (file.get() < 0) {
    return SystemError("cannot make a file");
  }
  MIDWATCH_TRY(WriteAll(file.get(), bytes));
  if (fsync(file.get()) != 0) {
    return SystemError("cannot sync a file");
  }
  return {};
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, std::size_t limit) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return SystemError("cannot open a file");
  }
  MIDWATCH_ASSIGN(const std::uint64_t size, SizeOf(file.get()));
  if (size > limit) {
    return Fail(ErrorCode::kTooLarge, "a file has more than " + std::to_string(limit) + " bytes");
  }
  return ReadFrom(file.get(), 0, static_cast<std::size_t>(size));
}

Result<std::string> ReadPart(const std::string& path, std::uint64_t offset, std::size_t limit) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return SystemError("cannot open a file");
  }
  MIDWATCH_ASSIGN(const std::uint64_t size, SizeOf(file.get()));
  const std::uint64_t left = offset < size ? size - offset : 0;
  return ReadFrom(file.get(), offset,
                  static_cast<std::size_t>(std::min<std::uint64_t>(left, limit)));
}

Result<void> WriteFile(const std::string& path, const std::string& temporary,
                       std::string_view bytes) {
  const Result<void> written = WriteDurably(temporary, bytes);
  if (!written) {
    unlink(temporary.c_str());
    return written;
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const auto error = SystemError("cannot rename a file");
    unlink(temporary.c_str());
    return error;
  }
  return SyncDirectory(DirectoryOf(path));
}

Result<void> AppendFile(const std::string& path, std::uint64_t size, std::string_view bytes) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kFileMode));
  if (file.get() < 0) {
    return SystemError("cannot open a file");
  }
  MIDWATCH_ASSIGN(const std::uint64_t present, SizeOf(file.get()));
  if (present != size) {
    return Fail(ErrorCode::kConflict,
                "ends at " + std::to_string(present) + ", not at " + std::to_string(size));
  }
  Result<void> written = WriteAll(file.get(), bytes);
  if (written && fdatasync(file.get()) != 0) {
    written = SystemError("cannot sync a file");
  }
  if (!written) {
    // If even this fails, the next append conflicts and the writer sees what is there.
    static_cast<void>(ftruncate(file.get(), static_cast<off_t>(size)) == 0);
    return written;
  }
  return size == 0 ? SyncDirectory(DirectoryOf(path)) : Result<void>();
}

Result<void> TouchFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kFileMode));
  return file.get() < 0 ? SystemError("cannot make a file") : Result<void>();
}

Result<void> MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), kDirectoryMode) == 0) {
    return SyncDirectory(DirectoryOf(path));
  }
  if (errno == EEXIST) {
    return {};
  }
  if (errno != ENOENT || path.find('/', 1) == std::string::npos) {
    return SystemError("cannot make a directory");
  }
  MIDWATCH_TRY(MakeDirectory(DirectoryOf(path)));
  if (mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return SystemError("cannot make a directory");
  }
  return SyncDirectory(DirectoryOf(path));
}

}  // namespace midwatch::artifacts
