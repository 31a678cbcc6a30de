#include "controller/sim/checkers.h"

#include <algorithm>
#include <utility>

#include "controller/api/codec.h"
#include "controller/api/names.h"
#include "controller/api/reasons.h"
#include "controller/base/text.h"

namespace midwatch::sim {
namespace {

template <typename T>
const T* FindIn(const std::map<std::string, T>& all, const std::string& path) {
  const auto found = all.find(path);
  return found == all.end() ? nullptr : &found->second;
}

std::string PathOf(const ObjectKey& key) {
  return key.namespace_name.empty() ? key.name : key.namespace_name + "/" + key.name;
}

std::string PathOf(const api::NamespacedRef& ref) { return ref.namespace_name + "/" + ref.name; }

std::string MatchId(const std::string& job_uid, const std::string& key,
                    const std::string& mission) {
  return job_uid + "|" + key + "|" + mission;
}

const api::JobMatch* FindMatch(const api::ModuleJob& job, const std::string& key) {
  for (const api::JobMatch& match : job.status.matches) {
    if (match.key == key) {
      return &match;
    }
  }
  return nullptr;
}

}  // namespace

void Checkers::Fail(std::string checker, std::string what) {
  if (!violation_) {
    violation_ = Violation{std::move(checker), std::move(what), now_};
  }
}

void Checkers::FollowGit(const GitHosting& hosting, const Requests& requests) {
  git_.emplace(GitChecker::World{now_, model_, hosting, requests,
                                 [this](std::string checker, std::string what) {
                                   Fail(std::move(checker), std::move(what));
                                 }});
}

void Checkers::OnRow(const JournalRow& row) {
  const std::string path = PathOf(row.key);
  const std::string& resource = row.key.resource;
  if (resource == api::ModuleJob::Type().Resource()) {
    const auto before = model_.jobs.extract(path);
    model_.Apply(row);
    OnJob(before ? &before.mapped() : nullptr, FindIn(model_.jobs, path));
  } else if (resource == api::Dispatch::Type().Resource()) {
    const auto before = model_.dispatches.extract(path);
    model_.Apply(row);
    OnDispatch(before ? &before.mapped() : nullptr, FindIn(model_.dispatches, path));
  } else if (resource == api::Report::Type().Resource()) {
    const bool is_new = !model_.reports.contains(path);
    model_.Apply(row);
    if (is_new && !row.deleted) {
      OnReport(model_.reports.at(path));
    }
  } else {
    OnOther(row);
  }
}

void Checkers::OnOther(const JournalRow& row) {
  const auto declarable = [&]() -> std::optional<ModelDeclarable> {
    const auto found = model_.declarables.find(row.key);
    return found == model_.declarables.end() ? std::nullopt : std::optional(found->second);
  };
  RememberGrants(row);
  const auto before = declarable();
  model_.Apply(row);
  if (row.key.resource == "namespaces" || row.key.resource.find("missions") != std::string::npos) {
    UpdatePending();
  }
  const auto after = declarable();
  if (git_ && (before || after)) {
    git_->OnChange(row.key, before ? &*before : nullptr, after ? &*after : nullptr);
  }
}

// -- 2: matches and their Dispatches.

void Checkers::OnJob(const api::ModuleJob* before, const api::ModuleJob* after) {
  if (after == nullptr) {
    std::erase_if(pending_, [&](const Pending& p) {
      return before != nullptr && p.uid == before->metadata.uid;
    });
    return;
  }
  for (const api::JobTransition& transition : after->spec.transitions) {
    const auto type = FiredBy(transition.state);
    const std::string key = std::to_string(transition.seq);
    const bool known =
        before != nullptr &&
        std::any_of(before->spec.transitions.begin(), before->spec.transitions.end(),
                    [&](const api::JobTransition& t) { return t.seq == transition.seq; });
    if (type && !known) {
      pending_.push_back({sim::PathOf(after->metadata), after->metadata.uid, key, *type, {}, {}});
      Pending& pending = pending_.back();
      for (const auto& [path, mission] : model_.missions) {
        if (model_.Covers(mission, *after, *type)) {
          pending.always.insert(mission.Id());
          pending.ever.insert(mission.Id());
        }
      }
    }
  }
  for (const api::JobMatch& match : after->status.matches) {
    const api::JobMatch* old = before == nullptr ? nullptr : FindMatch(*before, match.key);
    if (old == nullptr) {
      OnMatch(*after, match);
      continue;
    }
    for (std::size_t i = 0; i < std::max(old->missions.size(), match.missions.size()); ++i) {
      if (i >= old->missions.size() || i >= match.missions.size() ||
          old->missions[i].id != match.missions[i].id ||
          (old->missions[i].created && !match.missions[i].created)) {
        Fail("matches-all", "the record of " + sim::PathOf(after->metadata) + " transition " +
                                match.key + " was changed after it was written");
      }
    }
  }
}

void Checkers::UpdatePending() {
  for (Pending& pending : pending_) {
    const api::ModuleJob* job = FindIn(model_.jobs, pending.job);
    if (job == nullptr) {
      continue;
    }
    std::set<std::string> covering;
    for (const auto& [path, mission] : model_.missions) {
      if (model_.Covers(mission, *job, pending.type)) {
        covering.insert(mission.Id());
      }
    }
    std::erase_if(pending.always, [&](const std::string& id) { return !covering.contains(id); });
    pending.ever.insert(covering.begin(), covering.end());
  }
}

void Checkers::OnMatch(const api::ModuleJob& job, const api::JobMatch& match) {
  const auto pending = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) {
    return p.uid == job.metadata.uid && p.key == match.key;
  });
  const std::string where = sim::PathOf(job.metadata) + " transition " + match.key;
  if (pending == pending_.end()) {
    return Fail("matches-all", where + " has a match and never was a transition");
  }
  std::set<std::string> matched;
  for (const api::MatchedMission& mission : match.missions) {
    if (!matched.insert(mission.id).second) {
      Fail("matches-all", where + " names mission " + mission.name + " twice");
    }
    if (!pending->ever.contains(mission.id)) {
      Fail("matches-all", where + " names mission " + mission.name + ", which did not cover it");
    }
  }
  for (const std::string& id : pending->always) {
    if (!matched.contains(id)) {
      Fail("matches-all", where + " leaves out mission " + id + ", which covered it all the time");
    }
  }
  pending_.erase(pending);
}

void Checkers::OnDispatch(const api::Dispatch* before, const api::Dispatch* after) {
  if (after == nullptr) {
    return;
  }
  const std::string path = sim::PathOf(after->metadata);
  const bool is_new = before == nullptr || before->metadata.uid != after->metadata.uid;
  if (is_new && after->spec.mission_ref && !after->spec.module_job_ref.key.empty()) {
    const api::ModuleJob* job =
        FindIn(model_.jobs, after->metadata.namespace_name + "/" + after->spec.module_job_ref.name);
    const std::string job_uid = job != nullptr ? job->metadata.uid
                                : after->metadata.owner_references.empty()
                                    ? std::string()
                                    : after->metadata.owner_references.front().uid;
    const std::string id =
        MatchId(job_uid, after->spec.module_job_ref.key, after->spec.mission_ref->id);
    const auto [known, fresh] = created_.emplace(id, path);
    if (!fresh) {
      Fail("one-dispatch",
           path + " was created for a match that " + known->second + " was created for before");
    }
  }
  if (is_new) {
    return;
  }
  const api::DispatchStatus& was = before->status;
  const api::DispatchStatus& is = after->status;
  if (IsTerminal(was.phase) && (was.phase != is.phase || was.result != is.result ||
                                was.report != is.report || was.run != is.run)) {
    Fail("terminal", path + " was " + std::string(api::ToString(was.phase)) + " and is " +
                         std::string(api::ToString(is.phase)) + ", or has another result");
  }
  if (is.run && (!was.run || was.run->name != is.run->name)) {
    OnAssigned(*after);
  }
  if (is.phase == api::DispatchPhase::kSucceeded && was.phase != is.phase) {
    OnSucceeded(*after);
  }
}

// -- 3: authorisation.

void Checkers::OnAssigned(const api::Dispatch& dispatch) {
  const std::string agent_path = PathOf(dispatch.spec.agent_ref);
  const std::string& space = dispatch.metadata.namespace_name;
  const std::string module = dispatch.spec.module_ref ? dispatch.spec.module_ref->name : "";
  const api::Agent* agent = FindIn(model_.agents, agent_path);
  if (agent != nullptr && model_.Authorised(*agent, space, module)) {
    return;
  }
  if (!RecentlyGranted(agent_path, space, module)) {
    Fail("authorised", sim::PathOf(dispatch.metadata) + " was assigned to " + agent_path +
                           ", which may not work on " + space + "/" + module);
  }
}

/// Keeps what an assignment, an Agent or a namespace allowed before this change of it.
void Checkers::RememberGrants(const JournalRow& row) {
  const std::string path = PathOf(row.key);
  if (row.key.resource == api::AgentAssignment::Type().Resource()) {
    if (const auto* old = FindIn(model_.assignments, path)) {
      lapsed_.push_back(
          {now_, [this, old = *old](const std::string& agent, const std::string& space,
                                    const std::string& module) {
             const auto stack = model_.stacks.find(space);
             return agent == old.metadata.namespace_name + "/" + old.spec.agent_ref.name &&
                    Model::Grants(old, stack == model_.stacks.end() ? "" : stack->second, space,
                                  module);
           }});
    }
  } else if (row.key.resource == api::Agent::Type().Resource()) {
    const auto* old = FindIn(model_.agents, path);
    if (old != nullptr && old->spec.assigned_to_all_modules) {
      lapsed_.push_back({now_, [path](const std::string& agent, const std::string&,
                                      const std::string&) { return agent == path; }});
    }
  } else if (row.key.resource == "namespaces" && model_.stacks.contains(row.key.name)) {
    const std::string stack = model_.stacks.at(row.key.name);
    lapsed_.push_back(
        {now_, [this, stack, name = row.key.name](
                   const std::string& agent, const std::string& space, const std::string& module) {
           return space == name &&
                  std::any_of(
                      model_.assignments.begin(), model_.assignments.end(), [&](const auto& entry) {
                        const api::AgentAssignment& a = entry.second;
                        return agent == a.metadata.namespace_name + "/" + a.spec.agent_ref.name &&
                               Model::Grants(a, stack, space, module);
                      });
         }});
  }
  std::erase_if(lapsed_, [&](const Lapsed& lapsed) { return lapsed.at + kStalest.count() < now_; });
}

bool Checkers::RecentlyGranted(const std::string& agent, const std::string& space,
                               const std::string& module) const {
  return std::any_of(lapsed_.begin(), lapsed_.end(), [&](const Lapsed& lapsed) {
    return lapsed.at + kStalest.count() >= now_ && lapsed.granted(agent, space, module);
  });
}

// -- 5: only the current Run counts.

void Checkers::OnSucceeded(const api::Dispatch& dispatch) {
  const std::string path = sim::PathOf(dispatch.metadata);
  const api::Run* run =
      dispatch.status.run ? FindIn(model_.runs, PathOf(*dispatch.status.run)) : nullptr;
  if (run == nullptr) {
    return Fail("current-run-only", path + " succeeded without a Run");
  }
  const bool lost = run->spec.stop_requested &&
                    run->spec.stop_requested->reason == api::StopReason::kInstanceLost;
  const bool same = run->status.result && dispatch.status.result &&
                    run->status.result->digest == dispatch.status.result->digest;
  if (lost || !same || run->spec.dispatch_ref.uid != dispatch.metadata.uid) {
    Fail("current-run-only", path + " took a result that its current Run " + run->metadata.name +
                                 " did not give" +
                                 (lost ? ", or gave after its instance was lost" : ""));
  }
}

void Checkers::OnReport(const api::Report& report) {
  const api::Dispatch* dispatch = FindIn(
      model_.dispatches, report.metadata.namespace_name + "/" + report.spec.dispatch_ref.name);
  if (dispatch == nullptr || !dispatch->status.run) {
    return;  // Deleted meanwhile; a Report does not bring it back.
  }
  if (report.spec.headline.find(dispatch->status.run->name) == std::string::npos) {
    Fail("current-run-only", "the Report of " + sim::PathOf(dispatch->metadata) + " says '" +
                                 report.spec.headline + "', its current Run is " +
                                 dispatch->status.run->name);
  }
}

// -- 1, 7, 9: what really runs, and what was promised.

void Checkers::OnSidecarStarted(const Sidecar& started, const std::vector<Sidecar>& others) {
  for (const Sidecar& other : others) {
    Fail("one-live-run", started.run + " started while " + other.run +
                             " was alive; both are about " + started.pair);
  }
}

void Checkers::OnAcknowledged(const ObjectKey& key, const Object& object, std::int64_t durable) {
  const std::int64_t version = std::strtoll(object.resource_version().c_str(), nullptr, 10);
  if (version > durable) {
    Fail("acknowledged-is-durable", key.ToString() + " was acknowledged at version " +
                                        std::to_string(version) + ", durable is " +
                                        std::to_string(durable));
  }
}

void Checkers::OnTime(const SidecarTruth& truth) {
  std::map<std::string, SimTime> over;
  for (const auto& [uid, sidecar] : truth.alive()) {
    const api::Dispatch* dispatch = FindIn(model_.dispatches, sidecar.dispatch);
    if (dispatch != nullptr) {
      Duration& worked = worked_[dispatch->metadata.uid];
      worked += kLooksEvery;
      if (worked > dispatch->spec.timeout + kOverTimeBy) {
        Fail("used-time", sidecar.dispatch + " has worked for " + FormatDuration(worked));
      }
    }
    const bool ended = dispatch == nullptr || IsTerminal(dispatch->status.phase) ||
                       dispatch->spec.cancel || dispatch->metadata.IsBeingDeleted();
    if (!ended) {
      continue;
    }
    const auto known = over_since_.find(uid);
    const SimTime since = known == over_since_.end() ? now_ : known->second;
    over.emplace(uid, since);
    if (now_ - since > kStopsWithin.count()) {
      Fail("stops", "the sidecar of " + sidecar.run + " goes on though " + sidecar.dispatch +
                        " has ended or was cancelled");
    }
  }
  over_since_ = std::move(over);
}

// -- At rest.

void Checkers::OnRest(const SidecarTruth& truth) {
  RestJobs();
  RestDispatches();
  RestRuns(truth);
  if (git_) {
    git_->OnRest();
  }
}

void Checkers::RestJobs() {
  for (const Pending& pending : pending_) {
    Fail("matches-all", pending.job + " transition " + pending.key + " was never matched");
  }
  for (const auto& [path, job] : model_.jobs) {
    for (const api::JobMatch& match : job.status.matches) {
      for (const api::MatchedMission& mission : match.missions) {
        const bool made = created_.contains(MatchId(job.metadata.uid, match.key, mission.id));
        if (!made || !mission.created) {
          Fail("one-dispatch", path + " transition " + match.key + ": mission " + mission.name +
                                   (made ? " is not marked as created" : " has no Dispatch"));
        }
      }
    }
  }
}

void Checkers::RestDispatches() {
  for (const auto& [path, dispatch] : model_.dispatches) {
    const api::DispatchPhase phase = dispatch.status.phase;
    if (dispatch.metadata.IsBeingDeleted()) {
      Fail("converges", path + " is being deleted and stays");
    } else if (phase == api::DispatchPhase::kParked) {
      if (const std::string why = WhyStillParked(dispatch); !why.empty()) {
        Fail("nothing-waits-for-nothing",
             path + " is parked as " + dispatch.status.reason + ", though " + why);
      }
    } else if (!IsTerminal(phase)) {
      Fail("converges", path + " stays " + std::string(api::ToString(phase)));
    }
  }
}

/// Empty if what the parking says is still so. Looks at the objects alone, by rules of its own.
std::string Checkers::WhyStillParked(const api::Dispatch& dispatch) const {
  namespace reason = api::dispatch_reason;
  const std::string& why = dispatch.status.reason;
  const std::string agent_path = PathOf(dispatch.spec.agent_ref);
  const api::Agent* agent = FindIn(model_.agents, agent_path);
  if (why == reason::kMissionDisabled) {
    for (const auto& [path, mission] : model_.missions) {
      if (dispatch.spec.mission_ref && mission.Id() == dispatch.spec.mission_ref->id) {
        return mission.spec.is_disabled ? "" : "its mission is enabled";
      }
    }
    return "its mission is gone";
  }
  if (why == reason::kAgentNotFound) {
    return agent == nullptr ? "" : "the Agent is there";
  }
  if (agent == nullptr) {
    return "the Agent is gone";
  }
  if (why == reason::kAgentSuspended) {
    return agent->spec.suspend ? "" : "the Agent is not suspended";
  }
  if (why == reason::kAgentNotAssigned) {
    const std::string module = dispatch.spec.module_ref ? dispatch.spec.module_ref->name : "";
    return model_.Authorised(*agent, dispatch.metadata.namespace_name, module)
               ? "the Agent is assigned"
               : "";
  }
  std::int64_t connected = 0;
  std::int64_t fitting = 0;
  for (const auto& [path, instance] : model_.instances) {
    if (instance.spec.agent_ref.name != agent->metadata.name ||
        instance.metadata.namespace_name != agent->metadata.namespace_name ||
        !instance.status.connected || instance.spec.draining ||
        instance.metadata.IsBeingDeleted()) {
      continue;
    }
    ++connected;
    const std::string& asked = dispatch.spec.sidecar_name;
    const auto& offered = instance.spec.sidecars;
    fitting += asked.empty()
                   ? !offered.empty()
                   : std::any_of(offered.begin(), offered.end(),
                                 [&](const auto& sidecar) { return sidecar.name == asked; });
  }
  if (why == reason::kNoConnectedInstance) {
    return connected == 0 ? "" : "an instance is connected";
  }
  if (why == reason::kSidecarUnavailable) {
    return fitting == 0 ? "" : "an instance offers the sidecar";
  }
  // At rest nothing runs: neither a lock nor a slot can be taken.
  return "that cannot last at rest (" + dispatch.status.message + ")";
}

void Checkers::RestRuns(const SidecarTruth& truth) {
  for (const auto& [uid, sidecar] : truth.alive()) {
    Fail("converges", "the sidecar of " + sidecar.run + " is still alive");
  }
  for (const auto& [path, lock] : model_.locks) {
    if (!lock.spec.holder_identity.empty()) {
      Fail("converges", "lock " + path + " is still held by " + lock.spec.holder_identity);
    }
  }
  for (const auto& [path, run] : model_.runs) {
    if (run.metadata.IsBeingDeleted()) {
      Fail("converges", "Run " + path + " is being deleted and stays");
    } else if (run.metadata.HasFinalizer(api::finalizers::kRun)) {
      Fail("converges", "Run " + path + " has stopped and keeps its finalizer");
    }
  }
}

}  // namespace midwatch::sim
