#include <algorithm>
#include <array>
#include <utility>

#include "controller/api/codec.h"
#include "controller/api/reasons.h"
#include "controller/base/text.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::dispatch {
namespace {

namespace reason = api::dispatch_reason;
using api::DispatchPhase;
using Look = std::variant<std::monostate, Hindrance, Unsure>;

constexpr Look kPasses = std::monostate{};

// Of whom a rule is asked.

bool Unstarted(const api::Dispatch& dispatch) { return !dispatch.status.started_at; }

bool UnstartedOfMission(const api::Dispatch& dispatch) {
  return dispatch.spec.mission_ref && Unstarted(dispatch);
}

bool UnstartedRecommendation(const api::Dispatch& dispatch) {
  return dispatch.spec.mission_type == api::MissionType::kApprovalRecommend &&
         !dispatch.spec.module_job_ref.key.empty() && Unstarted(dispatch);
}

bool Expires(const api::Dispatch& dispatch) {
  return dispatch.spec.expire_after && Unstarted(dispatch);
}

Look Cancelled(std::string_view why, std::string message) {
  return Hindrance{
      .phase = DispatchPhase::kCancelled, .reason = why, .message = std::move(message)};
}

Look Parked(std::string_view why, std::string message, std::vector<api::ObjectRef> blocked_on) {
  return Hindrance{
      .reason = why, .message = std::move(message), .blocked_on = std::move(blocked_on)};
}

std::string AgentName(const api::Dispatch& dispatch) {
  return Quote(dispatch.spec.agent_ref.namespace_name + "/" + dispatch.spec.agent_ref.name);
}

api::ObjectRef AgentRef(const api::Dispatch& dispatch) {
  return {.kind = "Agent",
          .namespace_name = dispatch.spec.agent_ref.namespace_name,
          .name = dispatch.spec.agent_ref.name};
}

Look Wanted(const api::Dispatch& dispatch, const World&, Now) {
  if (dispatch.spec.cancel || dispatch.metadata.IsBeingDeleted()) {
    const std::string& why = dispatch.spec.cancel_reason;
    return Cancelled(reason::kCancelRequested, why.empty() ? "somebody cancelled it" : why);
  }
  return kPasses;
}

Look JobExists(const api::Dispatch& dispatch, const World& seen, Now) {
  const std::string& job = dispatch.spec.module_job_ref.name;
  if (seen.job_presence == Presence::kNotSeen) {
    return Unsure{TypedKey<api::ModuleJob>(dispatch.metadata.namespace_name, job)};
  }
  if (seen.job_presence == Presence::kPresent) {
    return kPasses;
  }
  if (dispatch.spec.mission_ref) {
    return Cancelled(reason::kJobDeleted, "the ModuleJob " + Quote(job) + " was deleted");
  }
  return Hindrance{.phase = DispatchPhase::kFailed,
                   .reason = reason::kJobNotFound,
                   .message = "there is no ModuleJob " + Quote(job) + " in this namespace"};
}

Look MissionExists(const api::Dispatch& dispatch, const World& seen, Now) {
  const api::MissionRef& mission = *dispatch.spec.mission_ref;
  if (seen.mission_presence == Presence::kNotSeen) {
    return Unsure{MissionKey(mission)};
  }
  if (seen.mission_presence != Presence::kPresent) {
    return Cancelled(reason::kMissionDeleted, std::string(api::ToString(mission.kind)) + " " +
                                                  Quote(mission.name) + " was deleted");
  }
  return kPasses;
}

Look MissionMatches(const api::Dispatch& dispatch, const World& seen, Now) {
  if (seen.mission_matches) {
    return kPasses;
  }
  return Cancelled(reason::kNoLongerMatches,
                   "the mission " + Quote(dispatch.spec.mission_ref->name) +
                       " was edited and no longer has this type or covers this job");
}

Look JobStillWaits(const api::Dispatch& dispatch, const World& seen, Now) {
  const auto& transitions = seen.job->spec.transitions;
  if (transitions.empty() ||
      std::to_string(transitions.back().seq) == dispatch.spec.module_job_ref.key) {
    return kPasses;
  }
  return Cancelled(reason::kJobMovedOn, "the job no longer waits for approval, it is " +
                                            std::string(api::ToString(transitions.back().state)));
}

Look NotExpired(const api::Dispatch& dispatch, const World&, Now now) {
  const auto created = ParseTime(dispatch.metadata.creation_timestamp);
  if (!created || now.wall < *created + *dispatch.spec.expire_after) {
    return kPasses;
  }
  return Cancelled(reason::kExpired, "it had not started " +
                                         FormatDuration(*dispatch.spec.expire_after) +
                                         " after it was created");
}

Look TimeLeft(const api::Dispatch& dispatch, const World&, Now) {
  if (std::chrono::seconds(dispatch.status.active_seconds) < dispatch.spec.timeout) {
    return kPasses;
  }
  return Hindrance{.phase = DispatchPhase::kFailed,
                   .reason = reason::kTimedOut,
                   .message = "its attempts ran for " + FormatDuration(dispatch.spec.timeout) +
                              " in all and did not finish"};
}

Look RetryIsDue(const api::Dispatch& dispatch, const World& seen, Now now) {
  if (dispatch.status.reason != reason::kRetryBackoff || !seen.dispatch_observed) {
    return kPasses;
  }
  // Counted from when this version was seen: a clock that jumps changes nothing, a restart starts
  // anew.
  const MonoTime due = seen.dispatch_observed->mono + BackoffOf(dispatch.status);
  if (now.mono >= due) {
    return kPasses;
  }
  return Hindrance{.reason = reason::kRetryBackoff,
                   .message = dispatch.status.message,
                   .wake_at = due,
                   .not_before = dispatch.status.not_before};
}

Look MissionEnabled(const api::Dispatch& dispatch, const World& seen, Now) {
  if (!seen.mission->spec.is_disabled) {
    return kPasses;
  }
  const api::MissionRef& ref = dispatch.spec.mission_ref.value();
  return Parked(reason::kMissionDisabled, "the mission " + Quote(ref.name) + " is disabled",
                {{.kind = std::string(api::ToString(ref.kind)),
                  .namespace_name = ref.namespace_name,
                  .name = ref.name}});
}

Look AgentExists(const api::Dispatch& dispatch, const World& seen, Now) {
  if (seen.agent && !seen.agent->metadata.IsBeingDeleted()) {
    return kPasses;
  }
  return Parked(reason::kAgentNotFound, "there is no Agent " + AgentName(dispatch),
                {AgentRef(dispatch)});
}

Look AgentActive(const api::Dispatch& dispatch, const World& seen, Now) {
  if (!seen.agent->spec.suspend) {
    return kPasses;
  }
  return Parked(reason::kAgentSuspended, "Agent " + AgentName(dispatch) + " is suspended",
                {AgentRef(dispatch)});
}

Look Authorised(const api::Dispatch& dispatch, const World& seen, Now) {
  if (seen.authorised) {
    return kPasses;
  }
  const std::string module = dispatch.spec.module_ref ? dispatch.spec.module_ref->name : "";
  return Parked(reason::kAgentNotAssigned,
                "no AgentAssignment lets Agent " + AgentName(dispatch) + " work on Module " +
                    Quote(dispatch.metadata.namespace_name + "/" + module),
                {AgentRef(dispatch)});
}

Look Connected(const api::Dispatch& dispatch, const World& seen, Now) {
  if (!seen.candidates.empty()) {
    return kPasses;
  }
  // Not how many drain: that may change often, and would be told to all that wait.
  return Parked(
      reason::kNoConnectedInstance,
      "no instance of Agent " + AgentName(dispatch) +
          (seen.any_draining ? " takes new work: what is connected is draining" : " is connected"),
      {AgentRef(dispatch)});
}

Look SidecarOffered(const api::Dispatch& dispatch, const World& seen, Now) {
  for (const Candidate& candidate : seen.candidates) {
    if (SidecarFor(dispatch, seen, candidate)) {
      return kPasses;
    }
  }
  const std::string& asked = dispatch.spec.sidecar_name.empty() ? seen.agent->spec.default_sidecar
                                                                : dispatch.spec.sidecar_name;
  return Parked(reason::kSidecarUnavailable,
                asked.empty() ? "no sidecar is named and no connected instance has a default one"
                              : "no connected instance offers the sidecar " + Quote(asked),
                {AgentRef(dispatch)});
}

bool SpeaksOurs(const Candidate& candidate) {
  const auto& versions = candidate.protocol_versions;
  return std::find(versions.begin(), versions.end(), kProtocolVersion) != versions.end();
}

bool Fits(const api::Dispatch& dispatch, const World& seen, const Candidate& candidate) {
  return SpeaksOurs(candidate) && SidecarFor(dispatch, seen, candidate).has_value();
}

Look ProtocolFits(const api::Dispatch& dispatch, const World& seen, Now) {
  for (const Candidate& candidate : seen.candidates) {
    if (Fits(dispatch, seen, candidate)) {
      return kPasses;
    }
  }
  return Parked(reason::kProtocolMismatch,
                "no connected instance that offers the sidecar speaks protocol version " +
                    std::to_string(kProtocolVersion),
                {AgentRef(dispatch)});
}

Look LockFree(const api::Dispatch& dispatch, const World& seen, Now) {
  const std::string& holder = seen.lock.holder;
  if (holder.empty() || HoldsOwnLock(dispatch, holder)) {
    return kPasses;
  }
  const std::size_t slash = holder.find('/');
  return Parked(reason::kLockHeld,
                "Run " + Quote(holder) + " works on the same job with the same mission type",
                {{.kind = "Run",
                  .namespace_name = holder.substr(0, slash),
                  .name = slash == std::string::npos ? holder : holder.substr(slash + 1)}});
}

Look SlotFree(const api::Dispatch& dispatch, const World& seen, Now) {
  if (ChooseInstance(dispatch, seen) != nullptr) {
    return kPasses;
  }
  // Not how many there are: that may change without waking all that wait.
  return Parked(reason::kAtCapacity,
                "every slot of Agent " + AgentName(dispatch) + " that fits is taken",
                {AgentRef(dispatch)});
}

struct Unpark {
  std::string_view reason;
  std::string_view by;
};
constexpr std::array kUnparks = {
    Unpark{reason::kAgentNotFound, "the Agent appears"},
    Unpark{reason::kAgentSuspended, "the Agent is resumed"},
    Unpark{reason::kAgentNotAssigned,
           "an AgentAssignment that covers the Module, the namespace joining a Stack, or "
           "assignedToAllModules"},
    Unpark{reason::kNoConnectedInstance, "an instance of the Agent connects"},
    Unpark{reason::kSidecarUnavailable,
           "an instance that offers the sidecar connects, or another sidecar is named"},
    Unpark{reason::kProtocolMismatch, "an instance that speaks a common protocol version connects"},
    Unpark{reason::kAtCapacity, "a slot frees or capacity is raised"},
    Unpark{reason::kLockHeld, "the Run that holds the lock stops"},
    Unpark{reason::kRetryBackoff, "its time comes"},
    Unpark{reason::kMissionDisabled, "the mission is enabled"},
};

}  // namespace

const std::vector<Rule>& StartRules() {
  static const std::vector<Rule> kRules = {
      {"Wanted", "nobody has cancelled it", Wanted},
      {"JobExists", "the job exists", JobExists},
      {"MissionExists", "the mission that asked for it exists", MissionExists, UnstartedOfMission},
      {"MissionMatches", "the mission still has this type and covers the job", MissionMatches,
       UnstartedOfMission},
      {"JobStillWaits", "the job still waits for approval", JobStillWaits, UnstartedRecommendation},
      {"NotExpired", "it has not expired", NotExpired, Expires},
      {"TimeLeft", "its time is not used up", TimeLeft},
      {"RetryIsDue", "it need not wait before the next attempt", RetryIsDue},
      {"MissionEnabled", "the mission is enabled", MissionEnabled, UnstartedOfMission},
      {"AgentExists", "the Agent exists", AgentExists},
      {"AgentActive", "the Agent is not suspended", AgentActive},
      {"Authorised", "the Agent is assigned to the Module", Authorised},
      {"Connected", "an instance of the Agent is connected", Connected},
      {"SidecarOffered", "a connected instance offers the sidecar", SidecarOffered},
      {"ProtocolFits", "such an instance speaks our protocol version", ProtocolFits},
      {"LockFree", "no other Run works on the same job with the same type", LockFree},
      {"SlotFree", "a slot is free and no other work goes first", SlotFree},
  };
  return kRules;
}

Duration BackoffOf(const api::DispatchStatus& status) {
  Duration wait = kFirstBackoff;
  for (std::int64_t i = 1; i < status.run_ordinal && wait < kLongestBackoff; ++i) {
    wait *= 2;
  }
  return std::min(wait, kLongestBackoff);
}

std::string_view UnparkedBy(std::string_view why) {
  for (const Unpark& row : kUnparks) {
    if (row.reason == why) {
      return row.by;
    }
  }
  return {};
}

std::optional<std::string> SidecarFor(const api::Dispatch& dispatch, const World& seen,
                                      const Candidate& candidate) {
  const auto& offered = candidate.sidecars;
  const std::string& asked = dispatch.spec.sidecar_name.empty() && seen.agent
                                 ? seen.agent->spec.default_sidecar
                                 : dispatch.spec.sidecar_name;
  if (asked.empty()) {
    const auto fallback = std::find_if(offered.begin(), offered.end(),
                                       [](const auto& sidecar) { return sidecar.is_default; });
    if (fallback != offered.end()) {
      return fallback->name;
    }
    return offered.size() == 1 ? std::optional(offered.front().name) : std::nullopt;
  }
  const bool has = std::any_of(offered.begin(), offered.end(),
                               [&](const auto& sidecar) { return sidecar.name == asked; });
  return has ? std::optional(asked) : std::nullopt;
}

const Candidate* ChooseInstance(const api::Dispatch& dispatch, const World& seen) {
  const Candidate* best = nullptr;
  const auto better = [](const Candidate& a, const Candidate& b) {
    return std::tie(a.load, a.idle_since, a.name) < std::tie(b.load, b.idle_since, b.name);
  };
  for (const Candidate& candidate : seen.candidates) {
    const bool free = candidate.load < candidate.capacity && !candidate.outranked;
    if (free && Fits(dispatch, seen, candidate) && (best == nullptr || better(candidate, *best))) {
      best = &candidate;
    }
  }
  return best;
}

}  // namespace midwatch::dispatch
