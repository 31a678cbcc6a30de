#pragma once

#include <vector>

#include "controller/runtime/reconciler.h"

namespace midwatch::instance {

/// Watches the heartbeats of AgentInstances. instance_plan.h decides.
class InstanceReconciler final : public Reconciler {
 public:
  Result<Plan> Reconcile(const ObjectKey& key, const View& view, Now now) const override;
};

Controller MakeController(const InstanceReconciler& reconciler);

/// Everything that the reconciler reads.
std::vector<ResourceType> Resources();

}  // namespace midwatch::instance
