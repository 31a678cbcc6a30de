#include "controller/reconcilers/matching/matching_plan.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>

#include "controller/api/codec.h"
#include "controller/object/name_rules.h"

namespace midwatch::matching {
namespace {

using api::JobState;
using api::MissionKind;
using api::MissionType;

constexpr WallTime kNoon{1'800'000'000'000'000};

api::ModuleJob Job(std::vector<JobState> states) {
  api::ModuleJob job;
  job.metadata.name = "database-3";
  job.metadata.namespace_name = "payments";
  job.metadata.uid = "uid-job";
  job.metadata.generation = 2;
  job.spec.module_ref.name = "database";
  job.spec.job_id = "3";
  std::int64_t seq = 0;
  for (const JobState state : states) {
    job.spec.transitions.push_back({.seq = seq++, .state = state, .at = kNoon});
  }
  return job;
}

ScopedMission Mission(MissionKind kind, std::string name, MissionType type) {
  ScopedMission mission{.ref = {.kind = kind, .name = name, .id = "id-" + name}, .spec = {}};
  mission.spec.mission_type = type;
  mission.spec.agent_ref = {"agents", "ops"};
  return mission;
}

World Fresh(std::vector<ScopedMission> missions) {
  World world;
  world.place = {"payments", "shop", "database"};
  world.missions = std::move(missions);
  world.fresh = true;
  return world;
}

/// Nothing is recorded or created of missions that would not have been asked for.
Decision Decide(const api::ModuleJob& job, const World& world) {
  Decision decision = PlanMatching(job, world, kNoon);
  const bool recorded = decision.status.matches.size() > job.status.matches.size();
  EXPECT_TRUE(AsksForMissions(job) || (!recorded && decision.create.empty()));
  return decision;
}

/// `1:AutoDiagnose=a,b 2:…` of the record.
std::string Record(const api::ModuleJobStatus& status) {
  std::string out;
  for (const api::JobMatch& match : status.matches) {
    out += (out.empty() ? "" : " ") + match.key + ":" + std::string(ToString(match.mission_type)) +
           "=";
    for (const api::MatchedMission& mission : match.missions) {
      out += (&mission == match.missions.data() ? "" : ",") + mission.name;
    }
  }
  return out;
}

const auto kDiagnose =
    Mission(MissionKind::kOrganizationMission, "org", MissionType::kAutoDiagnose);
const auto kModule = Mission(MissionKind::kModuleMission, "mod", MissionType::kAutoDiagnose);
const auto kApproval = Mission(MissionKind::kStackMission, "ask", MissionType::kApprovalRecommend);
const auto kSummary = Mission(MissionKind::kNamespaceMission, "sum", MissionType::kSummarizeJob);

ScopedMission Disabled(ScopedMission mission) {
  mission.spec.is_disabled = true;
  return mission;
}
ScopedMission BeingDeleted(ScopedMission mission) {
  mission.being_deleted = true;
  return mission;
}

struct MatchCase {
  const char* name;
  std::vector<JobState> states;
  std::vector<ScopedMission> missions;
  std::string record;
};

class MatchingTest : public testing::TestWithParam<MatchCase> {};

TEST_P(MatchingTest, RecordsWhatEachTransitionFires) {
  const MatchCase& c = GetParam();
  const Decision decision = Decide(Job(c.states), Fresh(c.missions));
  EXPECT_EQ(Record(decision.status), c.record);
  std::size_t expected = 0;
  for (const api::JobMatch& match : decision.status.matches) {
    expected += match.missions.size();
  }
  EXPECT_EQ(decision.create.size(), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Types, MatchingTest,
    testing::Values(
        MatchCase{"RunningFiresNothing", {JobState::kRunning}, {kDiagnose}, ""},
        MatchCase{"CancelledFiresNothing", {JobState::kCancelled}, {kDiagnose, kSummary}, ""},
        MatchCase{"FailedFiresAutoDiagnose",
                  {JobState::kFailed},
                  {kDiagnose, kApproval, kSummary},
                  "0:AutoDiagnose=org"},
        MatchCase{"ApprovalRequiredFiresApprovalRecommend",
                  {JobState::kApprovalRequired},
                  {kDiagnose, kApproval},
                  "0:ApprovalRecommend=ask"},
        MatchCase{
            "SucceededFiresSummarizeJob", {JobState::kSucceeded}, {kSummary}, "0:SummarizeJob=sum"},
        MatchCase{"EveryTransitionHasItsOwnRecord",
                  {JobState::kRunning, JobState::kApprovalRequired, JobState::kFailed},
                  {kDiagnose, kApproval},
                  "1:ApprovalRecommend=ask 2:AutoDiagnose=org"},
        MatchCase{"ScopesAccumulate",
                  {JobState::kFailed},
                  {kModule, kDiagnose},
                  "0:AutoDiagnose=org,mod"},
        MatchCase{"DisabledIsLeftOut",
                  {JobState::kFailed},
                  {Disabled(kDiagnose), kModule},
                  "0:AutoDiagnose=mod"},
        MatchCase{"BeingDeletedIsLeftOut",
                  {JobState::kFailed},
                  {BeingDeleted(kDiagnose)},
                  "0:AutoDiagnose="},
        MatchCase{"NoMissionIsARecordToo", {JobState::kFailed}, {}, "0:AutoDiagnose="}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(Matching, WaitsUntilTheViewIsAsNewAsTheTransition) {
  World stale = Fresh({kDiagnose});
  stale.fresh = false;
  const Decision decision = Decide(Job({JobState::kFailed}), stale);
  EXPECT_TRUE(decision.refresh);
  EXPECT_TRUE(decision.status.matches.empty());
  EXPECT_TRUE(decision.create.empty());
}

TEST(Matching, AMissionDeclaredLaterDoesNotFire) {
  api::ModuleJob job = Job({JobState::kFailed});
  job.status = Decide(job, Fresh({})).status;
  const Decision later = Decide(job, Fresh({kDiagnose}));
  EXPECT_EQ(Record(later.status), "0:AutoDiagnose=");
  EXPECT_TRUE(later.create.empty());
}

TEST(Matching, WhatIsRecordedIsCreatedEvenIfItsMissionIsGone) {
  api::ModuleJob job = Job({JobState::kFailed});
  job.status = Decide(job, Fresh({kDiagnose})).status;
  const Decision later = Decide(job, Fresh({}));
  ASSERT_EQ(later.create.size(), 1U);
  EXPECT_EQ(later.create[0].spec.mission_ref->id, "id-org");
}

TEST(Matching, AMarkedEntryIsNeverCreatedAgain) {
  api::ModuleJob job = Job({JobState::kFailed});
  World world = Fresh({kDiagnose});
  Decision first = Decide(job, world);
  job.status = first.status;
  world.dispatches = first.create;
  Decision second = Decide(job, world);
  EXPECT_TRUE(second.create.empty());
  EXPECT_TRUE(second.status.matches[0].missions[0].created);
  job.status = second.status;
  world.dispatches.clear();  // Cleaned up long ago.
  Decision third = Decide(job, world);
  EXPECT_TRUE(third.create.empty());
  EXPECT_EQ(third.status, job.status);
}

// As `kubectl replace --force` does, or a pipeline that reports its job again.
TEST(Matching, AJobThatIsMadeAgainHasDispatchesOfItsOwn) {
  api::ModuleJob job = Job({JobState::kFailed});
  World world = Fresh({kDiagnose});
  world.dispatches = Decide(job, world).create;  // Still there, and soon gone.
  job.metadata.uid = "uid-again";
  const Decision again = Decide(job, world);
  ASSERT_EQ(again.create.size(), 1U);
  EXPECT_NE(again.create[0].metadata.name, world.dispatches[0].metadata.name);
  EXPECT_TRUE(again.status.results.empty()) << "what came of the other one is not its own";
  const api::MatchedMission& entry = again.status.matches[0].missions[0];
  EXPECT_EQ(entry.dispatch, again.create[0].metadata.name);
  EXPECT_FALSE(entry.created);
  job.status = again.status;
  world.dispatches.push_back(again.create[0]);
  EXPECT_TRUE(Decide(job, world).status.matches[0].missions[0].created);
}

TEST(Matching, JobsOfOneJobIdHaveDispatchesOfTheirOwn) {
  World world = Fresh({kDiagnose});
  world.dispatches = Decide(Job({JobState::kFailed}), world).create;
  api::ModuleJob other = Job({JobState::kFailed});
  other.metadata.name = "database-apply";
  other.metadata.uid = "uid-other";
  const Decision decision = Decide(other, world);
  ASSERT_EQ(decision.create.size(), 1U);
  EXPECT_NE(decision.create[0].metadata.name, world.dispatches[0].metadata.name);
}

TEST(Matching, ADispatchThatNobodyOwnsAnyMoreIsTheOneThatWasCreated) {
  api::ModuleJob job = Job({JobState::kFailed});
  World world = Fresh({kDiagnose});
  world.dispatches = Decide(job, world).create;
  world.dispatches[0].metadata.owner_references.clear();  // By `--cascade=orphan`.
  const Decision decision = Decide(job, world);
  EXPECT_TRUE(decision.create.empty());
  EXPECT_TRUE(decision.status.matches[0].missions[0].created);
}

TEST(Matching, DecidingTwiceChangesNothing) {
  api::ModuleJob job = Job({JobState::kFailed});
  World world = Fresh({kDiagnose});
  const Decision first = Decide(job, world);
  world.dispatches = first.create;
  job.status = Decide(job, world).status;
  EXPECT_EQ(PlanMatching(job, world, kNoon + std::chrono::hours(1)).status, job.status);
}

TEST(Matching, AJobThatIsBeingDeletedFiresNothing) {
  api::ModuleJob job = Job({JobState::kFailed});
  job.metadata.deletion_timestamp = FormatTime(kNoon);
  EXPECT_TRUE(Decide(job, Fresh({kDiagnose})).create.empty());
  job.status = Decide(Job({JobState::kFailed}), Fresh({kDiagnose})).status;
  EXPECT_TRUE(Decide(job, Fresh({kDiagnose})).create.empty()) << "nor late";
}

// A Dispatch is held until it is marked, and a job by whatever finalizers people give it.
TEST(Matching, AJobThatIsBeingDeletedStillMarksWhatWasCreated) {
  api::ModuleJob job = Job({JobState::kFailed});
  World world = Fresh({kDiagnose});
  const Decision first = Decide(job, world);
  job.status = first.status;
  world.dispatches = first.create;
  job.metadata.deletion_timestamp = FormatTime(kNoon);
  const Decision last = Decide(job, world);
  EXPECT_TRUE(last.status.matches[0].missions[0].created);
}

TEST(Matching, TellsTheJobWhatCameOfItsDispatches) {
  api::ModuleJob job = Job({JobState::kFailed});
  World world = Fresh({kDiagnose});
  world.dispatches = Decide(job, world).create;
  world.dispatches[0].status.phase = api::DispatchPhase::kSucceeded;
  world.dispatches[0].status.report = api::NameRef{"r"};
  const auto status = Decide(job, world).status;
  ASSERT_EQ(status.results.size(), 1U);
  EXPECT_EQ(status.results[0].phase, api::DispatchPhase::kSucceeded);
  EXPECT_EQ(status.results[0].report, "r");
}

/// As many missions of the longest names as the scopes can hold.
World Crowded(std::size_t missions) {
  World world = Fresh({});
  for (std::size_t i = 0; i < missions; ++i) {
    ScopedMission mission = kModule;
    mission.ref.namespace_name = std::string(63, 'n');
    mission.ref.name = std::to_string(1'000'000 + i) + std::string(246, 'x');
    mission.ref.id = std::to_string(1'000'000 + i) + std::string(57, 'i');
    world.missions.push_back(std::move(mission));
  }
  return world;
}

TEST(Matching, WhatItsRecordHasNoRoomForIsCountedAndSaid) {
  api::ModuleJob job = Job({JobState::kFailed, JobState::kFailed});
  World world = Crowded(kMostRecorded + 3);
  const Decision decision = Decide(job, world);
  ASSERT_EQ(decision.status.matches.size(), 2U);
  EXPECT_EQ(decision.create.size(), kMostRecorded);
  EXPECT_EQ(decision.status.matches[0].missions.size(), kMostRecorded);
  EXPECT_EQ(decision.status.matches[0].left_out, 3);
  EXPECT_TRUE(decision.status.matches[1].missions.empty()) << "the first one took all room";
  EXPECT_EQ(decision.status.matches[1].left_out, 515);
  const api::Condition& ready = decision.status.conditions.at(0);
  EXPECT_EQ(ready.status, api::ConditionStatus::kFalse);
  EXPECT_EQ(ready.reason, "TooManyMissions");
  EXPECT_EQ(ready.message,
            "the record of a job holds 512 missions, the others get no Dispatch: 3 more covered "
            "transition 0; 515 more covered transition 1");

  // What it says fits what is installed, whatever the missions are called, and stays.
  job.status = decision.status;
  world.dispatches = decision.create;
  for (api::Dispatch& dispatch : world.dispatches) {
    dispatch.status.phase = api::DispatchPhase::kSucceeded;
    dispatch.status.report = api::NameRef{dispatch.metadata.name};
    dispatch.status.result = api::DispatchResult{.digest = "sha256:" + std::string(64, '0')};
  }
  const Decision ended = PlanMatching(job, world, kNoon + std::chrono::hours(1));
  EXPECT_TRUE(ended.create.empty());
  EXPECT_EQ(ended.status.conditions, decision.status.conditions);
  EXPECT_LT(api::Encode(ended.status).Dump().size(), std::size_t{512} << 10);
  job.status = ended.status;
  EXPECT_EQ(PlanMatching(job, world, kNoon + std::chrono::hours(2)).status, job.status);
}

TEST(Matching, AFullRecordIsReady) {
  const Decision decision = Decide(Job({JobState::kFailed}), Crowded(kMostRecorded));
  EXPECT_EQ(decision.status.matches[0].missions.size(), kMostRecorded);
  EXPECT_FALSE(decision.status.matches[0].left_out);
  EXPECT_EQ(decision.status.conditions.at(0).status, api::ConditionStatus::kTrue);
}

TEST(DispatchName, DiffersInEveryPartOfItsIdentity) {
  const api::ModuleJob job = Job({JobState::kFailed});
  api::ModuleJob other = job;
  other.spec.job_id = "31";
  EXPECT_NE(DispatchName(job, "1", "a"), DispatchName(other, "1", "a"));
  EXPECT_NE(DispatchName(job, "1", "a"), DispatchName(job, "2", "a"));
  EXPECT_NE(DispatchName(job, "1", "a"), DispatchName(job, "1", "b"));
  EXPECT_EQ(DispatchName(job, "1", "a"), DispatchName(job, "1", "a"));
}

TEST(DispatchName, IsANameWhateverTheModuleIsCalled) {
  api::ModuleJob job = Job({JobState::kFailed});
  for (std::size_t dot = 1; dot < 60; ++dot) {
    job.spec.module_ref.name = std::string(dot, 'm') + "." + std::string(100 - dot, 'm');
    EXPECT_FALSE(CheckDnsSubdomain(DispatchName(job, "1", "a"))) << job.spec.module_ref.name;
  }
}

TEST(Matching, MissionsWithOneIdHaveADispatchEach) {
  ScopedMission copy = kDiagnose;
  copy.ref.name = "org-copy";
  copy.spec.agent_ref = {"agents", "others"};
  ScopedMission other_kind = kModule;
  other_kind.ref.id = kDiagnose.ref.id;
  const Decision decision = Decide(Job({JobState::kFailed}), Fresh({copy, kDiagnose, other_kind}));
  std::map<std::string, std::string> agents;
  for (const api::Dispatch& dispatch : decision.create) {
    agents.emplace(dispatch.metadata.name, dispatch.spec.agent_ref.name);
  }
  ASSERT_EQ(agents.size(), 3U);
  const auto& missions = decision.status.matches.front().missions;
  EXPECT_EQ(missions[0].name, "org");
  EXPECT_EQ(missions[0].dispatch, DispatchName(Job({}), "0", kDiagnose.ref.id));
  EXPECT_EQ(missions[1].name, "org-copy");
  EXPECT_EQ(agents[missions[1].dispatch], "others");
}

TEST(Matching, TellsWhatATransitionHasFired) {
  api::ModuleJob job = Job({JobState::kRunning, JobState::kFailed, JobState::kSucceeded});
  const Decision decision = PlanMatching(
      job, Fresh({Mission(MissionKind::kOrganizationMission, "a", MissionType::kAutoDiagnose)}),
      kNoon);
  const auto told = OccurrencesOf(job.status, decision.status);
  ASSERT_EQ(told.size(), 1U) << "to what nobody listens is not told";
  EXPECT_EQ(told[0].reason, "Matched");
  EXPECT_EQ(told[0].message, "AutoDiagnose asked for by OrganizationMission a");
  EXPECT_EQ(told[0].which, "1");
  EXPECT_TRUE(OccurrencesOf(decision.status, decision.status).empty());
}

}  // namespace
}  // namespace midwatch::matching
