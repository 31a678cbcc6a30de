#include "controller/agent/run_plan.h"

#include "controller/api/codec.h"
#include "controller/api/reasons.h"
#include "controller/api/run_ending.h"

namespace midwatch::agent {
namespace {

using api::RunPhase;
using api::StopReason;
using Stage = SessionView::Stage;
namespace reason = api::dispatch_reason;

RunOutcome OutcomeOf(const api::StopRequest& stop) {
  switch (stop.reason) {
    case StopReason::kTimedOut:
      return {RunPhase::kFailed, std::string(reason::kTimedOut), "it used up its time"};
    case StopReason::kInstanceLost:
      return {RunPhase::kFailed, std::string(reason::kInstanceLost), "the instance went silent"};
    case StopReason::kNotAcknowledged:
      return {RunPhase::kCancelled, std::string(reason::kNotAcknowledged),
              "it was not taken in time"};
    case StopReason::kCancelled:
      break;
  }
  return {RunPhase::kCancelled, std::string(api::ToString(stop.reason)),
          stop.message.empty() ? "it is no longer wanted" : stop.message};
}

RunOutcome Drained() {
  return {RunPhase::kFailed, std::string(reason::kDrained), "the agent is shutting down"};
}

api::RunStatus Ended(const api::Run& run, const RunOutcome& outcome, Now now) {
  api::RunStatus status = run.status;
  status.observed_generation = run.metadata.generation;
  status.phase = outcome.phase;
  status.reason = outcome.reason;
  status.message = outcome.message;
  status.finished_at = now.wall;
  status.sidecar_stopped = true;
  return status;
}

RunDecision WriteIfNews(const api::Run& run, api::RunStatus status) {
  // As they are stored: times lose their fractions there.
  if (api::Encode(status) == api::Encode(run.status)) return {};
  return {RunAction::kWrite, std::move(status)};
}

/// A Run that this process has no session for.
RunDecision WithoutSession(const api::Run& run, const AgentView& agent, Now now) {
  if (HasEnded(run.status.phase)) return {RunAction::kForget};
  if (run.spec.instance != agent.instance) return {};
  if (run.spec.stop_requested) {
    return WriteIfNews(run, Ended(run, OutcomeOf(*run.spec.stop_requested), now));
  }
  if (!agent.alive) return {};
  if (run.status.phase == RunPhase::kPending) {
    if (agent.draining || agent.sessions >= agent.capacity) return {};
    api::RunStatus status = run.status;
    status.observed_generation = run.metadata.generation;
    status.phase = RunPhase::kAcknowledged;
    status.acknowledged_at = now.wall;
    return {RunAction::kAcknowledge, std::move(status)};
  }
  if (run.status.phase != RunPhase::kAcknowledged) {
    const RunOutcome vanished{RunPhase::kFailed, std::string(reason::kSidecarFailed),
                              "its session is gone"};
    return WriteIfNews(run, Ended(run, vanished, now));
  }
  if (agent.draining) return WriteIfNews(run, Ended(run, Drained(), now));
  if (!agent.offers_sidecar) {
    const RunOutcome unknown{RunPhase::kFailed, std::string(reason::kSidecarUnavailable),
                             "this host offers no sidecar of that name"};
    return WriteIfNews(run, Ended(run, unknown, now));
  }
  return {RunAction::kStart};
}

api::RunStatus Progress(const api::Run& run, const SessionView& session) {
  api::RunStatus status = session.facts;
  status.observed_generation = run.metadata.generation;
  status.acknowledged_at = run.status.acknowledged_at;
  status.phase = session.stage == Stage::kPreparing  ? RunPhase::kAcknowledged
                 : session.stage == Stage::kStopping ? RunPhase::kStopping
                                                     : RunPhase::kRunning;
  return status;
}

std::optional<RunDecision> StopOf(const api::Run& run, const AgentView& agent) {
  const auto& stop = run.spec.stop_requested;
  if (api::IsLost(run)) {
    return RunDecision{RunAction::kKill, {}, OutcomeOf(*stop)};
  }
  if (!agent.alive || run.spec.instance != agent.instance) {
    return RunDecision{RunAction::kKill, {}, LeaseLost()};
  }
  if (stop) return RunDecision{RunAction::kStop, {}, OutcomeOf(*stop)};
  if (agent.drain_over) return RunDecision{RunAction::kStop, {}, Drained()};
  return std::nullopt;
}

}  // namespace

RunOutcome LeaseLost() {
  return {RunPhase::kFailed, std::string(reason::kInstanceLost),
          "the Lease could not be renewed in time, so the sidecar was killed"};
}

RunDecision PlanRun(const api::Run& run, const SessionView* session, const AgentView& agent,
                    Now now) {
  if (session == nullptr) return WithoutSession(run, agent, now);
  if (session->stage == Stage::kDone) {
    if (HasEnded(run.status.phase)) return {RunAction::kForget};
    api::Run seen = run;
    seen.status = session->facts;
    seen.status.acknowledged_at = run.status.acknowledged_at;
    api::RunStatus status = Ended(seen, session->outcome, now);
    return {RunAction::kWrite, std::move(status)};
  }
  if (auto stop = StopOf(run, agent)) {
    // A session that is being stopped may still have to be killed.
    if (session->stage != Stage::kStopping || stop->action == RunAction::kKill) return *stop;
  }
  return WriteIfNews(run, Progress(run, *session));
}

}  // namespace midwatch::agent
