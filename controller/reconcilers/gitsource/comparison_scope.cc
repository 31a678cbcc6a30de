#include "controller/reconcilers/gitsource/comparison_scope.h"

#include <algorithm>
#include <bitset>
#include <span>
#include <tuple>
#include <unordered_set>

namespace midwatch::gitsource {
namespace {

using FileSet = std::unordered_set<const manifest::DeclaredFile*>;

bool Before(const Object& a, const Object& b) {
  return std::tie(a.namespace_name(), a.name()) < std::tie(b.namespace_name(), b.name());
}

/// The keys whose object has come, gone or changed.
void AddChanged(const ResourceType& type, const std::vector<Object>& before,
                const std::vector<Object>& after, KeySet& changed) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < before.size() || j < after.size()) {
    if (i < before.size() && j < after.size() && before[i].SameRecord(after[j])) {
      ++i;
      ++j;
    } else if (j == after.size() || (i < before.size() && Before(before[i], after[j]))) {
      changed.insert(KeyOf(type, before[i++]));
    } else if (i == before.size() || Before(after[j], before[i])) {
      changed.insert(KeyOf(type, after[j++]));
    } else {
      changed.insert(KeyOf(type, after[j++]));
      ++i;
    }
  }
}

/// Tells most of many thousand keys from a few at the price of two loads: by the length and the
/// last character of their names.
class NameFilter {
 public:
  explicit NameFilter(const KeySet& keys) {
    for (const ObjectKey& key : keys) {
      seen_.set(Mark(key));
    }
  }
  bool MayContain(const ObjectKey& key) const { return seen_.test(Mark(key)); }

 private:
  static constexpr std::size_t kLengths = 256;  // Names have 253 characters at most.
  static std::size_t Mark(const ObjectKey& key) {
    const std::string& name = key.name;
    const auto last = name.empty() ? 0U : static_cast<unsigned char>(name.back());
    return (name.size() % kLengths) * kLengths + last;
  }

  std::bitset<kLengths * kLengths> seen_;
};

using Files = std::span<const std::shared_ptr<const manifest::DeclaredFile>>;

/// Leaves out what both begin and end with: most files do not change.
void SkipCommon(Files& a, Files& b) {
  const auto first = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  a = {first.first, a.end()};
  b = {first.second, b.end()};
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a = a.first(a.size() - 1);
    b = b.first(b.size() - 1);
  }
}

FileSet SetOf(Files list) {
  FileSet files;
  files.reserve(list.size());
  for (const auto& file : list) {
    files.insert(file.get());
  }
  return files;
}

/// Adds what the files declare that are not among the others.
void AddKeysOfOthers(Files list, const FileSet& other, KeySet& keys) {
  for (const auto& file : list) {
    if (!other.contains(file.get())) {
      for (const manifest::Manifest& declared : file->manifests) {
        keys.insert(declared.key);
      }
    }
  }
}

}  // namespace

std::optional<std::vector<const manifest::Manifest*>> ManifestsToCompare(
    const LastComparison& last, const std::vector<ResourceType>& types, const Snapshot& revision,
    const Inventory& inventory) {
  if (last.revision == nullptr || last.prunes || last.inventory.size() != inventory.size()) {
    return std::nullopt;
  }
  KeySet dirty = last.open;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (last.inventory[i] != inventory[i]) {
      AddChanged(types[i], *last.inventory[i], *inventory[i], dirty);
    }
  }
  if (last.revision != &revision) {
    // Also what a file no longer declares, and what another declares anew or twice.
    Files before = last.revision->declared.files;
    Files after = revision.declared.files;
    SkipCommon(before, after);
    AddKeysOfOthers(after, SetOf(before), dirty);
    AddKeysOfOthers(before, SetOf(after), dirty);
  }
  std::vector<const manifest::Manifest*> found;
  if (dirty.empty()) {
    return found;
  }
  const NameFilter filter(dirty);
  for (const manifest::Manifest* declared : revision.declared.manifests) {
    if (filter.MayContain(declared->key) && dirty.contains(declared->key)) {
      found.push_back(declared);
    }
  }
  return found.size() == dirty.size() ? std::optional(std::move(found)) : std::nullopt;
}

}  // namespace midwatch::gitsource
