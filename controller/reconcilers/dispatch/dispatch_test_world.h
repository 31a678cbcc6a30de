#pragma once

#include <string>
#include <utility>

#include "controller/api/codec.h"
#include "controller/api/names.h"
#include "controller/api/reasons.h"
#include "controller/base/digest.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"

namespace midwatch::dispatch {

inline constexpr Now kNoon{.wall = {1'800'000'000'000'000}, .mono = {5'000'000'000}};
inline constexpr std::int64_t kFreeSlots = 2;

/// A Dispatch that waits: the third job of payments/database failed, agents/ops shall say why.
inline api::Dispatch Waiting() {
  api::Dispatch d;
  d.metadata.name = "database-abc";
  d.metadata.namespace_name = "payments";
  d.metadata.uid = "uid-1";
  d.metadata.resource_version = "7";
  d.metadata.generation = 1;
  d.metadata.creation_timestamp = FormatTime(kNoon.wall - std::chrono::minutes(10));
  d.metadata.finalizers = {std::string(api::finalizers::kDispatch)};
  d.spec.mission_ref = api::MissionRef{
      .kind = api::MissionKind::kOrganizationMission, .name = "diagnose", .id = "mission-1"};
  d.spec.module_job_ref = {.name = "job-3", .job_id = "3", .key = "1"};
  d.spec.module_ref = api::NameRef{"database"};
  d.spec.mission_type = api::MissionType::kAutoDiagnose;
  d.spec.agent_ref = {.namespace_name = "agents", .name = "ops"};
  return d;
}

inline api::Dispatch Parked(std::string_view reason) {
  api::Dispatch d = Waiting();
  d.status.phase = api::DispatchPhase::kParked;
  d.status.reason = reason;
  return d;
}

/// The same, assigned to instance one.
inline api::Dispatch Assigned() {
  api::Dispatch d = Waiting();
  d.status.phase = api::DispatchPhase::kAssigned;
  d.status.agent_ref = d.spec.agent_ref;
  d.status.instance = "one";
  d.status.sidecar_name = "scripted";
  d.status.run_ordinal = 1;
  d.status.attempts = 1;
  d.status.run = api::NamespacedRef{"agents", RunName(d, 1)};
  d.status.started_at = kNoon.wall - std::chrono::minutes(1);
  return d;
}

inline api::Dispatch Finished(api::DispatchPhase phase) {
  api::Dispatch d = Assigned();
  d.status.phase = phase;
  d.status.finished_at = kNoon.wall;
  return d;
}

/// That Waiting asks for, free to work everywhere.
inline api::Agent OpenAgent() {
  api::Agent agent;
  agent.metadata.name = "ops";
  agent.metadata.namespace_name = "agents";
  agent.spec.assigned_to_all_modules = true;
  return agent;
}

/// One of its instances, connected and with one slot.
inline api::AgentInstance ConnectedInstance(std::string name) {
  api::AgentInstance instance;
  instance.metadata.name = std::move(name);
  instance.metadata.namespace_name = "agents";
  instance.spec.agent_ref.name = "ops";
  instance.spec.capacity = 1;
  instance.spec.sidecars = {{.name = "scripted"}};
  instance.spec.protocol_versions = {1};
  instance.status.connected = true;
  return instance;
}

inline api::Run RunOf(const api::Dispatch& d, api::RunPhase phase = api::RunPhase::kPending) {
  api::Run run;
  run.metadata.name = d.status.run->name;
  run.metadata.namespace_name = d.status.run->namespace_name;
  run.metadata.uid = "uid-run";
  run.metadata.resource_version = "9";
  run.metadata.finalizers = {std::string(api::finalizers::kRun)};
  run.spec.dispatch_ref = {d.metadata.namespace_name, d.metadata.name, d.metadata.uid};
  run.spec.instance = d.status.instance;
  run.spec.sidecar_name = d.status.sidecar_name;
  run.spec.timeout_seconds = 10'800;
  run.status.phase = phase;
  return run;
}

inline api::Run Ended(const api::Dispatch& d, api::RunPhase phase, std::string_view reason = {}) {
  api::Run run = RunOf(d, phase);
  run.status.sidecar_stopped = true;
  run.status.reason = reason;
  run.status.started_at = kNoon.wall - std::chrono::seconds(50);
  run.status.finished_at = kNoon.wall - std::chrono::seconds(10);
  return run;
}

inline api::Run WithResult(api::Run run, std::string json) {
  run.status.result = api::RunResult{
      .digest = DigestOf(json), .media_type = "application/json", .inline_json = json};
  run.status.message = "the database refused the connection";
  return run;
}

inline constexpr const char* kDiagnosis =
    R"({"rootCause":"the database refused the connection","category":"Network","transient":true,)"
    R"("confidence":"High","evidence":[{"artifact":"log","lines":"3","quote":"refused"}]})";

inline api::Run Stopping(api::Run run, api::StopReason reason) {
  run.spec.stop_requested = api::StopRequest{.reason = reason, .at = kNoon.wall};
  return run;
}

/// A World in one expression. Begins empty: nothing is seen.
class Seen {
 public:
  /// Everything is in order and one instance has free slots.
  static Seen Ready() { return Seen().Job().Mission().Agent().Assignment().Instance("one"); }

  Seen& Job(Presence presence = Presence::kPresent) {
    world_.job_presence = presence;
    if (presence == Presence::kPresent) {
      api::ModuleJob job;
      job.metadata.name = "job-3";
      job.metadata.namespace_name = "payments";
      job.spec.module_ref.name = "database";
      job.spec.transitions = {{.seq = 0, .state = api::JobState::kRunning},
                              {.seq = 1, .state = api::JobState::kFailed}};
      world_.job = std::move(job);
    } else {
      world_.job.reset();
    }
    return *this;
  }
  Seen& JobMovedOn() {
    world_.job->spec.transitions.push_back({.seq = 2, .state = api::JobState::kSucceeded});
    return *this;
  }
  Seen& Mission(Presence presence = Presence::kPresent) {
    world_.mission_presence = presence;
    world_.mission.reset();
    if (presence == Presence::kPresent) {
      world_.mission = ScopedMission{.ref = *Waiting().spec.mission_ref, .spec = {}};
      world_.mission->spec.agent_ref = Waiting().spec.agent_ref;
      world_.mission_matches = true;
    }
    return *this;
  }
  Seen& MissionDisabled() {
    world_.mission->spec.is_disabled = true;
    return *this;
  }
  Seen& MissionNames(std::string agent) {
    world_.mission->spec.agent_ref.name = std::move(agent);
    return *this;
  }
  Seen& MissionNoLongerMatches() {
    world_.mission_matches = false;
    return *this;
  }
  Seen& Agent(bool suspended = false) {
    world_.agent.emplace();
    world_.agent->metadata.name = "ops";
    world_.agent->spec.suspend = suspended;
    return *this;
  }
  Seen& NoAgent() {
    world_.agent.reset();
    return *this;
  }
  Seen& AgentDefault(std::string sidecar) {
    world_.agent->spec.default_sidecar = std::move(sidecar);
    return *this;
  }
  Seen& Assignment(bool there = true) {
    world_.authorised = there;
    return *this;
  }
  Seen& Instance(std::string name, std::int64_t load = 0, std::vector<std::int64_t> speaks = {1}) {
    world_.candidates.push_back({.name = std::move(name),
                                 .sidecars = {{.name = "scripted"}},
                                 .protocol_versions = std::move(speaks),
                                 .capacity = kFreeSlots,
                                 .load = load,
                                 .idle_since = {0}});
    return *this;
  }
  Seen& Offering(std::vector<api::OfferedSidecar> sidecars) {
    world_.candidates.back().sidecars = std::move(sidecars);
    return *this;
  }
  Seen& IdleSince(std::int64_t micros) {
    world_.candidates.back().idle_since = {micros};
    return *this;
  }
  Seen& NoInstance() {
    world_.candidates.clear();
    return *this;
  }
  Seen& Outranked() {
    world_.candidates.back().outranked = true;
    return *this;
  }
  Seen& LockHeldBy(std::string holder) {
    world_.lock.holder = std::move(holder);
    return *this;
  }
  Seen& Run(api::Run run, Duration observed_ago = {}) {
    world_.run_presence = Presence::kPresent;
    world_.run_observed = kNoon.mono - observed_ago;
    ObservedAgo(observed_ago);
    world_.runs = {run};
    world_.run = std::move(run);
    return *this;
  }
  Seen& RunAbsent() {
    world_.run_presence = Presence::kAbsent;
    return RunSpace(Presence::kPresent);
  }
  Seen& RunSpace(Presence presence) {
    world_.run_space = presence;
    return *this;
  }
  Seen& InstanceLost() {
    world_.instance_lost = true;
    return *this;
  }
  Seen& InstanceNotSeen() {
    world_.instance_seen = false;
    return *this;
  }
  Seen& ObservedAgo(Duration ago) {
    world_.dispatch_observed = {kNoon.wall - ago, kNoon.mono - ago};
    return *this;
  }
  Seen& NotMarked() {
    world_.record_marked = false;
    return *this;
  }
  const World& world() const { return world_; }

 private:
  World world_;
};

}  // namespace midwatch::dispatch
