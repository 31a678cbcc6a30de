#include <set>
#include <utility>

#include "controller/api/agent_assignment.h"
#include "controller/api/agent_instance.h"
#include "controller/api/core.h"
#include "controller/api/heartbeat.h"
#include "controller/api/lease.h"
#include "controller/api/module.h"
#include "controller/api/names.h"
#include "controller/api/reasons.h"
#include "controller/api/report.h"
#include "controller/reconcilers/dispatch/dispatch_index.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::dispatch {
namespace {

using Keys = std::vector<ObjectKey>;

/// Of those that wait for a slot, how many are looked at when one frees. Each that does not take it
/// for another reason wakes the next ones, by its own change.
constexpr std::size_t kSlotWaiters = 16;

void AddKeys(const std::vector<Object>& objects, Keys& out) {
  for (const Object& object : objects) {
    out.push_back(KeyOf(api::Dispatch::Type(), object));
  }
}

Keys ByValue(const View& view, const std::string& value) {
  Keys out;
  AddKeys(view.ByIndex(kIndex, value), out);
  return out;
}

/// The object after the change, or before it if it is gone.
const Object& Subject(const Change& change) { return change.after ? change.after : change.before; }

std::string NameOf(const Object& object) { return object.namespace_name() + "/" + object.name(); }

/// False if nothing but the status has changed. What an Agent or an instance is doing is counted
/// there, so that it changes with every Run; what waits for them rests on what they are.
bool IsNews(const Change& change) {
  if (!change.before || !change.after) {
    return true;
  }
  const ObjectMeta& a = change.before.meta();
  const ObjectMeta& b = change.after.meta();
  return a.generation == 0 || a.generation != b.generation || a.uid != b.uid ||
         a.annotations != b.annotations || a.deletion_timestamp != b.deletion_timestamp;
}

Keys OfJob(const Change& change, const View& view) {
  const Object& job = Subject(change);
  return ByValue(view, value::OfJob(job.namespace_name(), job.name()));
}

Keys OfMission(const Change& change, const View& view) {
  if (!IsNews(change)) {
    return {};
  }
  return ByValue(view, value::OfMission(KeyOf(change.type, Subject(change))));
}

Keys OfAgent(const Change& change, const View& view) {
  if (!IsNews(change)) {
    return {};
  }
  return ByValue(view, value::WaitingFor(NameOf(Subject(change))));
}

Keys OfNamespace(const Change& change, const View& view) {
  const auto stack = [](const Object& object) {
    const auto& labels = object.meta().labels;
    const auto found = labels.find(api::labels::kStack);
    return found == labels.end() ? std::string() : found->second;
  };
  if (change.before && change.after && stack(change.before) == stack(change.after)) {
    return {};
  }
  return ByValue(view, value::WaitingIn(Subject(change).name()));
}

void AddNamespacesOfStack(const View& view, const std::string& agent, const std::string& stack,
                          Keys& out) {
  for (const Object& space : view.List(api::Namespace::Type().Resource())) {
    const auto label = space.meta().labels.find(api::labels::kStack);
    if (label != space.meta().labels.end() && label->second == stack) {
      AddKeys(view.ByIndex(kIndex, value::WaitingForIn(agent, space.name())), out);
    }
  }
}

/// Those that wait for the Agent at a place that the assignment covers, before the change or after
/// it.
void AddCovered(const Object& object, const View& view, Keys& out) {
  const auto* typed = object ? api::PeekObject<api::AgentAssignment>(object) : nullptr;
  if (!typed) {
    return;
  }
  const api::AgentAssignmentSpec& spec = typed->spec;
  const std::string agent = object.namespace_name() + "/" + spec.agent_ref.name;
  if (spec.organization) {
    AddKeys(view.ByIndex(kIndex, value::WaitingFor(agent)), out);
  } else if (spec.stack_ref) {
    AddNamespacesOfStack(view, agent, spec.stack_ref->name, out);
  } else if (spec.namespace_ref) {
    AddKeys(view.ByIndex(kIndex, value::WaitingForIn(agent, spec.namespace_ref->name)), out);
  } else if (spec.module_ref) {
    const api::NamespacedRef& module = *spec.module_ref;
    AddKeys(view.ByIndex(kIndex, value::WaitingFor(agent, module.namespace_name, module.name)),
            out);
  }
}

Keys OfAssignment(const Change& change, const View& view) {
  Keys out;
  if (!IsNews(change)) {
    return out;
  }
  AddCovered(change.before, view, out);
  AddCovered(change.after, view, out);
  return out;
}

/// The first few of each ranking: those that name no sidecar, and those that name one which is
/// offered, or was by `gone`.
void AddBestSlotWaiters(const View& view, const std::string& agent, Keys& out,
                        const Object& gone = {}) {
  std::set<std::string> sidecars = {""};
  if (const auto* typed = gone ? api::PeekObject<api::AgentInstance>(gone) : nullptr) {
    for (const api::OfferedSidecar& sidecar : typed->spec.sidecars) {
      sidecars.insert(sidecar.name);
    }
  }
  for (const auto& instance :
       DecodeAll<api::AgentInstance>(view.ByIndex(kInstancesByAgent, agent))) {
    for (const api::OfferedSidecar& sidecar : instance.spec.sidecars) {
      sidecars.insert(sidecar.name);
    }
  }
  for (const std::string& sidecar : sidecars) {
    const std::string ranking = value::WaitingForSlot(agent, sidecar);
    AddKeys(view.FirstByPrefix(kIndex, ranking, kSlotWaiters), out);
  }
}

/// What is said of an instance that matters to others: whether it takes work, and whether it is
/// gone for certain. One whose heartbeat has vanished is not connected for a while before it is
/// lost.
std::pair<bool, bool> StandingOf(const Object& instance) {
  const auto* typed = instance ? api::PeekObject<api::AgentInstance>(instance) : nullptr;
  return typed == nullptr ? std::pair(false, true)
                          : std::pair(typed->status.connected, api::IsLost(typed->status));
}

/// An instance came, went or changed: what runs on it, and what waits for one like it.
Keys OfInstance(const Change& change, const View& view) {
  namespace reason = api::dispatch_reason;
  if (!IsNews(change) && StandingOf(change.before) == StandingOf(change.after)) {
    return {};
  }
  const Object& instance = Subject(change);
  Keys out = ByValue(view, value::On(instance.namespace_name(), instance.name()));
  const auto* typed = api::PeekObject<api::AgentInstance>(instance);
  if (!typed) {
    return out;
  }
  const std::string agent = instance.namespace_name() + "/" + typed->spec.agent_ref.name;
  for (const std::string_view why :
       {reason::kNoConnectedInstance, reason::kSidecarUnavailable, reason::kProtocolMismatch}) {
    AddKeys(view.ByIndex(kIndex, value::WaitingWith(agent, why)), out);
  }
  AddBestSlotWaiters(view, agent, out, change.before);
  return out;
}

Keys OfRun(const Change& change, const View&) {
  const auto* run = api::PeekObject<api::Run>(Subject(change));
  if (!run) {
    return {};
  }
  return {
      TypedKey<api::Dispatch>(run->spec.dispatch_ref.namespace_name, run->spec.dispatch_ref.name)};
}

Keys OfLock(const Change& change, const View& view) {
  const Object& lease = Subject(change);
  return ByValue(view, value::WaitingForLock(lease.namespace_name(), lease.name()));
}

/// Where it stands among those that wait for slots; empty if it does not wait for one.
std::string PlaceInLine(const api::Dispatch& dispatch) {
  return dispatch.status.reason == api::dispatch_reason::kAtCapacity
             ? value::WaitingForSlot(AgentOf(dispatch), dispatch.spec.sidecar_name) + Rank(dispatch)
             : std::string();
}

/// A Dispatch that gave a slot back, or no longer stands in the way of others, lets the best
/// waiters look.
Keys OfOtherDispatch(const Change& change, const View& view) {
  const auto* before = change.before ? api::PeekObject<api::Dispatch>(change.before) : nullptr;
  if (!before) {
    return {};
  }
  const auto* after = change.after ? api::PeekObject<api::Dispatch>(change.after) : nullptr;
  const std::string stood = PlaceInLine(*before);
  const bool gave_way = !stood.empty() && (!after || PlaceInLine(*after) != stood);
  const bool held = IsActive(before->status.phase);
  const bool holds = after && IsActive(after->status.phase);
  Keys out;
  if ((held && !holds) || gave_way) {
    const api::NamespacedRef agent =
        held ? before->status.agent_ref.value_or(before->spec.agent_ref) : before->spec.agent_ref;
    AddBestSlotWaiters(view, agent.namespace_name + "/" + agent.name, out);
  }
  return out;
}

}  // namespace

std::vector<ResourceType> Resources() {
  std::vector<ResourceType> out = {
      api::Dispatch::Type(),        api::Run::Type(),   api::ModuleJob::Type(),
      api::Module::Type(),          api::Agent::Type(), api::AgentInstance::Type(),
      api::AgentAssignment::Type(), api::Lease::Type(), api::Namespace::Type(),
      api::Report::Type(),
  };
  for (const ResourceType& mission : MissionTypes()) {
    out.push_back(mission);
  }
  return out;
}

Controller MakeController(const DispatchReconciler& reconciler) {
  Controller out{.name = "dispatch",
                 .primary = api::Dispatch::Type(),
                 .triggers = {{api::ModuleJob::Type(), OfJob},
                              {api::Agent::Type(), OfAgent},
                              {api::AgentAssignment::Type(), OfAssignment},
                              {api::AgentInstance::Type(), OfInstance},
                              {api::Namespace::Type(), OfNamespace},
                              {api::Lease::Type(), OfLock},
                              {api::Run::Type(), OfRun},
                              {api::Dispatch::Type(), OfOtherDispatch}},
                 .indexes = IndexDefinitions(),
                 .reconciler = &reconciler};
  for (const ResourceType& mission : MissionTypes()) {
    out.triggers.push_back({mission, OfMission});
  }
  return out;
}

}  // namespace midwatch::dispatch
