#include "controller/posix/local_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "controller/posix/descriptor.h"

namespace midwatch::posix {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = std::size_t{64} << 10;

Result<std::string> ReadAll(int descriptor, const std::string& path, std::size_t limit) {
  std::string out;
  char buffer[kPiece];
  for (;;) {
    const ssize_t got = read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Fail(SystemError("read " + path, errno));
    }
    if (got == 0) {
      return out;
    }
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > limit) {
      return Fail(ErrorCode::kTooLarge, path + ": longer than " + std::to_string(limit) + " bytes");
    }
  }
}

Result<void> WriteAll(const Descriptor& to, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(to.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return Fail(SystemError("write " + path, errno));
    }
    bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return {};
}

/// Nothing: a directory to walk, or what is no file at all.
std::optional<LocalFileKind> KindOf(const fs::path& path, fs::file_type type) {
  std::error_code ignored;
  switch (type) {
    case fs::file_type::regular:
      return LocalFileKind::kFile;
    case fs::file_type::symlink:
      return fs::is_directory(path, ignored) && fs::read_symlink(path, ignored).is_relative()
                 ? LocalFileKind::kDirectoryLink
                 : LocalFileKind::kSymlink;
    case fs::file_type::directory:
      return fs::exists(path / ".git", ignored) ? std::optional(LocalFileKind::kSubmodule)
                                                : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<std::string> PosixLocalFiles::Read(const std::string& path, std::size_t limit) {
  if (path == "-") {
    return ReadAll(STDIN_FILENO, "standard input", limit);
  }
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    return Fail(SystemError("open " + path, errno));
  }
  return ReadAll(file.get(), path, limit);
}

bool PosixLocalFiles::IsDirectory(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::optional<std::string> PosixLocalFiles::PathInWorkTree(const std::string& directory) {
  std::error_code error;
  const fs::path canonical = fs::canonical(directory, error);
  for (fs::path root = canonical; !error; root = root.parent_path()) {
    std::error_code ignored;
    if (fs::exists(root / ".git", ignored)) {
      return root == canonical ? std::string() : canonical.lexically_relative(root).string();
    }
    if (root == root.root_path()) {
      break;
    }
  }
  return std::nullopt;
}

Result<std::vector<LocalFile>> PosixLocalFiles::Walk(const std::string& directory) {
  std::vector<LocalFile> out;
  std::error_code error;
  fs::recursive_directory_iterator at(directory, error);
  const fs::recursive_directory_iterator end;
  while (!error && at != end) {
    const fs::path& path = at->path();
    const fs::file_status status = at->symlink_status(error);
    if (path.filename() == ".git") {
      at.disable_recursion_pending();
    } else if (const auto kind = KindOf(path, status.type())) {
      out.push_back({.path = path.lexically_relative(directory).generic_string(),
                     .kind = kind.value_or(LocalFileKind::kFile)});
      at.disable_recursion_pending();  // Of a submodule; else there is nothing to go into.
    }
    if (!error) {
      at.increment(error);
    }
  }
  if (error) {
    return Fail(SystemError("read " + directory, error.value()));
  }
  std::sort(out.begin(), out.end(),
            [](const LocalFile& a, const LocalFile& b) { return a.path < b.path; });
  return out;
}

Result<void> PosixLocalFiles::WritePrivate(const std::string& path, std::string_view bytes) {
  const std::string next = path + ".new";
  unlink(next.c_str());
  const Descriptor file(
      open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!file) {
    return Fail(SystemError("write " + path, errno));
  }
  if (const auto written = WriteAll(file, path, bytes); !written) {
    unlink(next.c_str());
    return written;
  }
  if (rename(next.c_str(), path.c_str()) != 0) {
    return Fail(SystemError("write " + path, errno));
  }
  return {};
}

}  // namespace midwatch::posix
