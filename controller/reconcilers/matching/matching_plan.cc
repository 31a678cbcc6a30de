#include "controller/reconcilers/matching/matching_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "controller/api/codec.h"
#include "controller/api/names.h"
#include "controller/base/digest.h"
#include "controller/base/text.h"
#include "controller/object/name_rules.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::matching {
namespace {

bool IsRecorded(const api::ModuleJobStatus& status, const std::string& key) {
  return std::any_of(status.matches.begin(), status.matches.end(),
                     [&](const api::JobMatch& match) { return match.key == key; });
}

/// What tells a mission from every other, whatever id it carries.
std::string InFull(const api::MatchedMission& mission) {
  return mission.id + "/" + std::string(api::ToString(mission.kind)) + "/" + mission.name;
}

/// Missions that carry one id, as a copied file does, have a Dispatch each: the first is named as
/// if it were alone.
void NameApart(const api::ModuleJob& job, const std::string& key,
               std::vector<api::MatchedMission>& missions) {
  std::set<std::string> ids;
  for (api::MatchedMission& mission : missions) {
    if (!ids.insert(mission.id).second) {
      mission.dispatch = DispatchName(job, key, InFull(mission));
    }
  }
}

/// The missions that a transition fires, in a fixed order.
std::vector<api::MatchedMission> MissionsFor(const api::ModuleJob& job, const std::string& key,
                                             api::MissionType type, const World& seen) {
  std::vector<api::MatchedMission> out;
  for (const ScopedMission& mission : seen.missions) {
    if (mission.spec.mission_type != type || mission.spec.is_disabled || mission.being_deleted) {
      continue;
    }
    out.push_back({.kind = mission.ref.kind,
                   .namespace_name = mission.ref.namespace_name,
                   .name = mission.ref.name,
                   .id = mission.ref.id,
                   .dispatch = DispatchName(job, key, mission.ref.id)});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::tie(a.kind, a.name, a.id) < std::tie(b.kind, b.name, b.id);
  });
  NameApart(job, key, out);
  return out;
}

/// Records what covers a transition, as far as the record has room for it.
void RecordMatch(api::JobMatch match, api::ModuleJobStatus& status) {
  std::size_t room = kMostRecorded;
  for (const api::JobMatch& recorded : status.matches) {
    room -= std::min(room, recorded.missions.size());
  }
  if (match.missions.size() > room) {
    match.left_out = static_cast<std::int64_t>(match.missions.size() - room);
    match.missions.resize(room);
  }
  status.matches.push_back(std::move(match));
}

api::Dispatch MakeDispatch(const api::ModuleJob& job, const api::JobMatch& match,
                           const api::MatchedMission& entry, const ScopedMission* mission) {
  api::Dispatch out;
  out.metadata.name = entry.dispatch;
  out.metadata.namespace_name = job.metadata.namespace_name;
  out.metadata.finalizers = {std::string(api::finalizers::kDispatch)};
  out.metadata.owner_references = {OwnedBy(job)};
  SetLabel(out.metadata.labels, api::labels::kMission, entry.id);
  api::DispatchSpec& spec = out.spec;
  spec.mission_ref = api::MissionRef{.kind = entry.kind,
                                     .namespace_name = entry.namespace_name,
                                     .name = entry.name,
                                     .id = entry.id};
  spec.module_job_ref = {.name = job.metadata.name, .job_id = job.spec.job_id, .key = match.key};
  spec.module_ref = job.spec.module_ref;
  spec.mission_type = match.mission_type;
  if (mission != nullptr) {
    spec.agent_ref = mission->spec.agent_ref;
    spec.sidecar_name = mission->spec.sidecar_name;
    spec.priority = mission->spec.priority;
    spec.expire_after = mission->spec.expire_after;
  } else {
    // Gone since it was recorded: the Dispatch says so, and stays as the reason on record.
    spec.agent_ref = {.namespace_name = "none", .name = "none"};
  }
  return out;
}

/// The mission, under a new name too; of several with its id the one of its name.
const ScopedMission* FindById(const World& seen, const api::MatchedMission& entry) {
  const ScopedMission* renamed = nullptr;
  for (const ScopedMission& mission : seen.missions) {
    if (mission.ref.kind == entry.kind && mission.ref.id == entry.id) {
      if (mission.ref.name == entry.name) {
        return &mission;
      }
      renamed = &mission;
    }
  }
  return renamed;
}

const api::Dispatch* FindDispatch(const World& seen, const std::string& name) {
  for (const api::Dispatch& dispatch : seen.dispatches) {
    if (dispatch.metadata.name == name) {
      return &dispatch;
    }
  }
  return nullptr;
}

/// Whether the Dispatch is about this very object: not about one of its name that was deleted, nor
/// about one of its jobID under another name.
bool IsAbout(const api::ModuleJob& job, const api::Dispatch& dispatch) {
  if (dispatch.spec.module_job_ref.name != job.metadata.name) {
    return false;
  }
  const auto& owners = dispatch.metadata.owner_references;
  return std::none_of(owners.begin(), owners.end(), [&](const OwnerReference& owner) {
    return owner.kind == api::ModuleJob::Type().kind && owner.uid != job.metadata.uid;
  });
}

/// Marks what exists, and gives what is still to be created. What is another object's keeps its
/// name: the entry takes one that nobody else has.
void CreateMissing(const api::ModuleJob& job, const World& seen, Decision& decision) {
  for (api::JobMatch& match : decision.status.matches) {
    for (api::MatchedMission& entry : match.missions) {
      if (entry.created) {
        continue;
      }
      const api::Dispatch* found = FindDispatch(seen, entry.dispatch);
      if (found != nullptr && !IsAbout(job, *found)) {
        entry.dispatch = DispatchName(job, match.key, InFull(entry) + "/" + job.metadata.uid);
        found = FindDispatch(seen, entry.dispatch);
      }
      if (found != nullptr) {
        entry.created = true;
      } else {
        decision.create.push_back(MakeDispatch(job, match, entry, FindById(seen, entry)));
      }
    }
  }
}

void CopyResults(const api::ModuleJob& job, const World& seen, api::ModuleJobStatus& status) {
  constexpr std::size_t kMostResults = 1024;  // The schema's bound of status.results.
  for (const api::Dispatch& dispatch : seen.dispatches) {
    if (!IsAbout(job, dispatch)) {
      continue;
    }
    api::JobResult result{.dispatch = dispatch.metadata.name,
                          .mission_type = dispatch.spec.mission_type,
                          .phase = dispatch.status.phase};
    if (dispatch.status.report) {
      result.report = dispatch.status.report->name;
    }
    if (dispatch.status.result) {
      result.digest = dispatch.status.result->digest;
    }
    const auto known =
        std::find_if(status.results.begin(), status.results.end(),
                     [&](const api::JobResult& r) { return r.dispatch == result.dispatch; });
    if (known != status.results.end()) {
      *known = std::move(result);
    } else if (status.results.size() < kMostResults) {
      status.results.push_back(std::move(result));
    }
  }
}

/// What the transition fires, if that is not recorded yet.
std::optional<api::MissionType> Unrecorded(const api::JobTransition& transition,
                                           const api::ModuleJobStatus& status) {
  const auto type = FiredBy(transition.state);
  return type && !IsRecorded(status, std::to_string(transition.seq)) ? type : std::nullopt;
}

/// Ready, unless a transition was covered by more missions than its record holds.
void SetReady(api::ModuleJobStatus& status, WallTime now) {
  api::Condition ready{.type = "Ready",
                       .status = api::ConditionStatus::kTrue,
                       .last_transition_time = now,
                       .reason = "Recorded"};
  for (const api::JobMatch& match : status.matches) {
    if (match.left_out) {
      ready.status = api::ConditionStatus::kFalse;
      ready.reason = "TooManyMissions";
      ready.message += (ready.message.empty() ? "" : "; ") + std::to_string(*match.left_out) +
                       " more covered transition " + match.key;
    }
  }
  if (!ready.message.empty()) {
    ready.message = "the record of a job holds " + std::to_string(kMostRecorded) +
                    " missions, the others get no Dispatch: " + ready.message;
  }
  if (!status.conditions.empty() && status.conditions.front().status == ready.status) {
    ready.last_transition_time = status.conditions.front().last_transition_time;
  }
  status.conditions = {std::move(ready)};
}

}  // namespace

std::optional<api::MissionType> FiredBy(api::JobState state) {
  switch (state) {
    case api::JobState::kFailed:
      return api::MissionType::kAutoDiagnose;
    case api::JobState::kApprovalRequired:
      return api::MissionType::kApprovalRecommend;
    case api::JobState::kSucceeded:
      return api::MissionType::kSummarizeJob;
    case api::JobState::kRunning:
    case api::JobState::kCancelled:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string DispatchName(const api::ModuleJob& job, std::string_view key,
                         std::string_view mission_id) {
  constexpr std::size_t kLongestStem = 40;
  const std::string& module = job.spec.module_ref.name;
  // Lengths keep apart what a separator inside a name would join.
  std::string identity;
  for (const std::string_view part :
       {std::string_view(module), std::string_view(job.spec.job_id), key, mission_id}) {
    identity += std::to_string(part.size()) + ":" + std::string(part);
  }
  return std::string(NameStem(module, kLongestStem)) + "-" + ShortHash(identity, 12);
}

bool AsksForMissions(const api::ModuleJob& job) {
  const auto unrecorded = [&](const api::JobTransition& transition) {
    return Unrecorded(transition, job.status).has_value();
  };
  const auto uncreated = [](const api::JobMatch& match) {
    return std::any_of(match.missions.begin(), match.missions.end(),
                       [](const api::MatchedMission& mission) { return !mission.created; });
  };
  return std::any_of(job.spec.transitions.begin(), job.spec.transitions.end(), unrecorded) ||
         std::any_of(job.status.matches.begin(), job.status.matches.end(), uncreated);
}

Decision PlanMatching(const api::ModuleJob& job, const World& seen, WallTime now) {
  Decision decision;
  decision.status = job.status;
  api::ModuleJobStatus& status = decision.status;
  status.observed_generation = job.metadata.generation;
  if (!job.spec.transitions.empty()) {
    status.state = job.spec.transitions.back().state;
  }
  if (!job.metadata.IsBeingDeleted()) {
    for (const api::JobTransition& transition : job.spec.transitions) {
      const auto type = Unrecorded(transition, status);
      if (!type) {
        continue;
      }
      if (!seen.fresh) {
        decision.refresh = true;
        break;
      }
      std::string key = std::to_string(transition.seq);
      auto missions = MissionsFor(job, key, *type, seen);
      RecordMatch({.key = std::move(key), .mission_type = *type, .missions = std::move(missions)},
                  status);
    }
  }
  CreateMissing(job, seen, decision);
  if (job.metadata.IsBeingDeleted()) {
    decision.create.clear();  // What is there is marked all the same: else it could not be deleted.
  }
  CopyResults(job, seen, status);
  SetReady(status, now);
  return decision;
}

std::vector<Occurrence> OccurrencesOf(const api::ModuleJobStatus& before,
                                      const api::ModuleJobStatus& after) {
  std::vector<Occurrence> out;
  for (std::size_t i = before.matches.size(); i < after.matches.size(); ++i) {
    const api::JobMatch& match = after.matches[i];
    std::vector<std::string> names;
    for (const api::MatchedMission& mission : match.missions) {
      names.push_back(std::string(api::ToString(mission.kind)) + " " + mission.name);
    }
    if (!names.empty()) {
      out.push_back({.reason = "Matched",
                     .message = std::string(api::ToString(match.mission_type)) + " asked for by " +
                                Join(names, ", "),
                     .which = match.key});
    }
  }
  return out;
}

}  // namespace midwatch::matching
