#include "controller/reconcilers/gitsource/snapshot_loader.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace midwatch::gitsource {
namespace {

using DeclaredFilePtr = std::shared_ptr<const manifest::DeclaredFile>;

manifest::EntryKind KindOf(GitEntryKind kind) {
  switch (kind) {
    case GitEntryKind::kSymlink:
      return manifest::EntryKind::kSymlink;
    case GitEntryKind::kSubmodule:
      return manifest::EntryKind::kSubmodule;
    default:
      return manifest::EntryKind::kFile;
  }
}

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

/// Finds what was checked before.
class Earlier {
 public:
  explicit Earlier(const Snapshot* before) : before_(before) {}

  DeclaredFilePtr Find(const GitEntry& entry) {
    if (before_ == nullptr || entry.kind != GitEntryKind::kFile || entry.too_large) {
      return nullptr;
    }
    const auto same_path = before_->files.find(entry.path);
    if (same_path != before_->files.end() && same_path->second.blob == entry.blob) {
      return same_path->second.declared;
    }
    // Its bytes have come, or it is an old file under another path.
    if (!entry.bytes.empty()) {
      return nullptr;
    }
    IndexBlobs();
    const auto same_blob = by_blob_.find(entry.blob);
    return same_blob == by_blob_.end() ? nullptr : AtPath(*same_blob->second, entry.path);
  }

 private:
  void IndexBlobs() {
    if (by_blob_.empty()) {
      for (const auto& [path, file] : before_->files) {
        by_blob_.emplace(file.blob, file.declared);
      }
    }
  }

  const Snapshot* before_;
  std::unordered_map<std::string, DeclaredFilePtr> by_blob_;
};

}  // namespace

std::vector<std::string> ManifestSuffixes() { return {".yaml", ".yml", ".json"}; }

std::shared_ptr<const Snapshot> LoadSnapshot(const manifest::ManifestSchemas& schemas,
                                             const manifest::ManifestScope& scope,
                                             const GitSnapshot& fetched, const Snapshot* before,
                                             const manifest::ForEach& for_each) {
  std::vector<const GitEntry*> entries;
  for (const GitEntry& entry : fetched.entries) {
    if (manifest::IsManifestPath(entry.path)) {
      entries.push_back(&entry);
    }
  }
  Earlier earlier(before);
  std::vector<DeclaredFilePtr> files(entries.size());
  std::vector<std::size_t> fresh;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    files[i] = earlier.Find(*entries[i]);
    if (files[i] == nullptr) {
      fresh.push_back(i);
    }
  }
  for_each(fresh.size(), [&](std::size_t at) {
    const GitEntry& entry = *entries[fresh[at]];
    files[fresh[at]] = std::make_shared<const manifest::DeclaredFile>(
        manifest::CheckEntry(schemas, scope,
                             {.path = entry.path,
                              .kind = KindOf(entry.kind),
                              .bytes = entry.bytes,
                              .too_large = entry.too_large}));
  });
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->revision = fetched.revision;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const GitEntry& entry = *entries[i];
    if (entry.kind == GitEntryKind::kFile && !entry.too_large) {
      snapshot->files.emplace(entry.path, Snapshot::File{entry.blob, files[i]});
      snapshot->blobs.push_back(entry.blob);
    }
  }
  std::sort(snapshot->blobs.begin(), snapshot->blobs.end());
  snapshot->declared = manifest::CombineFiles(std::move(files));
  return snapshot;
}

}  // namespace midwatch::gitsource
