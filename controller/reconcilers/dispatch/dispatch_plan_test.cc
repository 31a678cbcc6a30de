#include "controller/reconcilers/dispatch/dispatch_plan.h"

#include <gtest/gtest.h>

#include "controller/object/name_rules.h"
#include "controller/reconcilers/dispatch/dispatch_test_world.h"
#include "controller/reconcilers/dispatch/report_plan.h"

namespace midwatch::dispatch {
namespace {

namespace reason = api::dispatch_reason;
using api::DispatchPhase;
using api::RunPhase;
using api::StopReason;

/// What a Decision does, in a line: `Parked AgentNotFound`, `Assigned lock run one`.
std::string Describe(const Decision& d) {
  if (!d.confirm.empty()) {
    return "confirm " + d.confirm.front().resource;
  }
  if (d.hold) {
    return "hold";
  }
  if (d.follow) {
    return "follow " + d.follow->agent_ref.name + " " + d.follow->sidecar_name;
  }
  std::string out(api::ToString(d.status.phase));
  const auto add = [&](bool when, const std::string& word) { out += when ? " " + word : ""; };
  add(!d.status.reason.empty(), d.status.reason);
  add(d.lock == LockChange::kAcquire, "lock");
  add(d.lock == LockChange::kRelease, "unlock");
  add(d.lock == LockChange::kReleaseLast, "unlock-last");
  add(d.report, "report");
  if (const auto* create = std::get_if<CreateRun>(&d.run)) {
    add(true, "run");
    add(create->stopped.has_value(),
        "stopped:" + std::string(api::ToString(create->stopped.value_or(StopReason::kCancelled))));
  }
  if (const auto* stop = std::get_if<StopRun>(&d.run)) {
    add(true, "stop:" + std::string(api::ToString(stop->reason)));
  }
  add(!d.release.empty(), "release");
  add(!d.remove.empty(), "remove");
  add(d.let_go, "let-go");
  return out;
}

struct PlanCase {
  const char* name;
  api::Dispatch dispatch;
  Seen seen;
  std::string want;
};

class PlanDispatchTest : public testing::TestWithParam<PlanCase> {};

TEST_P(PlanDispatchTest, Decides) {
  const PlanCase& c = GetParam();
  EXPECT_EQ(Describe(PlanDispatch(c.dispatch, c.seen.world(), kNoon)), c.want);
}

const auto kNames = [](const auto& suite) { return std::string(suite.param.name); };

template <typename T, typename Change>
T With(T object, Change change) {
  change(object);
  return object;
}

const std::string kOwnNextRun = "agents/" + RunName(Waiting(), 1);
const std::string kOwnRunElsewhere = "elsewhere/" + RunName(Waiting(), 1);

INSTANTIATE_TEST_SUITE_P(
    Parking, PlanDispatchTest,
    testing::Values(
        PlanCase{"NoAgentParks", Waiting(), Seen::Ready().NoAgent(), "Parked AgentNotFound"},
        PlanCase{"SuspendedAgentParks", Waiting(), Seen::Ready().Agent(true),
                 "Parked AgentSuspended"},
        PlanCase{"NoAssignmentParks", Waiting(), Seen::Ready().Assignment(false),
                 "Parked AgentNotAssigned"},
        PlanCase{"NoInstanceParks", Waiting(), Seen::Ready().NoInstance(),
                 "Parked NoConnectedInstance"},
        PlanCase{"SidecarNotOfferedParks",
                 With(Waiting(),
                      [](auto& d) {
                        d.spec.mission_ref.reset();
                        d.spec.sidecar_name = "claude";
                      }),
                 Seen::Ready().Mission(Presence::kNotSeen), "Parked SidecarUnavailable"},
        PlanCase{"AmbiguousSidecarParks", Waiting(),
                 Seen::Ready().Offering({{.name = "a"}, {.name = "b"}}),
                 "Parked SidecarUnavailable"},
        PlanCase{"AgentDefaultNotOfferedParks", Waiting(), Seen::Ready().AgentDefault("claude"),
                 "Parked SidecarUnavailable"},
        PlanCase{"ForeignProtocolParks", Waiting(),
                 Seen::Ready().NoInstance().Instance("one", 0, {2, 3}), "Parked ProtocolMismatch"},
        PlanCase{"FullInstanceParks", Waiting(),
                 Seen::Ready().NoInstance().Instance("one", kFreeSlots), "Parked AtCapacity"},
        PlanCase{"OutrankedParks", Waiting(), Seen::Ready().Outranked(), "Parked AtCapacity"},
        PlanCase{"LockHeldParks", Waiting(), Seen::Ready().LockHeldBy("agents/other-1"),
                 "Parked LockHeld"},
        PlanCase{"DisabledMissionParks", Waiting(), Seen::Ready().MissionDisabled(),
                 "Parked MissionDisabled"},
        PlanCase{"BackoffParks", Parked(reason::kRetryBackoff),
                 Seen::Ready().ObservedAgo(std::chrono::seconds(1)), "Parked RetryBackoff"},
        PlanCase{"OwnLockIsReleasedWhenParked", Waiting(),
                 Seen::Ready().NoAgent().LockHeldBy(kOwnNextRun),
                 "Parked AgentNotFound unlock-last"}),
    kNames);

INSTANTIATE_TEST_SUITE_P(
    Assigning, PlanDispatchTest,
    testing::Values(
        PlanCase{"ReadyAssigns", Waiting(), Seen::Ready(), "Assigned lock run"},
        PlanCase{"OwnLockIsNotTakenTwice", Waiting(), Seen::Ready().LockHeldBy(kOwnNextRun),
                 "Assigned run"},
        PlanCase{"OwnLockOfBeforeTheAgentMovedIsTakenOver", Waiting(),
                 Seen::Ready().LockHeldBy(kOwnRunElsewhere), "Assigned lock run"},
        PlanCase{"ParkedIsAssignedWhenNothingStandsInTheWay", Parked(reason::kAgentNotAssigned),
                 Seen::Ready(), "Assigned lock run"},
        PlanCase{"BackoffEnds", Parked(reason::kRetryBackoff),
                 Seen::Ready().ObservedAgo(kLongestBackoff), "Assigned lock run"},
        PlanCase{"AgentDefaultIsTaken", Waiting(),
                 Seen::Ready().AgentDefault("b").Offering({{.name = "a"}, {.name = "b"}}),
                 "Assigned lock run"},
        PlanCase{"WithoutFinalizerIsHeldFirst",
                 With(Waiting(), [](auto& d) { d.metadata.finalizers.clear(); }), Seen::Ready(),
                 "hold"},
        PlanCase{"AgentFollowsTheMission", Waiting(), Seen::Ready().MissionNames("other"),
                 "follow other "},
        PlanCase{
            "AgentIsFrozenByTheFirstAssignment",
            With(Parked(reason::kRetryBackoff), [](auto& d) { d.status.started_at = kNoon.wall; }),
            Seen::Ready().MissionNames("other").ObservedAgo(kLongestBackoff), "Assigned lock run"},
        PlanCase{"MissingRunIsCreated", Assigned(), Seen::Ready().RunAbsent(), "Assigned run"},
        PlanCase{"MissingRunIsConfirmedFirst", Assigned(), Seen::Ready(),
                 "confirm runs.midwatch.dev"},
        PlanCase{"MissingRunOfCancelledIsCreatedStopped",
                 With(Assigned(), [](auto& d) { d.spec.cancel = true; }), Seen::Ready().RunAbsent(),
                 "Assigned run stopped:Cancelled"},
        PlanCase{"MissingRunOfALostInstanceIsCreatedStopped", Assigned(),
                 Seen::Ready().RunAbsent().InstanceLost(), "Assigned run stopped:InstanceLost"},
        PlanCase{"MissingRunOfAnInstanceNotSeenIsConfirmedFirst", Assigned(),
                 Seen::Ready().RunAbsent().InstanceNotSeen(),
                 "confirm agentinstances.midwatch.dev"},
        PlanCase{"MissingRunWhoseNamespaceIsNotSeenIsConfirmedFirst", Assigned(),
                 Seen::Ready().RunAbsent().RunSpace(Presence::kNotSeen), "confirm namespaces"},
        PlanCase{"MissingRunWhoseNamespaceIsGoneIsTriedElsewhere", Assigned(),
                 Seen::Ready()
                     .RunAbsent()
                     .RunSpace(Presence::kAbsent)
                     .LockHeldBy("agents/" + Assigned().status.run->name),
                 "Parked RetryBackoff unlock"},
        PlanCase{"MissingRunWhoseNamespaceIsEndingDoesNotHoldUpACancel",
                 With(Assigned(), [](auto& d) { d.spec.cancel = true; }),
                 Seen::Ready().RunAbsent().RunSpace(Presence::kEnding),
                 "Cancelled CancelRequested"}),
    kNames);

INSTANTIATE_TEST_SUITE_P(
    Cancelling, PlanDispatchTest,
    testing::Values(
        PlanCase{"MissionDeleted", Waiting(), Seen::Ready().Mission(Presence::kAbsent),
                 "Cancelled MissionDeleted"},
        PlanCase{"MissionBeingDeleted", Waiting(), Seen::Ready().Mission(Presence::kEnding),
                 "Cancelled MissionDeleted"},
        PlanCase{"MissionNotSeenIsConfirmedFirst", Waiting(),
                 Seen::Ready().Mission(Presence::kNotSeen),
                 "confirm organizationmissions.midwatch.dev"},
        PlanCase{"NoLongerMatches", Waiting(), Seen::Ready().MissionNoLongerMatches(),
                 "Cancelled NoLongerMatches"},
        PlanCase{"JobDeleted", Waiting(), Seen::Ready().Job(Presence::kAbsent),
                 "Cancelled JobDeleted"},
        PlanCase{"JobNotSeenIsConfirmedFirst", Waiting(), Seen::Ready().Job(Presence::kNotSeen),
                 "confirm modulejobs.midwatch.dev"},
        PlanCase{"ManualWithoutJobFails",
                 With(Waiting(), [](auto& d) { d.spec.mission_ref.reset(); }),
                 Seen::Ready().Job(Presence::kAbsent), "Failed JobNotFound"},
        PlanCase{"JobMovedOn",
                 With(Waiting(),
                      [](auto& d) { d.spec.mission_type = api::MissionType::kApprovalRecommend; }),
                 Seen::Ready().JobMovedOn(), "Cancelled JobMovedOn"},
        PlanCase{"DiagnosisStaysWhenJobMovesOn", Waiting(), Seen::Ready().JobMovedOn(),
                 "Assigned lock run"},
        PlanCase{"Expired",
                 With(Waiting(), [](auto& d) { d.spec.expire_after = std::chrono::minutes(5); }),
                 Seen::Ready().NoAgent(), "Cancelled Expired"},
        PlanCase{"StartedDoesNotExpire",
                 With(Parked(reason::kRetryBackoff),
                      [](auto& d) {
                        d.spec.expire_after = std::chrono::minutes(5);
                        d.status.started_at = kNoon.wall;
                      }),
                 Seen::Ready().ObservedAgo(kLongestBackoff), "Assigned lock run"},
        PlanCase{
            "StartedSurvivesItsMission",
            With(Parked(reason::kRetryBackoff), [](auto& d) { d.status.started_at = kNoon.wall; }),
            Seen::Ready().Mission(Presence::kAbsent).ObservedAgo(kLongestBackoff),
            "Assigned lock run"},
        PlanCase{"AskedTo", With(Waiting(), [](auto& d) { d.spec.cancel = true; }), Seen::Ready(),
                 "Cancelled CancelRequested"},
        PlanCase{"CancelledBeforeAssignedReleasesItsLock",
                 With(Waiting(), [](auto& d) { d.spec.cancel = true; }),
                 Seen::Ready().LockHeldBy(kOwnNextRun), "Cancelled CancelRequested unlock-last"},
        PlanCase{"CancelledReleasesItsLockOfBeforeTheAgentMoved",
                 With(Waiting(), [](auto& d) { d.spec.cancel = true; }),
                 Seen::Ready().LockHeldBy(kOwnRunElsewhere),
                 "Cancelled CancelRequested unlock-last"},
        PlanCase{"TimeUsedUp", With(Waiting(), [](auto& d) { d.status.active_seconds = 10'800; }),
                 Seen::Ready(), "Failed TimedOut"}),
    kNames);

const std::string kOwnRun = "agents/" + Assigned().status.run->name;

INSTANTIATE_TEST_SUITE_P(
    Following, PlanDispatchTest,
    testing::Values(
        PlanCase{"PendingRunIsWaitedFor", Assigned(), Seen::Ready().Run(RunOf(Assigned())),
                 "Assigned"},
        PlanCase{"RunningIsCopied", Assigned(),
                 Seen::Ready().Run(RunOf(Assigned(), RunPhase::kRunning)), "Running"},
        PlanCase{"NotAcknowledgedIsWithdrawn", Assigned(),
                 Seen::Ready().Run(RunOf(Assigned()), kAcknowledgeWithin),
                 "Assigned stop:NotAcknowledged"},
        PlanCase{"WithdrawnWaitsAgainAndCostsNoAttempt", Assigned(),
                 Seen::Ready()
                     .Run(Stopping(RunOf(Assigned()), StopReason::kNotAcknowledged))
                     .LockHeldBy(kOwnRun),
                 "Parked RetryBackoff unlock release"},
        PlanCase{"WithdrawnButTakenIsWaitedFor", Assigned(),
                 Seen::Ready().Run(Stopping(RunOf(Assigned(), RunPhase::kAcknowledged),
                                            StopReason::kNotAcknowledged)),
                 "Assigned"},
        PlanCase{"LostInstanceStopsTheRun", Assigned(),
                 Seen::Ready().Run(RunOf(Assigned(), RunPhase::kRunning)).InstanceLost(),
                 "Assigned stop:InstanceLost"},
        PlanCase{"LostInstanceStopsARunThatIsBeingCancelled", Assigned(),
                 Seen::Ready()
                     .Run(Stopping(RunOf(Assigned(), RunPhase::kRunning), StopReason::kCancelled))
                     .InstanceLost(),
                 "Assigned stop:InstanceLost"},
        PlanCase{
            "LostRunIsTriedAgain", Assigned(),
            Seen::Ready()
                .Run(Stopping(RunOf(Assigned(), RunPhase::kRunning), StopReason::kInstanceLost))
                .LockHeldBy(kOwnRun),
            "Parked RetryBackoff unlock release"},
        PlanCase{"LostBeforeItWasTakenCostsNoAttempt",
                 With(Assigned(), [](auto& d) { d.status.attempts = 3; }),
                 Seen::Ready().Run(Stopping(RunOf(Assigned()), StopReason::kInstanceLost)),
                 "Parked RetryBackoff release"},
        PlanCase{
            "LostThreeTimesFails", With(Assigned(), [](auto& d) { d.status.attempts = 3; }),
            Seen::Ready()
                .Run(Stopping(RunOf(Assigned(), RunPhase::kRunning), StopReason::kInstanceLost))
                .LockHeldBy(kOwnRun),
            "Failed InstanceLost unlock release"},
        PlanCase{"CancelStopsTheRun", With(Assigned(), [](auto& d) { d.spec.cancel = true; }),
                 Seen::Ready().Run(RunOf(Assigned(), RunPhase::kRunning)),
                 "Assigned stop:Cancelled"},
        PlanCase{"DeletedJobStopsTheRun", Assigned(),
                 Seen::Ready().Job(Presence::kAbsent).Run(RunOf(Assigned(), RunPhase::kRunning)),
                 "Assigned stop:Cancelled"},
        PlanCase{"DeletedRunIsStopped", Assigned(),
                 Seen::Ready().Run(With(RunOf(Assigned(), RunPhase::kRunning),
                                        [](auto& run) {
                                          run.metadata.deletion_timestamp = FormatTime(kNoon.wall);
                                        })),
                 "Assigned stop:Cancelled"},
        PlanCase{"JobThatIsNotSeenIsConfirmedWhileItsRunWorks", Assigned(),
                 Seen::Ready().Job(Presence::kNotSeen).Run(RunOf(Assigned(), RunPhase::kRunning)),
                 "confirm modulejobs.midwatch.dev"},
        PlanCase{"StoppedRunEndsTheCancelled",
                 With(Assigned(), [](auto& d) { d.spec.cancel = true; }),
                 Seen::Ready()
                     .Run(Stopping(Ended(Assigned(), RunPhase::kCancelled), StopReason::kCancelled))
                     .LockHeldBy(kOwnRun),
                 "Cancelled CancelRequested unlock release"},
        PlanCase{"StoppedForADeletedJobSaysSo", Assigned(),
                 Seen::Ready()
                     .Job(Presence::kAbsent)
                     .Run(Stopping(RunOf(Assigned()), StopReason::kCancelled)),
                 "Cancelled JobDeleted release"},
        PlanCase{"StoppedWithoutItsJobInViewIsConfirmedFirst", Assigned(),
                 Seen::Ready()
                     .Job(Presence::kNotSeen)
                     .Run(Stopping(RunOf(Assigned()), StopReason::kCancelled)),
                 "confirm modulejobs.midwatch.dev"},
        PlanCase{"DeletedRunIsNoDeletedJob", Assigned(),
                 Seen::Ready().Run(Stopping(RunOf(Assigned()), StopReason::kCancelled)),
                 "Cancelled CancelRequested release"},
        PlanCase{"EndedButNotStoppedIsWaitedFor", Assigned(),
                 Seen::Ready().Run(RunOf(Assigned(), RunPhase::kFailed)), "Assigned"},
        PlanCase{"LongestRunIsStopped",
                 With(Assigned(),
                      [](auto& d) {
                        d.status.phase = DispatchPhase::kRunning;
                        d.status.counted_at = kNoon.wall - (std::chrono::hours(3) + kTimeoutGrace);
                      }),
                 Seen::Ready().Run(RunOf(Assigned(), RunPhase::kRunning),
                                   std::chrono::hours(3) + kTimeoutGrace),
                 "Running stop:TimedOut"}),
    kNames);

INSTANTIATE_TEST_SUITE_P(
    Ending, PlanDispatchTest,
    testing::Values(
        PlanCase{"ResultMakesAReport", Assigned(),
                 Seen::Ready()
                     .Run(WithResult(Ended(Assigned(), RunPhase::kSucceeded), kDiagnosis))
                     .LockHeldBy(kOwnRun),
                 "Succeeded unlock report release"},
        PlanCase{"SuccessThatIsBeingDeletedLeavesNoReport",
                 With(Assigned(),
                      [](auto& d) { d.metadata.deletion_timestamp = FormatTime(kNoon.wall); }),
                 Seen::Ready()
                     .Run(WithResult(Ended(Assigned(), RunPhase::kSucceeded), kDiagnosis))
                     .LockHeldBy(kOwnRun),
                 "Succeeded unlock release"},
        PlanCase{"NoResultFails", Assigned(),
                 Seen::Ready().Run(Ended(Assigned(), RunPhase::kSucceeded)),
                 "Failed OutputMissing release"},
        PlanCase{"ForeignResultFails", Assigned(),
                 Seen::Ready().Run(WithResult(Ended(Assigned(), RunPhase::kSucceeded), "{}")),
                 "Failed ResultInvalid release"},
        PlanCase{"OutputMissingIsNotTriedAgain", Assigned(),
                 Seen::Ready().Run(Ended(Assigned(), RunPhase::kFailed, reason::kOutputMissing)),
                 "Failed OutputMissing release"},
        PlanCase{"CrashedSidecarIsTriedAgain", Assigned(),
                 Seen::Ready().Run(Ended(Assigned(), RunPhase::kFailed, reason::kSidecarFailed)),
                 "Parked RetryBackoff release"},
        PlanCase{"DrainedIsTriedAgain", Assigned(),
                 Seen::Ready().Run(Ended(Assigned(), RunPhase::kFailed, reason::kDrained)),
                 "Parked RetryBackoff release"},
        PlanCase{"TimedOutBySidecarFails", Assigned(),
                 Seen::Ready().Run(Ended(Assigned(), RunPhase::kFailed, reason::kTimedOut)),
                 "Failed TimedOut release"},
        PlanCase{"FinishedReleasesALeftLock", Finished(DispatchPhase::kSucceeded),
                 Seen::Ready().Run(Ended(Assigned(), RunPhase::kSucceeded)).LockHeldBy(kOwnRun),
                 "Succeeded unlock release"},
        PlanCase{"FinishedIgnoresWhatItsRunSaysLater", Finished(DispatchPhase::kCancelled),
                 Seen::Ready().Run(WithResult(Ended(Assigned(), RunPhase::kSucceeded), kDiagnosis)),
                 "Cancelled release"},
        PlanCase{"DeletedRemovesItsRuns",
                 With(Finished(DispatchPhase::kSucceeded),
                      [](auto& d) { d.metadata.deletion_timestamp = FormatTime(kNoon.wall); }),
                 Seen::Ready().Run(Ended(Assigned(), RunPhase::kSucceeded)),
                 "Succeeded release remove"},
        PlanCase{"DeletedIsLetGoAtLast",
                 With(Finished(DispatchPhase::kSucceeded),
                      [](auto& d) { d.metadata.deletion_timestamp = FormatTime(kNoon.wall); }),
                 Seen::Ready(), "Succeeded let-go"},
        PlanCase{"DeletedIsHeldUntilItsRecordIsMarked",
                 With(Finished(DispatchPhase::kSucceeded),
                      [](auto& d) { d.metadata.deletion_timestamp = FormatTime(kNoon.wall); }),
                 Seen::Ready().NotMarked(), "Succeeded"},
        PlanCase{"DeletedConfirmsAJobThatIsNotSeenFirst",
                 With(Finished(DispatchPhase::kSucceeded),
                      [](auto& d) { d.metadata.deletion_timestamp = FormatTime(kNoon.wall); }),
                 Seen::Ready().Job(Presence::kNotSeen).NotMarked(),
                 "confirm modulejobs.midwatch.dev"},
        PlanCase{"ResultThatNoReportTakesFails", Assigned(),
                 Seen::Ready().Run(WithResult(
                     Ended(Assigned(), RunPhase::kSucceeded),
                     R"({"rootCause":"","category":"Network","transient":true,"confidence":"High",)"
                     R"("evidence":[{"artifact":"log","lines":"3","quote":"refused"}]})")),
                 "Failed ResultInvalid release"}),
    kNames);

TEST(PlanDispatch, SaysNoMoreThanAStatusTakesWhateverItsAgentSaid) {
  api::Run run = Ended(Assigned(), RunPhase::kFailed, reason::kSidecarFailed);
  run.status.message = std::string(1024, 'x');
  const Decision waits = PlanDispatch(Assigned(), Seen::Ready().Run(run).world(), kNoon);
  EXPECT_EQ(waits.status.reason, reason::kRetryBackoff);
  EXPECT_EQ(waits.status.message.size(), 1024U);
  EXPECT_TRUE(waits.status.message.starts_with("attempt 1 ended with SidecarFailed: xxx"));
}

TEST(PlanDispatch, TakesTheLeastLoadedThenTheLongestIdleInstance) {
  const Seen loaded = Seen::Ready().NoInstance().Instance("a", 1).Instance("b", 0);
  EXPECT_EQ(PlanDispatch(Waiting(), loaded.world(), kNoon).status.instance, "b");
  const Seen idle =
      Seen::Ready().NoInstance().Instance("a").IdleSince(50).Instance("b").IdleSince(20);
  EXPECT_EQ(PlanDispatch(Waiting(), idle.world(), kNoon).status.instance, "b");
}

TEST(PlanDispatch, TriesAgainUnderANewRunAndCountsTheAttempt) {
  api::Dispatch again = Parked(reason::kRetryBackoff);
  again.status.run_ordinal = 4;
  again.status.attempts = 2;
  const Decision d = PlanDispatch(again, Seen::Ready().ObservedAgo(kLongestBackoff).world(), kNoon);
  EXPECT_EQ(d.status.run_ordinal, 5);
  EXPECT_EQ(d.status.attempts, 3);
  EXPECT_EQ(d.status.run->name, RunName(again, 5));
}

TEST(PlanDispatch, WaitsLongerAfterEachRunThatNobodyTook) {
  api::Dispatch refused = Assigned();
  refused.status.run_ordinal = 4;
  const Seen seen = Seen::Ready().Run(Stopping(RunOf(refused), StopReason::kNotAcknowledged));
  refused.status = PlanDispatch(refused, seen.world(), kNoon).status;
  EXPECT_EQ(refused.status.attempts, 0);
  EXPECT_EQ(refused.status.not_before, kNoon.wall + 8 * kFirstBackoff);
  const auto at = [&](Duration ago) {
    return PlanDispatch(refused, Seen::Ready().ObservedAgo(ago).world(), kNoon).status.phase;
  };
  EXPECT_EQ(at(8 * kFirstBackoff - std::chrono::seconds(1)), DispatchPhase::kParked);
  EXPECT_EQ(at(8 * kFirstBackoff), DispatchPhase::kAssigned);
}

TEST(PlanDispatch, LooksAtItsBackoffWithoutAWrite) {
  api::Dispatch retried = Assigned();
  const Seen ended = Seen::Ready().Run(Ended(retried, RunPhase::kFailed, reason::kDrained));
  retried.status = PlanDispatch(retried, ended.world(), kNoon).status;
  ASSERT_EQ(retried.status.not_before, kNoon.wall + kFirstBackoff);
  const Seen waiting = Seen::Ready().ObservedAgo(std::chrono::seconds(1));
  EXPECT_EQ(PlanDispatch(retried, waiting.world(), kNoon).status, retried.status);
}

TEST(PlanDispatch, DecidingTwiceUponTheSameWorldChangesNothing) {
  for (const Seen& seen :
       {Seen::Ready().NoAgent(), Seen::Ready().Outranked(), Seen::Ready().NoInstance()}) {
    api::Dispatch dispatch = Waiting();
    dispatch.status = PlanDispatch(dispatch, seen.world(), kNoon).status;
    const Now later{kNoon.wall + std::chrono::hours(1), kNoon.mono + std::chrono::hours(1)};
    EXPECT_EQ(PlanDispatch(dispatch, seen.world(), later).status, dispatch.status);
  }
}

TEST(PlanDispatch, LooksAgainWhenItExpiresAndWhenTheAcknowledgementIsDue) {
  api::Dispatch expiring = Waiting();
  expiring.spec.expire_after = std::chrono::minutes(11);
  EXPECT_EQ(PlanDispatch(expiring, Seen::Ready().NoAgent().world(), kNoon).wake_at,
            kNoon.mono + std::chrono::minutes(1));
  const Seen pending = Seen::Ready().Run(RunOf(Assigned()), std::chrono::seconds(5));
  EXPECT_EQ(PlanDispatch(Assigned(), pending.world(), kNoon).wake_at,
            kNoon.mono + std::chrono::seconds(10));
}

TEST(PlanDispatch, CountsActiveTimeOverAllAttempts) {
  const Seen seen = Seen::Ready().Run(Ended(Assigned(), RunPhase::kFailed, reason::kSidecarFailed));
  EXPECT_EQ(PlanDispatch(Assigned(), seen.world(), kNoon).status.active_seconds, 40);
}

TEST(PlanDispatch, BelievesAnAgentAboutAnAttemptNoLongerThanTheAttemptCouldLast) {
  api::Run run = Ended(Assigned(), RunPhase::kFailed, reason::kSidecarFailed);
  run.spec.timeout_seconds = 600;
  run.status.finished_at = kNoon.wall + std::chrono::hours(24 * 365);
  const auto counted = [&] {
    return PlanDispatch(Assigned(), Seen::Ready().Run(run).world(), kNoon).status.active_seconds;
  };
  EXPECT_EQ(counted(), 600);
  run.status.finished_at = kNoon.wall - std::chrono::hours(24 * 365);
  EXPECT_EQ(counted(), 0);
}

/// A Run works, and the Dispatch says what was used as of some time ago.
class UsedTime : public testing::Test {
 protected:
  api::Dispatch Running(Duration used, Duration counted_ago) {
    api::Dispatch running = Assigned();
    running.status.phase = DispatchPhase::kRunning;
    running.status.active_seconds = used / std::chrono::seconds(1);
    running.status.counted_at = kNoon.wall - counted_ago;
    running.status.observed_generation = running.metadata.generation;
    return running;
  }
  /// Of a process that has looked for `seen_for`.
  Decision Plan(const api::Dispatch& running, Duration seen_for, Now now = kNoon) {
    Seen seen = Seen::Ready().Run(RunOf(running, RunPhase::kRunning)).ObservedAgo(seen_for);
    return PlanDispatch(running, seen.world(), now);
  }
  Decision Lost(const api::Dispatch& running, Duration seen_for) {
    const api::Run lost = Stopping(RunOf(running, RunPhase::kRunning), StopReason::kInstanceLost);
    return PlanDispatch(running, Seen::Ready().Run(lost).ObservedAgo(seen_for).world(), kNoon);
  }
  static constexpr Duration kLimit = std::chrono::hours(3) + kTimeoutGrace;
  static constexpr Duration kSecond = std::chrono::seconds(1);
  static constexpr Duration kMinute = std::chrono::minutes(1);
};

TEST_F(UsedTime, IsCountedFromWhenTheRunIsSeenToWork) {
  const Seen seen = Seen::Ready().Run(RunOf(Assigned(), RunPhase::kRunning));
  const Decision d = PlanDispatch(Assigned(), seen.world(), kNoon);
  EXPECT_EQ(d.status.counted_at, kNoon.wall);
  EXPECT_EQ(d.wake_at, kNoon.mono + kCountEvery);
}

TEST_F(UsedTime, OfARunThatWasTakenAndDoesNotBeginIsCountedToo) {
  const api::Run taken = RunOf(Assigned(), RunPhase::kAcknowledged);
  const Decision at_first = PlanDispatch(Assigned(), Seen::Ready().Run(taken).world(), kNoon);
  EXPECT_EQ(at_first.status.counted_at, std::nullopt);
  EXPECT_EQ(at_first.wake_at, kNoon.mono + kBeginWithin);
  const Decision later =
      PlanDispatch(Assigned(), Seen::Ready().Run(taken, kBeginWithin).world(), kNoon);
  EXPECT_EQ(later.status.counted_at, kNoon.wall);
}

TEST_F(UsedTime, IsBroughtUpToDateNowAndThen) {
  const api::Dispatch running = Running(std::chrono::hours(1), 9 * kMinute);
  const Decision before = Plan(running, 9 * kMinute);
  EXPECT_EQ(before.status.active_seconds, 3'600);
  EXPECT_EQ(before.status.counted_at, running.status.counted_at);
  EXPECT_EQ(before.wake_at, kNoon.mono + kMinute);
  const Decision due = Plan(Running(std::chrono::hours(1), kCountEvery), kCountEvery);
  EXPECT_EQ(due.status.active_seconds, 3'600 + 600);
  EXPECT_EQ(due.status.counted_at, kNoon.wall);
}

TEST_F(UsedTime, EndsTheRunWhenItIsUsedUp) {
  const Duration used = kLimit - 5 * kMinute;
  EXPECT_EQ(Describe(Plan(Running(used, 5 * kMinute), 5 * kMinute)), "Running stop:TimedOut");
  const Decision before = Plan(Running(used, 5 * kMinute - kSecond), 5 * kMinute - kSecond);
  EXPECT_EQ(Describe(before), "Running");
  EXPECT_EQ(before.wake_at, kNoon.mono + kSecond);
}

TEST_F(UsedTime, IsNotForgottenByARestartOrAnEdit) {
  const Duration used = kLimit - 5 * kMinute;
  EXPECT_EQ(Describe(Plan(Running(used, 5 * kMinute), {})), "Running stop:TimedOut");
  EXPECT_EQ(Plan(Running(used, 4 * kMinute), {}).wake_at, kNoon.mono + kMinute);
  // Restarts that are closer together than it is counted.
  const Decision d = Plan(Running(std::chrono::hours(1), kCountEvery), {});
  EXPECT_EQ(d.status.active_seconds, 3'600 + 600);
}

TEST_F(UsedTime, IsWrongByABoundedTimeWhenAClockWasSet) {
  const Duration year = std::chrono::hours(24 * 365);
  const Decision ahead = Plan(Running(std::chrono::hours(1), year), kMinute);
  EXPECT_EQ(Describe(ahead), "Running") << "set forward: it goes on";
  EXPECT_EQ(ahead.status.active_seconds, 3'600 + 600 + 60);
  const Decision behind = Plan(Running(std::chrono::hours(1), -year), kMinute);
  EXPECT_EQ(Describe(behind), "Running");
  EXPECT_EQ(behind.wake_at, kNoon.mono + 9 * kMinute) << "set back: counted by the other clock";
}

TEST_F(UsedTime, IsThatOfTheMonotoneClockOnceItWasSeen) {
  api::Dispatch running = Running({}, kMinute);
  running.spec.timeout = 5 * kMinute;
  const Now jumped{kNoon.wall + std::chrono::hours(1), kNoon.mono};
  const Decision ahead = Plan(running, kMinute, jumped);
  EXPECT_EQ(Describe(ahead), "Running") << "it has used one minute of five";
  EXPECT_EQ(ahead.wake_at, kNoon.mono + 4 * kMinute + kTimeoutGrace);
  EXPECT_EQ(ahead.status.counted_at, running.status.counted_at);
}

TEST_F(UsedTime, IsBroughtUpToDateWithWhateverElseIsWritten) {
  api::Dispatch taken = Running({}, 3 * kMinute);
  taken.status.phase = DispatchPhase::kAssigned;
  const Now jumped{kNoon.wall + std::chrono::hours(1), kNoon.mono};
  const Decision begins = Plan(taken, 3 * kMinute, jumped);
  EXPECT_EQ(Describe(begins), "Running");
  EXPECT_EQ(begins.status.active_seconds, 180);
  EXPECT_EQ(begins.status.counted_at, jumped.wall) << "the next version is compared with that";
}

TEST_F(UsedTime, OfALostAttemptIsThatUntilItWasGivenUp) {
  const Decision d = Lost(Running(std::chrono::hours(1), 3 * kMinute), 3 * kMinute);
  EXPECT_EQ(d.status.phase, DispatchPhase::kParked);
  EXPECT_EQ(d.status.active_seconds, 3'600 + 180);
  EXPECT_EQ(d.status.counted_at, std::nullopt) << "waiting is not counted";
}

TEST_F(UsedTime, LeavesTheNextAttemptTheRest) {
  api::Dispatch waiting = Parked(reason::kRetryBackoff);
  waiting.status.active_seconds = 10'000;
  const Decision d =
      PlanDispatch(waiting, Seen::Ready().ObservedAgo(kLongestBackoff).world(), kNoon);
  api::Dispatch assigned = waiting;
  assigned.status = d.status;
  EXPECT_EQ(MakeRun(assigned, nullptr, {}, api::Permissions::kDenyAll).spec.timeout_seconds, 800);
}

TEST(PlanRun, OfManualWorkIsToldTheJobAsItIsNow) {
  api::Dispatch assigned = Waiting();
  assigned.status = PlanDispatch(assigned, Seen::Ready().world(), kNoon).status;
  assigned.spec.module_job_ref.key = "0";
  api::ModuleJob job = *Seen::Ready().world().job;
  job.spec.transitions.back().exit_code = 7;
  const auto told = [&] {
    return MakeRun(assigned, &job, {}, api::Permissions::kDenyAll).spec.job;
  };
  EXPECT_EQ(told().state, api::JobState::kRunning) << "what fired its mission";
  assigned.spec.mission_ref.reset();
  EXPECT_EQ(told().state, api::JobState::kFailed);
  EXPECT_EQ(told().exit_code, 7);
}

TEST(PlanDispatch, GivesUpALockByGivingUpTheRunThatItWasTakenFor) {
  // Another process may be about to assign that Run: one of the two status writes is refused.
  api::Dispatch parked = Parked(reason::kAtCapacity);
  const Seen full = Seen::Ready().Outranked().LockHeldBy("agents/" + RunName(parked, 1));
  const Decision d = PlanDispatch(parked, full.world(), kNoon);
  EXPECT_EQ(Describe(d), "Parked AtCapacity unlock-last");
  EXPECT_EQ(d.status.run_ordinal, 1);
  EXPECT_EQ(d.status.attempts, 0);
  // Died between the two: the lock is that of a Run that will never be.
  parked.status = d.status;
  const Decision again = PlanDispatch(parked, full.world(), kNoon);
  EXPECT_EQ(Describe(again), "Parked AtCapacity unlock-last");
  EXPECT_EQ(again.status.run_ordinal, 1);
  const Seen free = Seen::Ready().LockHeldBy("agents/" + RunName(parked, 1));
  const Decision taken = PlanDispatch(parked, free.world(), kNoon);
  EXPECT_EQ(Describe(taken), "Assigned lock run");
  EXPECT_EQ(taken.status.run->name, RunName(parked, 2));
  parked.status.phase = DispatchPhase::kCancelled;
  EXPECT_EQ(Describe(PlanDispatch(parked, free.world(), kNoon)), "Cancelled AtCapacity unlock");
}

TEST(RunName, DiffersBetweenNamespacesAndTimes) {
  api::Dispatch other = Waiting();
  other.metadata.uid = "uid-2";
  EXPECT_NE(RunName(Waiting(), 1), RunName(other, 1));
}

TEST(RunName, IsANameWhateverTheDispatchIsCalled) {
  api::Dispatch dispatch = Waiting();
  for (std::size_t dot = 1; dot < 252; ++dot) {
    dispatch.metadata.name = std::string(dot, 'd') + "." + std::string(252 - dot, 'd');
    EXPECT_FALSE(CheckDnsSubdomain(RunName(dispatch, 1))) << dispatch.metadata.name;
    EXPECT_FALSE(CheckDnsSubdomain(ReportName(dispatch))) << dispatch.metadata.name;
  }
}

TEST(ReportName, DiffersBetweenTwoDispatchesOfOneName) {
  api::Dispatch again = Waiting();
  again.metadata.uid = "uid-2";
  EXPECT_NE(ReportName(Waiting()), ReportName(again));
  EXPECT_TRUE(ReportName(again).starts_with(again.metadata.name + "-"));
}

TEST(UnparkedBy, KnowsEveryReasonThatParks) {
  for (const PlanCase& c : {PlanCase{"", Waiting(), Seen::Ready().NoAgent(), ""},
                            PlanCase{"", Waiting(), Seen::Ready().Outranked(), ""},
                            PlanCase{"", Waiting(), Seen::Ready().LockHeldBy("a/b"), ""}}) {
    EXPECT_NE(PlanDispatch(c.dispatch, c.seen.world(), kNoon).status.unparked_by, "");
  }
}

}  // namespace
}  // namespace midwatch::dispatch
