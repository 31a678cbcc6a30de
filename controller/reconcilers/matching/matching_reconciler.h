#pragma once

#include <vector>

#include "controller/runtime/reconciler.h"

namespace midwatch::matching {

/// Turns the transitions of ModuleJobs into Dispatches, exactly one for each mission that covers
/// the job at that instant, and tells the job what came of them. matching_plan.h decides.
class MatchingReconciler final : public Reconciler {
 public:
  Result<Plan> Reconcile(const ObjectKey& key, const View& view, Now now) const override;
};

Controller MakeController(const MatchingReconciler& reconciler);

/// Everything that the reconciler reads.
std::vector<ResourceType> Resources();

}  // namespace midwatch::matching
