#include "controller/reconcilers/gitsource/snapshot_cache.h"

#include <utility>

namespace midwatch::gitsource {
namespace {

std::size_t ManifestsIn(const FetchOutcome& outcome) {
  std::size_t count = 0;
  if (outcome.snapshot != nullptr) {
    count += outcome.snapshot->declared.manifests.size();
  }
  if (outcome.valid != nullptr && outcome.valid != outcome.snapshot) {
    count += outcome.valid->declared.manifests.size();
  }
  return count;
}

}  // namespace

std::shared_ptr<const FetchOutcome> SnapshotCache::Find(const std::string& source) const {
  const std::scoped_lock lock(mutex_);
  const auto found = kept_.find(source);
  return found == kept_.end() ? nullptr : found->second.outcome;
}

void SnapshotCache::Store(const std::string& source, FetchOutcome outcome) {
  auto shared = std::make_shared<const FetchOutcome>(std::move(outcome));
  const std::scoped_lock lock(mutex_);
  kept_[source] = {std::move(shared), ++stores_};
  EvictOthers(source);
}

void SnapshotCache::Forget(const std::string& source) {
  const std::scoped_lock lock(mutex_);
  kept_.erase(source);
}

void SnapshotCache::EvictOthers(const std::string& source) {
  std::size_t total = 0;
  for (const auto& [name, kept] : kept_) {
    total += ManifestsIn(*kept.outcome);
  }
  while (total > max_manifests_ && kept_.size() > 1) {
    auto oldest = kept_.end();
    for (auto at = kept_.begin(); at != kept_.end(); ++at) {
      const bool older = oldest == kept_.end() || at->second.stored < oldest->second.stored;
      if (at->first != source && older) {
        oldest = at;
      }
    }
    total -= ManifestsIn(*oldest->second.outcome);
    kept_.erase(oldest);
  }
}

}  // namespace midwatch::gitsource
