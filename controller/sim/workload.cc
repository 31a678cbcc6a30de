#include "controller/sim/workload.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "controller/api/agent.h"
#include "controller/api/core.h"
#include "controller/api/module.h"
#include "controller/api/names.h"
#include "controller/api/stack.h"
#include "controller/testing/object_builder.h"

namespace midwatch::sim {
namespace {

using fakes::ObjectBuilder;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kMissionSlots = 12;
constexpr int kAssignmentSlots = 8;
constexpr int kStacks = 2;

const ResourceType& MissionType(int slot) {
  switch (slot % 4) {
    case 0:
      return api::OrganizationMission::Type();
    case 1:
      return api::StackMission::Type();
    case 2:
      return api::NamespaceMission::Type();
    default:
      return api::ModuleMission::Type();
  }
}

std::string ModuleName(int module) { return "module-" + std::to_string(module); }

int Pick(fakes::SeededRandom& random, int count) {
  return static_cast<int>(random.Below(static_cast<std::uint64_t>(count)));
}

/// The n-th entry of a map, or its end.
template <typename Map>
auto Nth(const Map& map, std::uint64_t draw) {
  return map.empty() ? map.end()
                     : std::next(map.begin(), static_cast<std::ptrdiff_t>(draw % map.size()));
}

}  // namespace

std::vector<WorkItem> DrawWork(const Density& density, SimTime from, SimTime to,
                               fakes::SeededRandom random) {
  std::vector<WorkItem> items;
  const auto draw = [&](WorkKind kind, std::int64_t per_hour) {
    const std::int64_t count = per_hour * (to - from) / Duration(hours(1)).count();
    for (std::int64_t i = 0; i < count; ++i) {
      items.push_back({random.Between(from, to - 1), kind, random.Next()});
    }
  };
  draw(WorkKind::kJob, density.jobs_per_hour);
  const std::int64_t changes = density.changes_per_hour;
  draw(WorkKind::kMission, changes);
  draw(WorkKind::kAssignment, changes / 2);
  draw(WorkKind::kAgent, changes / 4);
  draw(WorkKind::kStack, changes / 8);
  draw(WorkKind::kCancel, changes / 2);
  draw(WorkKind::kDelete, changes / 2);
  draw(WorkKind::kHost, changes / 4);
  draw(WorkKind::kNamespace, 1);
  draw(WorkKind::kCommit, density.commits_per_hour);
  draw(WorkKind::kByHand, density.commits_per_hour / 2);
  std::stable_sort(items.begin(), items.end(),
                   [](const WorkItem& a, const WorkItem& b) { return a.at < b.at; });
  return items;
}

Workload::Workload(World world, Density density)
    : world_(std::move(world)), requests_(world_.requests), density_(density) {}

std::string Workload::NamespaceOf(int module) const {
  return "team-" + std::to_string(module % density_.namespaces);
}

void Workload::CreateTopology(fakes::SeededRandom random) {
  for (int stack = 0; stack < kStacks; ++stack) {
    requests_.Create(api::Stack::Type(),
                     ObjectBuilder(api::Stack::Type(), "stack-" + std::to_string(stack)).Draft());
  }
  for (int space = 0; space < density_.namespaces; ++space) {
    CreateNamespace(space);
  }
  requests_.Create(api::Namespace::Type(),
                   ObjectBuilder(api::Namespace::Type(), kAgentNamespace).Draft());
  // What stands in namespaces comes once these are there.
  world_.scheduler.After(seconds(10), [this, random]() mutable {
    for (int space = 0; space < density_.namespaces; ++space) {
      CreateModules(space);
    }
    for (int agent = 0; agent < density_.agents; ++agent) {
      requests_.Create(api::Agent::Type(),
                       ObjectBuilder(api::Agent::Type(), AgentName(agent), kAgentNamespace)
                           .Spec("permissions", "DenyAll")
                           .Draft());
    }
    for (int slot = 0; slot < kAssignmentSlots; ++slot) {
      requests_.Create(api::AgentAssignment::Type(), AssignmentBody(slot, random));
    }
    for (int slot = 0; slot < kMissionSlots; ++slot) {
      requests_.Create(MissionType(slot), MissionBody(slot, random));
    }
  });
}

void Workload::CreateNamespace(int space) {
  requests_.Create(api::Namespace::Type(),
                   ObjectBuilder(api::Namespace::Type(), NamespaceOf(space))
                       .Label(api::labels::kStack, "stack-" + std::to_string(space % kStacks))
                       .Draft());
}

void Workload::CreateModules(int space) {
  for (int module = space; module < density_.modules; module += density_.namespaces) {
    requests_.Create(api::Module::Type(),
                     ObjectBuilder(api::Module::Type(), ModuleName(module), NamespaceOf(module))
                         .Spec("displayName", ModuleName(module))
                         .Draft());
  }
}

Json Workload::MissionBody(int slot, fakes::SeededRandom& random) const {
  const ResourceType& type = MissionType(slot);
  const int module = Pick(random, density_.modules);
  const std::string space = type.namespaced ? NamespaceOf(module) : std::string();
  constexpr std::string_view kTypes[] = {"AutoDiagnose", "AutoDiagnose", "SummarizeJob",
                                         "ApprovalRecommend"};
  ObjectBuilder mission(type, "mission-" + std::to_string(slot), space);
  mission.Spec("agentRef.namespace", kAgentNamespace)
      .Spec("agentRef.name", AgentName(Pick(random, density_.agents)))
      .Spec("missionType", kTypes[random.Below(4)]);
  if (type.kind == "StackMission") {
    mission.Spec("stackRef.name", "stack-" + std::to_string(Pick(random, kStacks)));
  } else if (type.kind == "ModuleMission") {
    mission.Spec("moduleRef.name", ModuleName(module));
  }
  if (random.Chance(200)) {
    mission.Spec("priority", random.Between(-5, 5));
  }
  if (random.Chance(150)) {
    mission.Spec("expireAfter", std::to_string(random.Between(1, 40)) + "m");
  }
  if (random.Chance(100)) {
    mission.Spec("sidecarName", random.Chance(700) ? "scripted" : "other");
  }
  return mission.Draft();
}

Json Workload::AssignmentBody(int slot, fakes::SeededRandom& random) const {
  ObjectBuilder grant(api::AgentAssignment::Type(), "grant-" + std::to_string(slot),
                      kAgentNamespace);
  grant.Spec("agentRef.name", AgentName(slot % density_.agents));
  const int module = Pick(random, density_.modules);
  switch (random.Below(4)) {
    case 0:
      grant.Spec("organization", true);
      break;
    case 1:
      grant.Spec("stackRef.name", "stack-" + std::to_string(Pick(random, kStacks)));
      break;
    case 2:
      grant.Spec("namespaceRef.name", NamespaceOf(module));
      break;
    default:
      grant.Spec("moduleRef.namespace", NamespaceOf(module))
          .Spec("moduleRef.name", ModuleName(module));
  }
  return grant.Draft();
}

void Workload::Do(const WorkItem& item) {
  fakes::SeededRandom random(item.seed);
  switch (item.kind) {
    case WorkKind::kJob:
      return DoJob(item.seed);
    case WorkKind::kMission:
      return DoMission(random);
    case WorkKind::kAssignment:
      return DoAssignment(random);
    case WorkKind::kAgent:
      return DoAgent(random);
    case WorkKind::kStack: {
      const std::string stack = "stack-" + std::to_string(Pick(random, kStacks));
      Json labels = Json::EmptyObject();
      labels.Set(api::labels::kStack, random.Chance(250) ? Json() : Json(stack));
      return requests_.Patch(api::Namespace::Type(), NamespaceOf(Pick(random, density_.namespaces)),
                             Json::Of({{"metadata", Json::Of({{"labels", std::move(labels)}})}}));
    }
    case WorkKind::kCancel:
      return DoCancel(random);
    case WorkKind::kDelete:
      return DoDelete(random);
    case WorkKind::kNamespace:
      return DoNamespace(random);
    case WorkKind::kHost:
    case WorkKind::kCommit:
    case WorkKind::kByHand:
      return;
  }
}

/// A job's states with the times between them; each report is the whole list so far.
void Workload::DoJob(std::uint64_t seed) {
  fakes::SeededRandom random(seed);
  const int module = Pick(random, density_.modules);
  const std::string space = NamespaceOf(module);
  const std::string name = "job-" + std::to_string(seed % 1'000'000'000'000);
  std::vector<std::pair<Duration, std::string>> states;
  states.emplace_back(Duration::zero(), "Running");
  if (random.Chance(150)) {
    states.emplace_back(seconds(random.Between(1, 120)), "ApprovalRequired");
    if (random.Chance(300)) {
      states.emplace_back(seconds(random.Between(1, 600)), "Running");
    }
  }
  const std::uint64_t end = random.Below(100);
  states.emplace_back(seconds(random.Between(1, 300)), end < 55   ? "Failed"
                                                       : end < 92 ? "Succeeded"
                                                                  : "Cancelled");
  Json transitions = Json::EmptyArray();
  Duration at = Duration::zero();
  for (std::size_t i = 0; i < states.size(); ++i) {
    at += states[i].first;
    const WallTime when{kSimEpoch + world_.scheduler.now() + at.count()};
    transitions.Append(Json::Of({{"seq", static_cast<std::int64_t>(i + 1)},
                                 {"state", states[i].second},
                                 {"at", FormatMicroTime(when)}}));
    if (i == 0) {
      requests_.Create(
          api::ModuleJob::Type(),
          ObjectBuilder(api::ModuleJob::Type(), name, space)
              .Spec("moduleRef.name", ModuleName(module))
              .Spec("jobID", name)
              .Spec("operation", "Apply")
              .Spec("artifacts", Json::ArrayOf({Json::Of({{"name", "log"},
                                                          {"digest", world_.log_digest},
                                                          {"mediaType", "text/plain"}})}))
              .Spec("transitions", transitions)
              .Draft());
      continue;
    }
    world_.scheduler.After(at, [this, space, name, transitions] {
      requests_.Patch(api::ModuleJob::Type(), space + "/" + name,
                      Json::Of({{"spec", Json::Of({{"transitions", transitions}})}}));
    });
  }
}

void Workload::DoMission(fakes::SeededRandom random) {
  const int slot = Pick(random, kMissionSlots);
  const ResourceType& type = MissionType(slot);
  const auto found = std::find_if(
      world_.model.missions.begin(), world_.model.missions.end(), [&](const auto& entry) {
        return entry.second.metadata.name == "mission-" + std::to_string(slot);
      });
  if (found == world_.model.missions.end()) {
    return requests_.Create(type, MissionBody(slot, random));
  }
  const std::string path = PathOf(found->second.metadata);
  switch (random.Below(4)) {
    case 0:
      requests_.Delete(type, path);
      if (random.Chance(500)) {  // f07: again under the same name, at once.
        requests_.Create(type, MissionBody(slot, random));
      }
      return;
    case 1:
    case 2:
      return requests_.Patch(
          type, path,
          Json::Of({{"spec", Json::Of({{"isDisabled", !found->second.spec.is_disabled}})}}));
    default:
      return requests_.Patch(
          type, path,
          Json::Of(
              {{"spec",
                Json::Of({{"agentRef",
                           Json::Of({{"name", AgentName(Pick(random, density_.agents))}})}})}}));
  }
}

void Workload::DoAssignment(fakes::SeededRandom random) {
  const int slot = Pick(random, kAssignmentSlots);
  const std::string path = std::string(kAgentNamespace) + "/grant-" + std::to_string(slot);
  if (world_.model.assignments.contains(path)) {
    requests_.Delete(api::AgentAssignment::Type(), path);
  } else {
    requests_.Create(api::AgentAssignment::Type(), AssignmentBody(slot, random));
  }
}

void Workload::DoAgent(fakes::SeededRandom random) {
  const std::string path =
      std::string(kAgentNamespace) + "/" + AgentName(Pick(random, density_.agents));
  const auto found = world_.model.agents.find(path);
  if (found == world_.model.agents.end()) {
    return;
  }
  const api::AgentSpec& spec = found->second.spec;
  if (random.Chance(700)) {
    return requests_.Patch(api::Agent::Type(), path,
                           Json::Of({{"spec", Json::Of({{"suspend", !spec.suspend}})}}));
  }
  requests_.Patch(
      api::Agent::Type(), path,
      Json::Of({{"spec", Json::Of({{"assignedToAllModules", !spec.assigned_to_all_modules}})}}));
}

void Workload::DoCancel(fakes::SeededRandom random) {
  std::vector<std::string> active;
  for (const auto& [path, dispatch] : world_.model.dispatches) {
    if (!IsTerminal(dispatch.status.phase)) {
      active.push_back(path);
    }
  }
  if (!active.empty()) {
    requests_.Patch(
        api::Dispatch::Type(), active[random.Below(active.size())],
        Json::Of({{"spec", Json::Of({{"cancel", true}, {"cancelReason", "simulated"}})}}));
  }
}

void Workload::DoDelete(fakes::SeededRandom random) {
  const std::uint64_t draw = random.Next();
  switch (random.Below(3)) {
    case 0:
      if (const auto job = Nth(world_.model.jobs, draw); job != world_.model.jobs.end()) {
        requests_.Delete(api::ModuleJob::Type(), job->first);
      }
      return;
    case 1:
      if (const auto one = Nth(world_.model.dispatches, draw);
          one != world_.model.dispatches.end()) {
        requests_.Delete(api::Dispatch::Type(), one->first);
      }
      return;
    default:
      if (const auto run = Nth(world_.model.runs, draw); run != world_.model.runs.end()) {
        requests_.Delete(api::Run::Type(), run->first);
      }
  }
}

/// The last namespace: nothing of git is declared there.
void Workload::DoNamespace(fakes::SeededRandom random) {
  if (!random.Chance(300)) {
    return;
  }
  const int space = density_.namespaces - 1;
  requests_.Delete(api::Namespace::Type(), NamespaceOf(space));
  world_.scheduler.After(seconds(random.Between(1, 240)), [this, space] {
    CreateNamespace(space);
    world_.scheduler.After(seconds(30), [this, space] { CreateModules(space); });
  });
}

void Workload::CleanUp() {
  for (const auto& [path, job] : world_.model.jobs) {
    const std::string& space = job.metadata.namespace_name;
    const std::string& name = job.metadata.name;
    const bool over = std::all_of(
        world_.model.dispatches.begin(), world_.model.dispatches.end(), [&](const auto& entry) {
          const api::Dispatch& dispatch = entry.second;
          return dispatch.metadata.namespace_name != space ||
                 dispatch.spec.module_job_ref.name != name || IsTerminal(dispatch.status.phase);
        });
    if (over) {
      requests_.Delete(api::ModuleJob::Type(), path);
    }
  }
}

}  // namespace midwatch::sim
