#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace midwatch::artifacts {

// Blocking work on files. A full disk is kInsufficientStorage, what does not exist kNotFound,
// anything else the system says kInternal; messages name what was done, never a path of the host.

/// The whole file; kTooLarge over `limit`.
Result<std::string> ReadFile(const std::string& path, std::size_t limit);

/// At most `limit` bytes from `offset`; empty at the end.
Result<std::string> ReadPart(const std::string& path, std::uint64_t offset, std::size_t limit);

/// Makes a file with this content, durably and at once: a crash leaves the whole file or none.
/// `temporary` is a path on the same file system that nobody else uses.
Result<void> WriteFile(const std::string& path, const std::string& temporary,
                       std::string_view bytes);

/// Adds bytes to the end of a file, durably, if it is `size` bytes long (a missing one is 0):
/// kConflict and nothing written otherwise. What could be written only in part is taken back.
Result<void> AppendFile(const std::string& path, std::uint64_t size, std::string_view bytes);

/// Makes an empty file unless something is there; not synced.
Result<void> TouchFile(const std::string& path);

/// Makes a directory and those above it, durably.
Result<void> MakeDirectory(const std::string& path);

}  // namespace midwatch::artifacts
