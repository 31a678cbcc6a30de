#include "controller/reconcilers/instance/instance_plan.h"

#include <gtest/gtest.h>

#include "controller/api/heartbeat.h"
#include "controller/api/names.h"

namespace midwatch::instance {
namespace {

constexpr Now kNoon{.wall = {1'800'000'000'000'000}, .mono = {5'000'000'000}};

api::AgentInstance Registered() {
  api::AgentInstance instance;
  instance.metadata.name = "one";
  instance.metadata.finalizers = {std::string(api::finalizers::kInstance)};
  return instance;
}

World Heartbeat(Duration ago, std::int64_t live_runs = 0) {
  World world;
  world.lease.emplace();
  world.lease->spec.lease_duration_seconds = 30;
  world.lease_observed = kNoon.mono - ago;
  world.object_observed = kNoon.mono - std::chrono::hours(2);
  world.live_runs = live_runs;
  return world;
}

api::AgentInstance After(const Decision& decision) {
  api::AgentInstance instance = Registered();
  instance.status = decision.status;
  return instance;
}

constexpr Duration kSilence = std::chrono::seconds(40);

TEST(Instance, IsHeldBeforeItCounts) {
  api::AgentInstance fresh = Registered();
  fresh.metadata.finalizers.clear();
  const Decision decision = PlanInstance(fresh, Heartbeat({}), kNoon);
  EXPECT_TRUE(decision.hold);
  EXPECT_FALSE(decision.status.connected);
}

TEST(Instance, ConnectsWithItsFirstHeartbeat) {
  World silent = Heartbeat({});
  silent.lease.reset();
  silent.object_observed = kNoon.mono;
  EXPECT_FALSE(PlanInstance(Registered(), silent, kNoon).status.connected);
  EXPECT_TRUE(PlanInstance(Registered(), Heartbeat({}), kNoon).status.connected);
}

TEST(Instance, IsLostAfterDurationAndGraceOfSilenceAndNotBefore) {
  const auto connected = After(PlanInstance(Registered(), Heartbeat({}), kNoon));
  const auto just_before = PlanInstance(connected, Heartbeat(kSilence - Duration{1}), kNoon);
  EXPECT_TRUE(just_before.status.connected);
  EXPECT_EQ(just_before.wake_at, kNoon.mono + Duration{1});
  EXPECT_FALSE(PlanInstance(connected, Heartbeat(kSilence), kNoon).status.connected);
}

TEST(Instance, LosesItsLeaseBeforeItIsSaidToBeLost) {
  const auto connected = After(PlanInstance(Registered(), Heartbeat({}), kNoon));
  EXPECT_TRUE(PlanInstance(connected, Heartbeat(kSilence), kNoon).take_lease);
  EXPECT_FALSE(PlanInstance(connected, Heartbeat({}), kNoon).take_lease);
}

TEST(Instance, WhoseLeaseWasTakenIsLostHoweverNewThatVersionIs) {
  const auto connected = After(PlanInstance(Registered(), Heartbeat({}), kNoon));
  World taken = Heartbeat({});
  taken.lease->spec.holder_identity = api::field_managers::kController;
  const Decision decision = PlanInstance(connected, taken, kNoon);
  EXPECT_FALSE(decision.status.connected);
  EXPECT_FALSE(decision.take_lease);
}

TEST(Instance, IsBelievedAboutItsLeaseWithinBounds) {
  const auto lost_after = [](std::int64_t claimed) {
    World world = Heartbeat({});
    world.lease->spec.lease_duration_seconds = claimed;
    return *PlanInstance(Registered(), world, kNoon).wake_at - kNoon.mono;
  };
  EXPECT_EQ(lost_after(6), std::chrono::seconds(6) + kGrace);
  EXPECT_EQ(lost_after(1'000'000'000'000'000), kLongestLease + kGrace);
  EXPECT_EQ(lost_after(-5), kGrace);
}

TEST(Instance, ThatNeverSentAHeartbeatIsLostToo) {
  World silent = Heartbeat({});
  silent.lease.reset();
  silent.object_observed = kNoon.mono - kSilence;
  EXPECT_TRUE(PlanInstance(Registered(), silent, kNoon).confirm_lease) << "it may not be seen yet";
  silent.lease_absent = true;
  const Decision decision = PlanInstance(Registered(), silent, kNoon);
  EXPECT_FALSE(decision.take_lease);
  EXPECT_FALSE(decision.status.connected);
  EXPECT_EQ(decision.status.conditions.at(0).status, api::ConditionStatus::kFalse);
}

World Gone(Duration ago) {
  World gone = Heartbeat({});
  gone.lease.reset();
  gone.lease_observed.reset();
  gone.lease_absent = true;
  gone.object_observed = kNoon.mono - ago;
  return gone;
}

TEST(Instance, WhoseLeaseWasDeletedIsLostOnlyOnceItCannotBeAlive) {
  const auto connected = After(PlanInstance(Registered(), Heartbeat({}), kNoon));
  World unsure = Gone(std::chrono::hours(2));
  unsure.lease_absent = false;
  EXPECT_TRUE(PlanInstance(connected, unsure, kNoon).confirm_lease) << "it may not be seen yet";

  const auto gone = After(PlanInstance(connected, Gone(std::chrono::hours(2)), kNoon));
  EXPECT_FALSE(gone.status.connected) << "it gets no more work";
  EXPECT_FALSE(api::IsLost(gone.status)) << "its agent may be alive";
  EXPECT_EQ(gone.status.conditions.at(0).reason, "HeartbeatGone");

  const Duration alive = kLongestLease + kGrace;
  const Decision before = PlanInstance(gone, Gone(alive - Duration{1}), kNoon);
  EXPECT_EQ(before.status, gone.status);
  EXPECT_EQ(before.wake_at, kNoon.mono + Duration{1});
  EXPECT_TRUE(api::IsLost(PlanInstance(gone, Gone(alive), kNoon).status));
  EXPECT_TRUE(PlanInstance(gone, Heartbeat({}), kNoon).status.connected) << "it is there again";
}

TEST(Instance, ThatWasLostNeverComesBack) {
  const auto lost = After(PlanInstance(Registered(), Heartbeat(kSilence), kNoon));
  EXPECT_FALSE(PlanInstance(lost, Heartbeat({}), kNoon).status.connected);
}

TEST(Instance, SilenceIsCountedByTheMonotonicClockAlone) {
  const auto connected = After(PlanInstance(Registered(), Heartbeat({}), kNoon));
  const Now jumped{kNoon.wall + std::chrono::hours(24 * 365), kNoon.mono};
  EXPECT_TRUE(PlanInstance(connected, Heartbeat({}), jumped).status.connected);
}

TEST(Instance, IsLetGoOnlyWhenItHoldsNoRun) {
  const auto lost = After(PlanInstance(Registered(), Heartbeat(kSilence), kNoon));
  EXPECT_FALSE(PlanInstance(lost, Heartbeat(kSilence, 1), kNoon).let_go);
  EXPECT_TRUE(PlanInstance(lost, Heartbeat(kSilence, 0), kNoon).let_go);
  api::AgentInstance leaving = Registered();
  leaving.metadata.deletion_timestamp = FormatTime(kNoon.wall);
  EXPECT_FALSE(PlanInstance(leaving, Heartbeat({}, 1), kNoon).let_go);
  EXPECT_TRUE(PlanInstance(leaving, Heartbeat({}, 0), kNoon).let_go);
}

TEST(Instance, ThatWasLostIsForgottenAfterAWhile) {
  const auto lost = After(PlanInstance(Registered(), Heartbeat(kSilence), kNoon));
  World old = Heartbeat(kSilence);
  old.object_observed = kNoon.mono - kKeepLost;
  EXPECT_TRUE(PlanInstance(lost, old, kNoon).forget);
  old.live_runs = 1;
  EXPECT_FALSE(PlanInstance(lost, old, kNoon).forget);
}

TEST(Instance, DecidingTwiceChangesNothing) {
  const auto connected = After(PlanInstance(Registered(), Heartbeat({}), kNoon));
  const Now later{kNoon.wall + std::chrono::seconds(9), kNoon.mono};
  EXPECT_EQ(PlanInstance(connected, Heartbeat(std::chrono::seconds(9)), later).status,
            connected.status);
}

}  // namespace
}  // namespace midwatch::instance
