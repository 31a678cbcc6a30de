#include "controller/agent/run_plan.h"

#include <gtest/gtest.h>

#include "controller/api/codec.h"
#include "controller/api/run_ending.h"

namespace midwatch::agent {
namespace {

using api::RunPhase;
using api::StopReason;
using Stage = SessionView::Stage;

const Now kNow{WallTime{1'772'452'800'000'000}, MonoTime{1'000'000}};

api::Run RunIn(RunPhase phase, std::optional<StopReason> stop = {}) {
  api::Run run;
  run.metadata.name = "r";
  run.metadata.generation = 1;
  run.spec.instance = "me";
  run.status.phase = phase;
  run.status.observed_generation = 1;
  if (stop) run.spec.stop_requested = api::StopRequest{.reason = *stop};
  return run;
}
SessionView SessionIn(Stage stage, RunOutcome outcome = {}) {
  SessionView session;
  session.stage = stage;
  session.outcome = std::move(outcome);
  return session;
}
AgentView Agent() { return {.instance = "me", .alive = true, .sessions = 0, .capacity = 1}; }
template <typename Change>
AgentView Agent(Change change) {
  AgentView agent = Agent();
  change(agent);
  return agent;
}
api::Run Foreign() {
  api::Run run = RunIn(RunPhase::kPending);
  run.spec.instance = "other";
  return run;
}

struct RunCase {
  const char* name;
  api::Run run;
  std::optional<SessionView> session;
  AgentView agent;
  RunAction want;
  const char* detail;  // `Phase Reason` of the status to write, or of the outcome to stop with.
};
class PlanRunTest : public testing::TestWithParam<RunCase> {};

std::string DetailOf(const RunDecision& decision) {
  const bool stops = decision.action == RunAction::kStop || decision.action == RunAction::kKill;
  const bool writes =
      decision.action == RunAction::kWrite || decision.action == RunAction::kAcknowledge;
  if (!stops && !writes) return "";
  const RunPhase phase = stops ? decision.outcome.phase : decision.status.phase;
  const std::string& why = stops ? decision.outcome.reason : decision.status.reason;
  return std::string(api::ToString(phase)) + (why.empty() ? "" : " " + why);
}

TEST_P(PlanRunTest, Decides) {
  const RunCase& c = GetParam();
  const RunDecision decision = PlanRun(c.run, c.session ? &*c.session : nullptr, c.agent, kNow);
  EXPECT_EQ(decision.action, c.want);
  EXPECT_EQ(DetailOf(decision), c.detail);
  if (HasEnded(decision.status.phase)) {
    EXPECT_TRUE(decision.status.sidecar_stopped);
    EXPECT_EQ(decision.status.finished_at, kNow.wall);
  }
}

const auto kNotAlive = [](AgentView& agent) { agent.alive = false; };
const auto kDraining = [](AgentView& agent) { agent.draining = true; };
const auto kDrainOver = [](AgentView& agent) { agent.draining = agent.drain_over = true; };
const auto kFull = [](AgentView& agent) { agent.sessions = 1; };

INSTANTIATE_TEST_SUITE_P(
    WithoutSession, PlanRunTest,
    testing::Values(
        RunCase{"Acknowledges",
                RunIn(RunPhase::kPending),
                {},
                Agent(),
                RunAction::kAcknowledge,
                "Acknowledged"},
        RunCase{"KeepsItsHandsOffOthers", Foreign(), {}, Agent(), RunAction::kNothing, ""},
        RunCase{"NotWithoutALease",
                RunIn(RunPhase::kPending),
                {},
                Agent(kNotAlive),
                RunAction::kNothing,
                ""},
        RunCase{"NotWhileDraining",
                RunIn(RunPhase::kPending),
                {},
                Agent(kDraining),
                RunAction::kNothing,
                ""},
        RunCase{"NotBeyondItsCapacity",
                RunIn(RunPhase::kPending),
                {},
                Agent(kFull),
                RunAction::kNothing,
                ""},
        RunCase{"NotWhatMustStop",
                RunIn(RunPhase::kPending, StopReason::kNotAcknowledged),
                {},
                Agent(),
                RunAction::kWrite,
                "Cancelled NotAcknowledged"},
        RunCase{"StartsWhatIsAcknowledged",
                RunIn(RunPhase::kAcknowledged),
                {},
                Agent(),
                RunAction::kStart,
                ""},
        RunCase{"StartsNothingWithoutALease",
                RunIn(RunPhase::kAcknowledged),
                {},
                Agent(kNotAlive),
                RunAction::kNothing,
                ""},
        RunCase{"StartsNothingThatMustStop",
                RunIn(RunPhase::kAcknowledged, StopReason::kCancelled),
                {},
                Agent(),
                RunAction::kWrite,
                "Cancelled Cancelled"},
        RunCase{"StartsNothingWhileDraining",
                RunIn(RunPhase::kAcknowledged),
                {},
                Agent(kDraining),
                RunAction::kWrite,
                "Failed Drained"},
        RunCase{"StartsNoUnknownSidecar",
                RunIn(RunPhase::kAcknowledged),
                {},
                Agent([](AgentView& a) { a.offers_sidecar = false; }),
                RunAction::kWrite,
                "Failed SidecarUnavailable"},
        RunCase{"SaysWhenASessionIsGone",
                RunIn(RunPhase::kRunning),
                {},
                Agent(),
                RunAction::kWrite,
                "Failed SidecarFailed"},
        RunCase{
            "EndedStaysEnded", RunIn(RunPhase::kSucceeded), {}, Agent(), RunAction::kForget, ""}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    WithSession, PlanRunTest,
    testing::Values(
        RunCase{"SaysThatItRuns", RunIn(RunPhase::kAcknowledged), SessionIn(Stage::kRunning),
                Agent(), RunAction::kWrite, "Running"},
        RunCase{"NothingNew", RunIn(RunPhase::kRunning), SessionIn(Stage::kRunning), Agent(),
                RunAction::kNothing, ""},
        RunCase{"SaysThatItStops", RunIn(RunPhase::kRunning), SessionIn(Stage::kStopping), Agent(),
                RunAction::kWrite, "Stopping"},
        RunCase{"StopsOnRequest", RunIn(RunPhase::kRunning, StopReason::kCancelled),
                SessionIn(Stage::kRunning), Agent(), RunAction::kStop, "Cancelled Cancelled"},
        RunCase{"StopsAtItsTime", RunIn(RunPhase::kRunning, StopReason::kTimedOut),
                SessionIn(Stage::kRunning), Agent(), RunAction::kStop, "Failed TimedOut"},
        RunCase{"StopsOnce", RunIn(RunPhase::kStopping, StopReason::kCancelled),
                SessionIn(Stage::kStopping), Agent(), RunAction::kNothing, ""},
        RunCase{"KillsWhenLost", RunIn(RunPhase::kRunning, StopReason::kInstanceLost),
                SessionIn(Stage::kStopping), Agent(), RunAction::kKill, "Failed InstanceLost"},
        RunCase{"KillsWithoutALease", RunIn(RunPhase::kRunning), SessionIn(Stage::kRunning),
                Agent(kNotAlive), RunAction::kKill, "Failed InstanceLost"},
        RunCase{"KillsWhatAFormerIncarnationHad", Foreign(), SessionIn(Stage::kRunning), Agent(),
                RunAction::kKill, "Failed InstanceLost"},
        RunCase{"LetsItFinishWhileDraining", RunIn(RunPhase::kRunning), SessionIn(Stage::kRunning),
                Agent(kDraining), RunAction::kNothing, ""},
        RunCase{"StopsItWhenThatTookTooLong", RunIn(RunPhase::kRunning), SessionIn(Stage::kRunning),
                Agent(kDrainOver), RunAction::kStop, "Failed Drained"},
        RunCase{"SaysHowItEnded", RunIn(RunPhase::kRunning),
                SessionIn(Stage::kDone, {RunPhase::kSucceeded, "", ""}), Agent(), RunAction::kWrite,
                "Succeeded"},
        RunCase{"SaysSoEvenWithoutALease", RunIn(RunPhase::kRunning),
                SessionIn(Stage::kDone, {RunPhase::kFailed, "InstanceLost", ""}), Agent(kNotAlive),
                RunAction::kWrite, "Failed InstanceLost"},
        RunCase{"ForgetsWhatWasSaid", RunIn(RunPhase::kFailed), SessionIn(Stage::kDone), Agent(),
                RunAction::kForget, ""}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(PlanRunTest, ASecondPlanOfWhatWasWrittenWritesNothing) {
  api::Run run = RunIn(RunPhase::kAcknowledged);
  SessionView session = SessionIn(Stage::kRunning);
  session.facts.started_at = kNow.wall + Duration(123456);
  const api::RunStatus written = PlanRun(run, &session, Agent(), kNow).status;
  run.status = *api::Decode<api::RunStatus>(api::Encode(written));  // As it comes back.
  EXPECT_EQ(PlanRun(run, &session, Agent(), kNow).action, RunAction::kNothing);
}

}  // namespace
}  // namespace midwatch::agent
