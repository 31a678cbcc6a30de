#include "controller/agent/instance_plan.h"

#include <algorithm>

namespace midwatch::agent {

std::optional<MonoTime> AliveUntil(const InstanceState& state) {
  if (!state.acknowledged) return std::nullopt;
  return *state.acknowledged + state.lease;
}

InstanceDecision PlanOwnInstance(const InstanceState& state, Now now) {
  if (state.gone || state.busy) return {};
  const bool silent =
      state.acknowledged && now.mono >= *state.acknowledged + state.lease + kLeaseGrace;
  if (state.lost || silent) {
    // Nothing is left to be registered for if all work has ended.
    return {state.leave ? InstanceAction::kLeave : InstanceAction::kStartOver, {}};
  }
  const std::optional<MonoTime> lost_at =
      state.acknowledged ? std::optional(*state.acknowledged + state.lease + kLeaseGrace)
                         : std::nullopt;
  if (state.retry_at && now.mono < *state.retry_at) {
    return {InstanceAction::kNothing,
            lost_at ? std::min(*lost_at, *state.retry_at) : state.retry_at};
  }
  if (state.leave) return {InstanceAction::kLeave, {}};
  if (state.uid.empty()) return {InstanceAction::kRegister, {}};
  if (state.lease_unknown) return {InstanceAction::kReadLease, {}};
  if (state.lease_version.empty()) return {InstanceAction::kCreateLease, {}};
  const bool renewal_failed = state.sent != state.acknowledged;
  const MonoTime due = *state.sent + state.lease / kRenewals;
  if (renewal_failed || now.mono >= due) return {InstanceAction::kRenew, {}};
  if (state.drain && !state.said_draining) return {InstanceAction::kSayDraining, {}};
  return {InstanceAction::kNothing, due};
}

}  // namespace midwatch::agent
