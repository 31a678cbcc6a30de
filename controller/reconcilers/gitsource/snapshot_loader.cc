#include "controller/reconcilers/gitsource/snapshot_loader.h"

#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace midwatch::gitsource {
namespace {

using DeclaredFilePtr = std::shared_ptr<const manifest::DeclaredFile>;

DeclaredFilePtr AtPath(const manifest::DeclaredFile& file, const std::string& path) {
  auto moved = std::make_shared<manifest::DeclaredFile>(file);
  for (manifest::Manifest& declared : moved->manifests) {
    declared.path = path;
  }
  for (manifest::Manifest& refused : moved->refused) {
    refused.path = path;
  }
  for (manifest::ManifestError& error : moved->errors) {
    error.path = path;
  }
  return moved;
}

using FilePtr = std::shared_ptr<const Snapshot::File>;

/// Finds what was checked before. Asked in the order of paths.
class Earlier {
 public:
  explicit Earlier(const Snapshot* before) : before_(before) {}

  /// The files below a directory that is as it was.
  std::span<const FilePtr> Below(const GitEntry& directory) {
    const std::vector<FilePtr>& files = before_->files;
    while (next_ < files.size() && files[next_]->path < directory.path) {
      ++next_;
    }
    const std::size_t first = next_;
    while (next_ < files.size() && files[next_]->path.starts_with(directory.path)) {
      ++next_;
    }
    return std::span(files).subspan(first, next_ - first);
  }

  /// The same file as it was, or null.
  FilePtr Same(const GitEntry& entry) {
    if (before_ == nullptr || !IsRead(entry)) {
      return nullptr;
    }
    const std::vector<FilePtr>& files = before_->files;
    while (next_ < files.size() && files[next_]->path < entry.path) {
      ++next_;
    }
    const bool same = next_ < files.size() && files[next_]->path == entry.path &&
                      files[next_]->blob == entry.blob;
    return same ? files[next_] : nullptr;
  }

  /// What the entry declares if it is an old file under another path, or null.
  DeclaredFilePtr Moved(const GitEntry& entry) {
    if (before_ == nullptr || !IsRead(entry) || !entry.bytes.empty()) {
      return nullptr;
    }
    if (by_blob_.empty()) {
      for (const FilePtr& file : before_->files) {
        by_blob_.emplace(file->blob, file->declared);
      }
    }
    const auto found = by_blob_.find(entry.blob);
    return found == by_blob_.end() ? nullptr : AtPath(*found->second, entry.path);
  }

  static bool IsRead(const GitEntry& entry) {
    return entry.kind == GitEntryKind::kFile && !entry.too_large;
  }

 private:
  const Snapshot* before_;
  std::size_t next_ = 0;
  std::unordered_map<std::string_view, DeclaredFilePtr> by_blob_;
};

}  // namespace

std::vector<std::string> ManifestSuffixes() { return {".yaml", ".yml", ".json"}; }

manifest::EntryKind EntryKindOf(GitEntryKind kind) {
  switch (kind) {
    case GitEntryKind::kSymlink:
      return manifest::EntryKind::kSymlink;
    case GitEntryKind::kSubmodule:
      return manifest::EntryKind::kSubmodule;
    case GitEntryKind::kDirectoryLink:
      return manifest::EntryKind::kDirectoryLink;
    case GitEntryKind::kSameDirectory:
    case GitEntryKind::kFile:
      break;
  }
  return manifest::EntryKind::kFile;
}

std::shared_ptr<const Snapshot> LoadSnapshot(const manifest::ManifestSchemas& schemas,
                                             const manifest::ManifestScope& scope,
                                             const GitSnapshot& fetched, const Snapshot* before,
                                             const manifest::ForEach& for_each) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->revision = fetched.revision;
  Earlier earlier(before);
  std::vector<DeclaredFilePtr> declared;
  std::vector<FilePtr> files;  // Of the same place in `declared`, or null.
  std::vector<std::pair<std::size_t, const GitEntry*>> fresh;
  for (const GitEntry& entry : fetched.entries) {
    if (entry.kind == GitEntryKind::kSameDirectory) {
      for (const FilePtr& file : earlier.Below(entry)) {
        declared.push_back(file->declared);
        files.push_back(file);
      }
      continue;
    }
    snapshot->plain = snapshot->plain && Earlier::IsRead(entry);
    if (FilePtr same = earlier.Same(entry)) {
      declared.push_back(same->declared);
      files.push_back(std::move(same));
    } else if (manifest::MayDeclare(entry.path, EntryKindOf(entry.kind))) {
      fresh.emplace_back(declared.size(), &entry);
      declared.push_back(earlier.Moved(entry));
      files.emplace_back();
    }
  }
  for_each(fresh.size(), [&](std::size_t i) {
    const auto& [at, entry] = fresh[i];
    if (declared[at] == nullptr) {
      declared[at] = std::make_shared<const manifest::DeclaredFile>(
          manifest::CheckEntry(schemas, scope,
                               {.path = entry->path,
                                .kind = EntryKindOf(entry->kind),
                                .bytes = entry->bytes,
                                .too_large = entry->too_large}));
    }
  });
  for (const auto& [at, entry] : fresh) {
    if (Earlier::IsRead(*entry)) {
      files[at] = std::make_shared<const Snapshot::File>(
          Snapshot::File{entry->path, entry->blob, declared[at]});
    }
  }
  std::erase(files, nullptr);
  snapshot->files = std::move(files);
  snapshot->declared = manifest::CombineFiles(std::move(declared));
  return snapshot;
}

}  // namespace midwatch::gitsource
