#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/manifest/manifest.h"

namespace midwatch::manifest {

enum class EntryKind : std::uint8_t {
  kFile,
  kSymlink,
  kSubmodule,
  kDirectoryLink,  ///< A symbolic link to a directory.
};

/// Something that stands in a tree of git, or in a directory.
struct RepositoryEntry {
  std::string_view path;
  EntryKind kind = EntryKind::kFile;
  std::string_view bytes = {};
  bool too_large = false;  ///< Over the limit of a file, so it was not read.
};

struct RepositoryLimits {
  std::size_t manifests = 50'000;
  std::size_t bytes = std::size_t{256} << 20;  ///< Of all manifest files together.
  LoadLimits load;
};

/// True for `.yaml`, `.yml` and `.json` (any case), unless the file or a directory above it starts
/// with a dot (`.github/`).
bool IsManifestPath(std::string_view path);

/// Whether an entry may stand for manifests: a file or link with a manifest's name; a submodule or
/// a link to a directory, unless it or a directory above it starts with a dot.
bool MayDeclare(std::string_view path, EntryKind kind);

/// The share of one entry. What may declare something and is not read is an error: symbolic links,
/// submodules, pointers of Git LFS. Other entries declare nothing.
DeclaredFile CheckEntry(const ManifestSchemas& schemas, const ManifestScope& scope,
                        const RepositoryEntry& entry, const LoadLimits& limits = {});

/// All that a revision declares.
struct DeclaredSet {
  std::vector<std::shared_ptr<const DeclaredFile>> files;
  std::vector<const Manifest*> manifests;  ///< In the order of files; owned by `files`.
  std::vector<ManifestError> errors;       ///< Sorted.
  /// Each error is about an object whose key is known. If not, something may be declared that could
  /// not be read, and nothing may be taken to be absent.
  bool complete = true;
};

/// Puts the shares of all files together: objects declared twice (each of the places is told the
/// other, none counts), and the limits of the whole.
DeclaredSet CombineFiles(std::vector<std::shared_ptr<const DeclaredFile>> files,
                         const RepositoryLimits& limits = {});

/// Calls `body(i)` for each i below `count`, in any order or at the same time, and returns when all
/// have returned.
using ForEach =
    std::function<void(std::size_t count, const std::function<void(std::size_t)>& body)>;
void InOrder(std::size_t count, const std::function<void(std::size_t)>& body);

/// CheckEntry of all, then CombineFiles. The result does not depend on `for_each`.
DeclaredSet CheckRepository(const ManifestSchemas& schemas, const ManifestScope& scope,
                            std::span<const RepositoryEntry> entries,
                            const RepositoryLimits& limits = {}, const ForEach& for_each = InOrder);

}  // namespace midwatch::manifest
