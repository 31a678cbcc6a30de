#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace midwatch {

enum class LocalFileKind : std::uint8_t {
  kFile,
  kSymlink,
  kSubmodule,      ///< A directory with a repository of its own.
  kDirectoryLink,  ///< A symbolic link to a directory.
};

struct LocalFile {
  std::string path;  ///< Below the directory that was walked, with `/`.
  LocalFileKind kind = LocalFileKind::kFile;
};

/// Files of this machine, as commands of the command line use them. Blocks.
///
/// Implementations: posix::PosixLocalFiles.
class LocalFiles {
 public:
  virtual ~LocalFiles() = default;
  /// Whole; `-` is standard input. kNotFound; kTooLarge beyond `limit` bytes.
  virtual Result<std::string> Read(const std::string& path, std::size_t limit) = 0;
  virtual bool IsDirectory(const std::string& path) = 0;
  /// Where an existing directory lies below the root of the git work tree around it: `env/prod`,
  /// empty for the root itself, nothing outside of any.
  virtual std::optional<std::string> PathInWorkTree(const std::string& directory) = 0;
  /// All files below a directory, symlinks and submodules named and not followed, `.git` left out,
  /// sorted by path.
  virtual Result<std::vector<LocalFile>> Walk(const std::string& directory) = 0;
  /// Creates or replaces it, readable by its owner alone.
  virtual Result<void> WritePrivate(const std::string& path, std::string_view bytes) = 0;
};

}  // namespace midwatch
