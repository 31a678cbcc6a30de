#pragma once

#include "controller/env/local_files.h"

namespace midwatch::posix {

/// LocalFiles on this host's file system. Errors name the path.
class PosixLocalFiles final : public LocalFiles {
 public:
  Result<std::string> Read(const std::string& path, std::size_t limit) override;
  bool IsDirectory(const std::string& path) override;
  std::optional<std::string> PathInWorkTree(const std::string& directory) override;
  Result<std::vector<LocalFile>> Walk(const std::string& directory) override;
  /// By a temporary file beside it and a rename.
  Result<void> WritePrivate(const std::string& path, std::string_view bytes) override;
};

}  // namespace midwatch::posix
