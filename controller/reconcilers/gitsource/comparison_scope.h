#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "controller/manifest/sync_plan.h"
#include "controller/object/object.h"
#include "controller/reconcilers/gitsource/snapshot_cache.h"

namespace midwatch::gitsource {

/// The live objects with a source's mark: per type, sorted by namespace and name. Equal pointers
/// are equal objects.
using Inventory = std::vector<std::shared_ptr<const std::vector<Object>>>;

using KeySet = std::unordered_set<ObjectKey, ObjectKeyHash>;

/// What was compared last.
struct LastComparison {
  std::shared_ptr<const FetchOutcome> outcome;  ///< Keeps `revision` alive.
  const Snapshot* revision = nullptr;           ///< Null: nothing yet.
  std::int64_t generation = 0;                  ///< Of the source.
  Inventory inventory;
  KeySet open;          ///< Objects that were not found to be as declared.
  bool prunes = false;  ///< Something was to be pruned, or kept from it.
};

/// The declared objects that may not be as they were found: those of changed files, those whose
/// live object has changed, and those that were open. Nothing: everything has to be compared,
/// because something may have to be pruned. Costs next to nothing where nothing has changed.
std::optional<std::vector<const manifest::Manifest*>> ManifestsToCompare(
    const LastComparison& last, const std::vector<ResourceType>& types, const Snapshot& revision,
    const Inventory& inventory);

}  // namespace midwatch::gitsource
