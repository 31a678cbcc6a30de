#include "controller/reconcilers/matching/matching_reconciler.h"

#include <algorithm>
#include <utility>

#include "controller/api/core.h"
#include "controller/api/names.h"
#include "controller/reconcilers/matching/matching_plan.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/runtime/index.h"

namespace midwatch::matching {
namespace {

constexpr std::string_view kMissionsByScope = "missions-by-scope";
constexpr std::string_view kDispatchesByJob = "dispatches-by-job";

/// The value that a mission stands under: everywhere, its Stack, its namespace or its Module.
std::string ScopeValue(const ScopedMission& mission) {
  switch (mission.ref.kind) {
    case api::MissionKind::kOrganizationMission:
      return "all";
    case api::MissionKind::kStackMission:
      return "stack|" + (mission.spec.stack_ref ? mission.spec.stack_ref->name : "");
    case api::MissionKind::kNamespaceMission:
      return "namespace|" + mission.ref.namespace_name;
    case api::MissionKind::kModuleMission:
      return "module|" + mission.ref.namespace_name + "|" +
             (mission.spec.module_ref ? mission.spec.module_ref->name : "");
  }
  return {};
}

std::string IndexName(const ResourceType& type) {
  return std::string(kMissionsByScope) + "-" + type.plural;
}

std::vector<ScopedMission> MissionsAt(const View& view, const Place& place) {
  const std::string values[] = {"all", "stack|" + place.stack, "namespace|" + place.namespace_name,
                                "module|" + place.namespace_name + "|" + place.module};
  std::vector<ScopedMission> out;
  const auto types = MissionTypes();
  for (std::size_t i = 0; i < types.size(); ++i) {
    for (const Object& object : view.ByIndex(IndexName(types[i]), values[i])) {
      auto mission = ToScopedMission(object);
      if (mission && Covers(*mission, place)) {
        out.push_back(*std::move(mission));
      }
    }
  }
  return out;
}

/// What must be as new as the job: the missions, and which Stack its namespace has joined.
std::vector<ResourceType> MatchedAgainst() {
  auto out = MissionTypes();
  out.push_back(api::Namespace::Type());
  return out;
}

/// Those which took a name that the record has for a Dispatch of this job, and are about another.
void AddNamesakes(const api::ModuleJob& job, const View& view, std::vector<api::Dispatch>& out) {
  for (const api::JobMatch& match : job.status.matches) {
    for (const api::MatchedMission& entry : match.missions) {
      if (entry.created) {
        continue;
      }
      auto found = FindTyped<api::Dispatch>(view, job.metadata.namespace_name, entry.dispatch);
      if (found && found->spec.module_job_ref.name != job.metadata.name) {
        out.push_back(*std::move(found));
      }
    }
  }
}

World Observe(const Object& stored, const api::ModuleJob& job, const View& view) {
  World world;
  world.place = PlaceOf(view, stored.namespace_name(), job.spec.module_ref.name);
  if (AsksForMissions(job)) {
    world.missions = MissionsAt(view, world.place);
  }
  const std::int64_t version = VersionNumber(stored.resource_version());
  const auto types = MatchedAgainst();
  world.fresh = std::all_of(types.begin(), types.end(), [&](const ResourceType& type) {
    return view.FreshTo(type.Resource()) >= version;
  });
  world.dispatches = DecodeAll<api::Dispatch>(
      view.ByIndex(kDispatchesByJob, stored.namespace_name() + "/" + stored.name()));
  AddNamesakes(job, view, world.dispatches);
  return world;
}

std::vector<std::string> JobOfDispatch(const Object& object) {
  const auto* dispatch = api::PeekObject<api::Dispatch>(object);
  if (!dispatch) {
    return {};
  }
  return {object.namespace_name() + "/" + dispatch->spec.module_job_ref.name};
}

/// True if a job's status says the same of both.
bool SameResult(const api::DispatchStatus& a, const api::DispatchStatus& b) {
  return a.phase == b.phase && a.report == b.report && a.result == b.result;
}

std::vector<ObjectKey> OfDispatch(const Change& change, const View&) {
  const Object& object = change.after ? change.after : change.before;
  const auto* dispatch = api::PeekObject<api::Dispatch>(object);
  if (!dispatch) {
    return {};
  }
  const auto* before =
      change.after && change.before ? api::PeekObject<api::Dispatch>(change.before) : nullptr;
  if (before != nullptr && SameResult(before->status, dispatch->status)) {
    return {};  // Another reason to wait, as thousands may get at once.
  }
  return {TypedKey<api::ModuleJob>(object.namespace_name(), dispatch->spec.module_job_ref.name)};
}

}  // namespace

Result<Plan> MatchingReconciler::Reconcile(const ObjectKey& key, const View& view, Now now) const {
  const Object stored = view.Find(key);
  if (!stored) {
    return Plan{};
  }
  MIDWATCH_ASSIGN(api::ModuleJob job, api::FromObject<api::ModuleJob>(stored));
  Decision decision = PlanMatching(job, Observe(stored, job, view), now.wall);
  Plan plan;
  if (decision.refresh) {
    for (ResourceType& type : MatchedAgainst()) {
      plan.effects.emplace_back(Refresh{std::move(type)});
    }
    return plan;
  }
  const std::vector<Occurrence> told = OccurrencesOf(job.status, decision.status);
  if (decision.status != job.status) {
    job.status = std::move(decision.status);
    UpdateRequest update = StatusUpdate<api::ModuleJob>(stored, job.status);
    update.field_manager = api::field_managers::kController;
    plan.effects.emplace_back(Write(std::move(update)));
  }
  for (const Occurrence& it : told) {
    plan.effects.emplace_back(EventOf(api::ModuleJob::Type(), job.metadata, it, now.wall));
  }
  for (const api::Dispatch& dispatch : decision.create) {
    plan.effects.emplace_back(
        Write(CreateRequest{.type = api::Dispatch::Type(),
                            .object = api::ToBody(dispatch),
                            .field_manager = std::string(api::field_managers::kController)}));
  }
  return plan;
}

Controller MakeController(const MatchingReconciler& reconciler) {
  Controller out{
      .name = "matching",
      .primary = api::ModuleJob::Type(),
      .triggers = {{api::Dispatch::Type(), OfDispatch}},
      .indexes = {{std::string(kDispatchesByJob), api::Dispatch::Type().Resource(), JobOfDispatch}},
      .reconciler = &reconciler};
  for (const ResourceType& type : MissionTypes()) {
    out.indexes.push_back({IndexName(type), type.Resource(), [](const Object& object) {
                             const auto mission = ToScopedMission(object);
                             return mission ? std::vector{ScopeValue(*mission)}
                                            : std::vector<std::string>{};
                           }});
  }
  return out;
}

std::vector<ResourceType> Resources() {
  auto out = MatchedAgainst();
  out.push_back(api::ModuleJob::Type());
  out.push_back(api::Dispatch::Type());
  return out;
}

}  // namespace midwatch::matching
