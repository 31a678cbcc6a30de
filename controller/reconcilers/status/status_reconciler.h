#pragma once

#include <vector>

#include "controller/runtime/reconciler.h"

namespace midwatch::status {

/// Keeps the status of Agents, AgentAssignments and scoped Missions. status_plan.h decides.
class StatusReconciler final : public Reconciler {
 public:
  Result<Plan> Reconcile(const ObjectKey& key, const View& view, Now now) const override;
};

/// One controller for each of the kinds.
std::vector<Controller> MakeControllers(const StatusReconciler& reconciler);

/// Everything that the reconciler reads.
std::vector<ResourceType> Resources();

}  // namespace midwatch::status
