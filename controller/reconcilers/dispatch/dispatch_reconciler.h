#pragma once

#include <vector>

#include "controller/reconcilers/dispatch/dispatch_world.h"
#include "controller/runtime/reconciler.h"

namespace midwatch::dispatch {

/// Carries every Dispatch from its creation to its end: parks and unparks it, takes the lock,
/// assigns an instance, creates Runs, follows them, tries again, and writes the Report.
/// dispatch_plan.h decides; this gathers what the decision rests on and turns it into writes.
class DispatchReconciler final : public Reconciler {
 public:
  Result<Plan> Reconcile(const ObjectKey& key, const View& view, Now now) const override;
};

/// The reconciler with its indexes and with all that wakes it. The Worker must also hold the
/// resources that it reads: Resources().
Controller MakeController(const DispatchReconciler& reconciler);

/// Everything that the reconciler reads.
std::vector<ResourceType> Resources();

/// What the decision about a Dispatch would rest on: for `midwatch why` too.
World Observe(const api::Dispatch& dispatch, const View& view);

}  // namespace midwatch::dispatch
