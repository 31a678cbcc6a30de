#include "controller/reconcilers/instance/instance_plan.h"

#include <algorithm>
#include <string>

#include "controller/api/heartbeat.h"
#include "controller/api/names.h"
#include "controller/reconcilers/scope/conditions.h"

namespace midwatch::instance {
namespace {

Duration DurationOf(const api::Lease& lease) {
  const auto seconds = lease.spec.lease_duration_seconds;
  if (!seconds) return kLeaseDuration;
  constexpr std::int64_t kMost = kLongestLease / std::chrono::seconds(1);
  return std::chrono::seconds(std::clamp<std::int64_t>(*seconds, 0, kMost));
}

bool HasConnected(const api::AgentInstanceStatus& status) {
  return std::any_of(status.conditions.begin(), status.conditions.end(),
                     [](const api::Condition& it) { return it.type == api::kConnected; });
}

/// How long silence is no loss. What a Lease that is gone said of itself nobody can read any more.
Duration PatienceWith(const api::AgentInstance& instance, const World& seen) {
  if (seen.lease) {
    return DurationOf(*seen.lease) + kGrace;
  }
  return (HasConnected(instance.status) ? kLongestLease : kLeaseDuration) + kGrace;
}

void Set(api::AgentInstanceStatus& status, std::optional<bool> connected, std::string_view reason,
         Now now) {
  const bool is = connected.value_or(false);
  if (status.connected != is) {
    status.last_seen = now.wall;
  }
  status.connected = is;
  SetCondition(status.conditions, {api::kConnected, connected, reason}, now.wall);
}

}  // namespace

Decision PlanInstance(const api::AgentInstance& instance, const World& seen, Now now) {
  Decision decision;
  decision.status = instance.status;
  decision.status.observed_generation = instance.metadata.generation;
  decision.status.live_runs = seen.live_runs;
  const bool held = instance.metadata.HasFinalizer(api::finalizers::kInstance);
  const bool ending = instance.metadata.IsBeingDeleted();
  if (api::IsLost(instance.status)) {
    decision.let_go = held && seen.live_runs == 0;
    const MonoTime forget_at = seen.object_observed.value_or(now.mono) + kKeepLost;
    decision.forget = !ending && seen.live_runs == 0 && now.mono >= forget_at;
    if (!decision.forget && !ending) {
      decision.wake_at = forget_at;
    }
    return decision;
  }
  if (!held && !ending) {
    decision.hold = true;  // Before it counts as connected, so before it can get a Run.
    return decision;
  }
  if (ending && seen.live_runs == 0 && !seen.is_given_run) {
    decision.let_go = held;
    return decision;
  }
  const auto seen_at = seen.lease ? seen.lease_observed : seen.object_observed;
  const MonoTime silent_at = seen_at.value_or(now.mono) + PatienceWith(instance, seen);
  const bool vanished = !seen.lease && instance.status.connected;
  const bool taken =
      seen.lease && seen.lease->spec.holder_identity == api::field_managers::kController;
  if (taken || vanished || now.mono >= silent_at) {
    if (!seen.lease && !seen.lease_absent) {
      decision.confirm_lease = true;
      return decision;
    }
    decision.take_lease = seen.lease && !taken;
    if (vanished) {
      Set(decision.status, std::nullopt, "HeartbeatGone", now);
    } else {
      Set(decision.status, false, "HeartbeatStopped", now);
    }
  } else if (seen.lease) {
    Set(decision.status, true, "HeartbeatSeen", now);
    decision.wake_at = silent_at;
  } else {
    decision.wake_at = silent_at;
  }
  return decision;
}

}  // namespace midwatch::instance
