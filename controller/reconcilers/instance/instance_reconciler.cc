#include "controller/reconcilers/instance/instance_reconciler.h"

#include <algorithm>
#include <utility>

#include "controller/api/heartbeat.h"
#include "controller/api/names.h"
#include "controller/api/run.h"
#include "controller/reconcilers/instance/instance_plan.h"
#include "controller/reconcilers/scope/occurrence.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::instance {
namespace {

constexpr std::string_view kLiveRuns = "live-runs-by-instance";

/// A Run holds its slot until our finalizer is gone: it is removed when the Run is known to have
/// stopped.
std::vector<std::string> InstanceOfLiveRun(const Object& object) {
  const auto* run = api::PeekObject<api::Run>(object);
  if (!run || !run->metadata.HasFinalizer(api::finalizers::kRun)) {
    return {};
  }
  return {object.namespace_name() + "/" + run->spec.instance};
}

std::vector<ObjectKey> OfRun(const Change& change, const View&) {
  const Object& object = change.after ? change.after : change.before;
  const auto* run = api::PeekObject<api::Run>(object);
  if (!run) {
    return {};
  }
  return {TypedKey<api::AgentInstance>(object.namespace_name(), run->spec.instance)};
}

/// The heartbeat has the instance's name; of other Leases no instance is found.
std::vector<ObjectKey> OfLease(const Change& change, const View& view) {
  const Object& lease = change.after ? change.after : change.before;
  ObjectKey key = TypedKey<api::AgentInstance>(lease.namespace_name(), lease.name());
  return view.Find(key) ? std::vector{std::move(key)} : std::vector<ObjectKey>{};
}

std::optional<MonoTime> Mono(const std::optional<Now>& at) {
  return at ? std::optional(at->mono) : std::nullopt;
}

/// Its agent may take that Run as soon as it is there: the instance may not be gone by then.
bool IsGivenRun(const ObjectKey& key, const View& view) {
  const auto runs = view.InFlight(api::Run::Type().Resource());
  return std::any_of(runs.begin(), runs.end(), [&](const Object& object) {
    const auto* run = api::PeekObject<api::Run>(object);
    return run != nullptr && run->spec.instance == key.name &&
           run->metadata.namespace_name == key.namespace_name;
  });
}

World Observe(const ObjectKey& key, const View& view, bool ending) {
  World world;
  const std::string& space = key.namespace_name;
  const auto lease_key = TypedKey<api::Lease>(space, key.name);
  world.lease = FindTyped<api::Lease>(view, space, key.name);
  world.lease_observed = Mono(view.ObservedAt(lease_key));
  world.lease_absent = !world.lease && view.ConfirmedAbsent(lease_key);
  world.object_observed = Mono(view.ObservedAt(key));
  world.live_runs =
      static_cast<std::int64_t>(view.ByIndex(kLiveRuns, space + "/" + key.name).size());
  world.is_given_run = ending && IsGivenRun(key, view);
  return world;
}

std::optional<Occurrence> OccurrenceOf(const api::AgentInstance& instance,
                                       const Decision& decision) {
  const std::string agent = "Agent " + instance.spec.agent_ref.name;
  if (api::IsLost(decision.status) != api::IsLost(instance.status)) {
    return Occurrence{true, "Lost", "its heartbeat stopped; it worked for " + agent};
  }
  if (decision.status.connected != instance.status.connected) {
    return decision.status.connected
               ? Occurrence{false, "Connected", "works for " + agent}
               : Occurrence{true, "HeartbeatGone", "its Lease was deleted; it works for " + agent};
  }
  if (decision.let_go && instance.status.connected) {
    return Occurrence{false, "Gone", "it has left; it worked for " + agent};
  }
  return std::nullopt;
}

}  // namespace

Result<Plan> InstanceReconciler::Reconcile(const ObjectKey& key, const View& view, Now now) const {
  const Object stored = view.Find(key);
  if (!stored) {
    return Plan{};
  }
  MIDWATCH_ASSIGN(api::AgentInstance instance, api::FromObject<api::AgentInstance>(stored));
  const World seen = Observe(key, view, instance.metadata.IsBeingDeleted());
  Decision decision = PlanInstance(instance, seen, now);
  Plan plan{.wake_at = decision.wake_at};
  const auto add = [&](auto request) {
    if constexpr (!std::is_same_v<decltype(request), DeleteRequest>) {
      request.field_manager = api::field_managers::kController;
    }
    plan.effects.emplace_back(Write(std::move(request)));
  };
  if (decision.confirm_lease) {
    plan.effects.emplace_back(Confirm{{api::Lease::Type(), key.namespace_name, key.name}});
    return plan;
  }
  if (decision.take_lease) {
    Json patch = Json::EmptyObject();
    patch["spec"].Set("holderIdentity", std::string(api::field_managers::kController));
    add(GuardedPatch<api::Lease>(seen.lease->metadata, std::move(patch)));
  }
  const auto told = OccurrenceOf(instance, decision);
  const ObjectMeta about = instance.metadata;
  if (decision.hold || decision.let_go) {
    add(FinalizerPatch<api::AgentInstance>(instance.metadata, api::finalizers::kInstance,
                                           decision.hold));
  } else if (decision.forget) {
    add(GuardedDelete<api::AgentInstance>(instance.metadata));
  } else if (decision.status != instance.status) {
    instance.status = std::move(decision.status);
    add(StatusUpdate<api::AgentInstance>(stored, instance.status));
  }
  if (told) {
    plan.effects.emplace_back(EventOf(api::AgentInstance::Type(), about, *told, now.wall));
  }
  return plan;
}

Controller MakeController(const InstanceReconciler& reconciler) {
  return {.name = "instance",
          .primary = api::AgentInstance::Type(),
          .triggers = {{api::Lease::Type(), OfLease}, {api::Run::Type(), OfRun}},
          .indexes = {{std::string(kLiveRuns), api::Run::Type().Resource(), InstanceOfLiveRun}},
          .reconciler = &reconciler};
}

std::vector<ResourceType> Resources() {
  return {api::AgentInstance::Type(), api::Lease::Type(), api::Run::Type()};
}

}  // namespace midwatch::instance
