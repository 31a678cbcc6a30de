#include "controller/manifest/repository.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "controller/base/text.h"

namespace midwatch::manifest {
namespace {

/// git-lfs, docs/spec.md: the first line of every pointer file.
constexpr std::string_view kLfsHead = "version https://git-lfs.github.com/spec/";

DeclaredFile Refuse(const RepositoryEntry& entry, ManifestErrorCode code, std::string message) {
  DeclaredFile out;
  out.errors.push_back({code, std::string(entry.path), {}, {}, {}, {}, std::move(message)});
  return out;
}

ManifestError Whole(ManifestErrorCode code, std::string message) {
  ManifestError error;
  error.code = code;
  error.path = ".";
  error.message = std::move(message);
  return error;
}

ManifestError Repeated(const Manifest& manifest, const Manifest& other) {
  const std::string object =
      ShowObject(manifest.type, manifest.key.namespace_name, manifest.key.name);
  return {
      ManifestErrorCode::kDuplicateObject,
      manifest.path,
      manifest.at,
      manifest.key,
      object,
      {},
      object + " is declared twice, also in " + other.path + ":" + std::to_string(other.at.line)};
}

/// Moves the manifests that share a key with another out of the set and says so. One that has
/// errors of its own counts as another: which of them was meant cannot be told.
void RefuseRepeated(DeclaredSet& set) {
  // By hash: of many thousand keys hardly one is compared.
  std::vector<std::pair<std::size_t, const Manifest*>> all;
  all.reserve(set.manifests.size());
  const auto add = [&](const Manifest& manifest) {
    all.emplace_back(ObjectKeyHash()(manifest.key), &manifest);
  };
  for (const Manifest* manifest : set.manifests) {
    add(*manifest);
  }
  for (const auto& file : set.files) {
    std::for_each(file->refused.begin(), file->refused.end(), add);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto same_hash = [&](std::size_t i, std::size_t j) {
    return j < all.size() && all[i].first == all[j].first;
  };
  std::map<ObjectKey, std::vector<const Manifest*>> repeated;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (same_hash(i, i + 1) || same_hash(i, i - 1)) {
      repeated[all[i].second->key].push_back(all[i].second);
    }
  }
  std::erase_if(repeated, [](const auto& entry) { return entry.second.size() == 1; });
  if (repeated.empty()) {
    return;
  }
  for (const auto& [key, same] : repeated) {
    for (std::size_t i = 0; i < same.size(); ++i) {
      set.errors.push_back(Repeated(*same[i], *same[i == 0 ? 1 : 0]));
    }
  }
  std::erase_if(set.manifests,
                [&](const Manifest* manifest) { return repeated.contains(manifest->key); });
}

bool IsHidden(std::string_view path) {
  const auto parts = Split(path, '/');
  return std::any_of(parts.begin(), parts.end(),
                     [](std::string_view part) { return part.starts_with('.'); });
}

ManifestError TooManyBytes(std::size_t bytes, const RepositoryLimits& limits) {
  return Whole(ManifestErrorCode::kTooLarge, "the manifests have " + std::to_string(bytes) +
                                                 " bytes, expected at most " +
                                                 std::to_string(limits.bytes));
}

}  // namespace

bool IsManifestPath(std::string_view path) {
  if (IsHidden(path)) {
    return false;
  }
  constexpr std::array<std::string_view, 3> kEndings = {".yaml", ".yml", ".json"};
  const std::string lower =
      ToLower(path.substr(path.size() - std::min<std::size_t>(5, path.size())));
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return lower.ends_with(ending); });
}

bool MayDeclare(std::string_view path, EntryKind kind) {
  const bool holds_files = kind == EntryKind::kSubmodule || kind == EntryKind::kDirectoryLink;
  return holds_files ? !IsHidden(path) : IsManifestPath(path);
}

DeclaredFile CheckEntry(const ManifestSchemas& schemas, const ManifestScope& scope,
                        const RepositoryEntry& entry, const LoadLimits& limits) {
  if (!MayDeclare(entry.path, entry.kind)) {
    return {};
  }
  if (entry.kind == EntryKind::kDirectoryLink) {
    return Refuse(entry, ManifestErrorCode::kSymlink,
                  "symbolic links are not followed, put the directory here or sync it by a "
                  "GitSource of its own");
  }
  if (entry.kind == EntryKind::kSymlink) {
    return Refuse(entry, ManifestErrorCode::kSymlink,
                  "symbolic links are not followed, put the manifest here");
  }
  if (entry.kind == EntryKind::kSubmodule) {
    return Refuse(entry, ManifestErrorCode::kSubmodule,
                  "submodules are not read, sync that repository by a GitSource of its own");
  }
  if (entry.too_large) {
    return Refuse(
        entry, ManifestErrorCode::kTooLarge,
        "the file is too large, expected at most " + std::to_string(limits.file_bytes) + " bytes");
  }
  if (entry.bytes.starts_with(kLfsHead)) {
    return Refuse(entry, ManifestErrorCode::kLfsPointer,
                  "the file is in Git LFS, only its pointer is here; manifests must be in git");
  }
  DeclaredFile file = CheckFile(schemas, scope, entry.path, entry.bytes, limits);
  file.bytes = entry.bytes.size();
  return file;
}

DeclaredSet CombineFiles(std::vector<std::shared_ptr<const DeclaredFile>> files,
                         const RepositoryLimits& limits) {
  DeclaredSet out;
  out.files = std::move(files);
  std::size_t bytes = 0;
  for (const auto& file : out.files) {
    bytes += file->bytes;
    out.errors.insert(out.errors.end(), file->errors.begin(), file->errors.end());
    for (const Manifest& manifest : file->manifests) {
      out.manifests.push_back(&manifest);
    }
  }
  if (out.manifests.size() > limits.manifests) {
    out.errors.push_back(Whole(ManifestErrorCode::kTooManyManifests,
                               "there are " + std::to_string(out.manifests.size()) +
                                   " manifests, expected at most " +
                                   std::to_string(limits.manifests)));
    out.manifests.clear();
  }
  if (bytes > limits.bytes) {
    out.errors.push_back(TooManyBytes(bytes, limits));
    out.manifests.clear();
  }
  RefuseRepeated(out);
  SortErrors(out.errors);
  out.complete = std::all_of(out.errors.begin(), out.errors.end(),
                             [](const ManifestError& error) { return error.key.has_value(); });
  return out;
}

void InOrder(std::size_t count, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < count; ++i) {
    body(i);
  }
}

DeclaredSet CheckRepository(const ManifestSchemas& schemas, const ManifestScope& scope,
                            std::span<const RepositoryEntry> entries,
                            const RepositoryLimits& limits, const ForEach& for_each) {
  std::size_t bytes = 0;
  for (const RepositoryEntry& entry : entries) {
    bytes += IsManifestPath(entry.path) ? entry.bytes.size() : 0;
  }
  if (bytes > limits.bytes) {  // Before the work is done.
    DeclaredSet out;
    out.complete = false;
    out.errors.push_back(TooManyBytes(bytes, limits));
    return out;
  }
  std::vector<std::shared_ptr<const DeclaredFile>> files(entries.size());
  for_each(entries.size(), [&](std::size_t i) {
    files[i] =
        std::make_shared<const DeclaredFile>(CheckEntry(schemas, scope, entries[i], limits.load));
  });
  return CombineFiles(std::move(files), limits);
}

}  // namespace midwatch::manifest
