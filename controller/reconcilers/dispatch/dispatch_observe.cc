#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "controller/api/agent_assignment.h"
#include "controller/api/agent_instance.h"
#include "controller/api/core.h"
#include "controller/api/heartbeat.h"
#include "controller/api/lease.h"
#include "controller/api/names.h"
#include "controller/api/reasons.h"
#include "controller/reconcilers/dispatch/dispatch_index.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::dispatch {
namespace {

Presence PresenceOf(const Object& object, const ObjectKey& key, const View& view) {
  if (!object) {
    return view.ConfirmedAbsent(key) ? Presence::kAbsent : Presence::kNotSeen;
  }
  return object.meta().IsBeingDeleted() ? Presence::kEnding : Presence::kPresent;
}

/// Gathers the parts of the World of one Dispatch.
class Observer {
 public:
  Observer(const api::Dispatch& dispatch, const View& view) : dispatch_(dispatch), view_(view) {}

  World Gather() {
    LookAtJob();
    LookAtRuns();
    if (IsActive(dispatch_.status.phase)) {
      LookAtInstanceOfRun();
    } else if (!IsTerminal(dispatch_.status.phase)) {
      LookAtMission();
      LookAtAgent();
    }
    LookAtLock();
    world_.dispatch_observed =
        view_.ObservedAt(TypedKey<api::Dispatch>(Space(), dispatch_.metadata.name));
    return std::move(world_);
  }

 private:
  const std::string& Space() const { return dispatch_.metadata.namespace_name; }

  void LookAtJob() {
    const auto key = TypedKey<api::ModuleJob>(Space(), dispatch_.spec.module_job_ref.name);
    const Object object = view_.Find(key);
    world_.job_presence = PresenceOf(object, key, view_);
    world_.job = Typed<api::ModuleJob>(object);
    world_.record_marked = IsMarked();
  }

  /// True if the job's record says that this Dispatch was created, or there is for certain no such
  /// record any more.
  bool IsMarked() const {
    if (!dispatch_.spec.mission_ref) {
      return true;
    }
    if (!world_.job) {
      return world_.job_presence != Presence::kNotSeen;
    }
    for (const api::JobMatch& match : world_.job->status.matches) {
      for (const api::MatchedMission& mission : match.missions) {
        if (mission.dispatch == dispatch_.metadata.name) {
          return mission.created;
        }
      }
    }
    return true;
  }

  void LookAtRuns() {
    world_.runs = DecodeAll<api::Run>(view_.ByIndex(kRunsByDispatch, dispatch_.metadata.uid));
    if (!dispatch_.status.run) {
      return;
    }
    const auto key =
        TypedKey<api::Run>(dispatch_.status.run->namespace_name, dispatch_.status.run->name);
    world_.run_presence = PresenceOf(view_.Find(key), key, view_);
    world_.run = FindTyped<api::Run>(view_, key.namespace_name, key.name);
    const auto space = TypedKey<api::Namespace>("", key.namespace_name);
    world_.run_space = PresenceOf(view_.Find(space), space, view_);
    if (const auto observed = view_.ObservedAt(key)) {
      world_.run_observed = observed->mono;
    }
  }

  void LookAtInstanceOfRun() {
    const std::string& space = dispatch_.status.run->namespace_name;
    const auto key = TypedKey<api::AgentInstance>(space, dispatch_.status.instance);
    const auto instance = FindTyped<api::AgentInstance>(view_, space, key.name);
    // The controller's finalizer keeps an instance in the store until it is known to be gone. One
    // that is not connected is lost only if it was said so: the view may be older than its
    // connection.
    world_.instance_lost = instance ? api::IsLost(instance->status) : view_.ConfirmedAbsent(key);
    world_.instance_seen = instance || world_.instance_lost;
  }

  void LookAtMission() {
    if (!dispatch_.spec.mission_ref) {
      return;
    }
    const api::MissionRef& ref = *dispatch_.spec.mission_ref;
    const auto key = MissionKey(ref);
    world_.mission_presence = PresenceOf(view_.Find(key), key, view_);
    world_.mission = FindMission(view_, ref);
    if (!world_.mission) {
      return;
    }
    if (world_.mission->ref.id != ref.id) {
      world_.mission_presence = Presence::kAbsent;  // Another mission of the same name.
      world_.mission.reset();
      return;
    }
    const std::string module = ModuleName();
    world_.mission_matches = world_.mission->spec.mission_type == dispatch_.spec.mission_type &&
                             Covers(*world_.mission, PlaceOf(view_, Space(), module));
  }

  std::string ModuleName() const {
    if (dispatch_.spec.module_ref) {
      return dispatch_.spec.module_ref->name;
    }
    return world_.job ? world_.job->spec.module_ref.name : std::string();
  }

  void LookAtAgent() {
    const api::NamespacedRef& ref = dispatch_.spec.agent_ref;
    world_.agent = FindTyped<api::Agent>(view_, ref.namespace_name, ref.name);
    if (!world_.agent) {
      return;
    }
    world_.authorised = IsAuthorised();
    for (const Object& object : view_.ByIndex(kInstancesByAgent, AgentOf(dispatch_))) {
      const auto* instance = api::PeekObject<api::AgentInstance>(object);
      if (instance == nullptr || !instance->status.connected ||
          instance->metadata.IsBeingDeleted()) {
        continue;
      }
      if (instance->spec.draining) {
        world_.any_draining = true;
      } else {
        world_.candidates.push_back(ToCandidate(*instance));
      }
    }
    rank_ = Rank(dispatch_);
    for (Candidate& candidate : world_.candidates) {
      candidate.outranked = IsOutranked(candidate);
    }
  }

  bool IsAuthorised() const {
    if (world_.agent->spec.assigned_to_all_modules) {
      return true;
    }
    const Place place = PlaceOf(view_, Space(), ModuleName());
    const auto assignments = view_.ByIndex(kAssignmentsByAgent, AgentOf(dispatch_));
    return std::any_of(assignments.begin(), assignments.end(), [&](const Object& object) {
      const auto* assignment = api::PeekObject<api::AgentAssignment>(object);
      return assignment != nullptr && !assignment->metadata.IsBeingDeleted() &&
             Covers(assignment->spec, place);
    });
  }

  Candidate ToCandidate(const api::AgentInstance& instance) const {
    const ObjectMeta& meta = instance.metadata;
    const auto key = TypedKey<api::AgentInstance>(meta.namespace_name, meta.name);
    return {.name = meta.name,
            .sidecars = instance.spec.sidecars,
            .protocol_versions = instance.spec.protocol_versions,
            .capacity = instance.spec.capacity,
            .load = LoadOf(meta.namespace_name, meta.name),
            .idle_since = view_.ObservedAt(key).value_or(Now{}).mono};
  }

  /// Dispatches that have a Run there, and those that are just being given one.
  std::int64_t LoadOf(const std::string& space, const std::string& instance) const {
    std::set<std::string> uids;
    for (const Object& active : view_.ByIndex(kIndex, value::On(space, instance))) {
      uids.insert(active.uid());
    }
    for (const Object& object : view_.InFlight(api::Dispatch::Type().Resource())) {
      const auto* assumed = api::PeekObject<api::Dispatch>(object);
      if (assumed != nullptr && IsActive(assumed->status.phase) &&
          assumed->status.instance == instance && assumed->status.run &&
          assumed->status.run->namespace_name == space) {
        uids.insert(assumed->metadata.uid);
      }
    }
    return static_cast<std::int64_t>(uids.size());
  }

  /// Whether something that waits for a slot of the instance ranks above it. What asks for one
  /// sidecar fits the same instances: the first of each ranking tells.
  bool IsOutranked(const Candidate& candidate) {
    if (candidate.load >= candidate.capacity) {
      return false;
    }
    const auto goes_first = [&](const std::string& sidecar) {
      const api::Dispatch* rival = FirstThatAsksFor(sidecar);
      return rival != nullptr && Rank(*rival) < rank_ && SidecarFor(*rival, world_, candidate);
    };
    const auto& offered = candidate.sidecars;
    return goes_first("") || std::any_of(offered.begin(), offered.end(), [&](const auto& sidecar) {
             return goes_first(sidecar.name);
           });
  }

  const api::Dispatch* FirstThatAsksFor(const std::string& sidecar) {
    const auto [at, is_new] = first_.try_emplace(sidecar);
    if (is_new) {
      at->second =
          view_.FirstByPrefix(kIndex, value::WaitingForSlot(AgentOf(dispatch_), sidecar), 1);
    }
    return at->second.empty() ? nullptr : api::PeekObject<api::Dispatch>(at->second.front());
  }

  void LookAtLock() {
    world_.lock.name = LockName(dispatch_.spec.module_job_ref.name, dispatch_.spec.mission_type);
    if (const auto lease = FindTyped<api::Lease>(view_, Space(), world_.lock.name)) {
      world_.lock.holder = lease->spec.holder_identity;
    }
  }

  const api::Dispatch& dispatch_;
  const View& view_;
  std::string rank_;                                  // Once there are candidates.
  std::map<std::string, std::vector<Object>> first_;  // Of those that wait, by the sidecar named.
  World world_;
};

}  // namespace

World Observe(const api::Dispatch& dispatch, const View& view) {
  return Observer(dispatch, view).Gather();
}

}  // namespace midwatch::dispatch
