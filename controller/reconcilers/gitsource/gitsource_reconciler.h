#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/manifest/sync_plan.h"
#include "controller/reconcilers/gitsource/gitsource_plan.h"
#include "controller/reconcilers/gitsource/snapshot_cache.h"
#include "controller/runtime/reconciler.h"

namespace midwatch::gitsource {

/// Keeps what repositories declare applied. gitsource_plan.h and manifest/sync_plan.h decide; this
/// gathers what they look at and turns their decisions into effects: the operation `git-fetch`,
/// server-side applies wave by wave, guarded deletes, and the status last.
///
/// Remembers per source what it compared and what it wrote. That saves comparing again and counts
/// for the status; without it (after a restart) the same is decided. One thread at a time.
class GitSourceReconciler final : public Reconciler {
 public:
  struct Options {
    std::string installation_namespace;
    const manifest::ManifestSchemas* schemas = nullptr;  ///< What may be declared. Not owned.
    const SnapshotCache* cache = nullptr;                ///< What was fetched. Not owned.
  };

  explicit GitSourceReconciler(Options options);
  ~GitSourceReconciler() override;

  Result<Plan> Reconcile(const ObjectKey& key, const View& view, Now now) const override;

  /// Everything that it reads: GitSources and the kinds that may be declared.
  std::vector<ResourceType> Resources() const;
  const Options& options() const { return options_; }

 private:
  struct Memory;
  class Sync;

  Options options_;
  mutable std::map<ObjectKey, std::unique_ptr<Memory>> memories_;
};

/// Whose declarations a GitSource's are and what it may do: for `midwatch diff` too.
manifest::SyncSource SyncSourceOf(const api::GitSource& source);

/// The controller; `reconciler` must outlive it. Drift wakes the source that owns the object.
Controller MakeController(const GitSourceReconciler& reconciler);

}  // namespace midwatch::gitsource
