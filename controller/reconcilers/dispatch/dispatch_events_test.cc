#include "controller/reconcilers/dispatch/dispatch_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "controller/api/lease.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/dispatch/dispatch_test_world.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/runtime/executor.h"
#include "controller/testing/view_builder.h"

namespace midwatch::dispatch {
namespace {

namespace reason = api::dispatch_reason;

std::string Told(const api::Dispatch& dispatch, const Seen& seen) {
  const auto it = OccurrenceOf(dispatch.status, PlanDispatch(dispatch, seen.world(), kNoon).status);
  return it ? (it->warning ? "Warning " : "Normal ") + it->reason + " " + it->message : "";
}

TEST(DispatchEvents, TellWhyItWaitsWhoTakesItAndHowItEnds) {
  EXPECT_EQ(Told(Waiting(), Seen::Ready().NoAgent()),
            "Warning Parked AgentNotFound: there is no Agent \"agents/ops\"");
  EXPECT_TRUE(
      Told(Waiting(), Seen::Ready().Agent(true)).starts_with("Normal Parked AgentSuspended"));
  EXPECT_EQ(Told(Waiting(), Seen::Ready().LockHeldBy("a/b")), "") << "it queues";
  EXPECT_EQ(Told(Waiting(), Seen::Ready()), "Normal Assigned assigned to instance one");
  EXPECT_EQ(Told(Assigned(), Seen::Ready().Run(RunOf(Assigned(), api::RunPhase::kRunning))), "");
  EXPECT_EQ(Told(Assigned(), Seen::Ready().Run(WithResult(
                                 Ended(Assigned(), api::RunPhase::kSucceeded), kDiagnosis))),
            "Normal Succeeded the database refused the connection");
  api::Run wordless = WithResult(Ended(Assigned(), api::RunPhase::kSucceeded), kDiagnosis);
  wordless.status.message.clear();
  EXPECT_EQ(Told(Assigned(), Seen::Ready().Run(wordless)),
            "Normal Succeeded Report " + ReportName(Assigned()) + " holds the result");
  EXPECT_TRUE(Told(Assigned(), Seen::Ready().Run(Ended(Assigned(), api::RunPhase::kFailed,
                                                       reason::kOutputMissing)))
                  .starts_with("Warning Failed OutputMissing"));
  api::Dispatch cancelled = Waiting();
  cancelled.spec.cancel = true;
  EXPECT_EQ(Told(cancelled, Seen::Ready()),
            "Normal Cancelled CancelRequested: somebody cancelled it");
}

TEST(DispatchEvents, TellNothingTwice) {
  api::Dispatch parked = Waiting();
  parked.status = PlanDispatch(parked, Seen::Ready().NoAgent().world(), kNoon).status;
  EXPECT_EQ(Told(parked, Seen::Ready().NoAgent()), "");
}

TEST(DispatchEvents, TellOnceThatItIsParkedWhateverItWaitsForInTurn) {
  const Seen no_agent = Seen::Ready().NoAgent();
  api::Dispatch parked = Waiting();
  parked.status = Parked(reason::kNoConnectedInstance).status;
  EXPECT_EQ(Told(parked, no_agent), "");
  parked.status = Parked(reason::kLockHeld).status;
  EXPECT_TRUE(Told(parked, no_agent).starts_with("Warning Parked AgentNotFound"))
      << "that it queued was not told";
  parked.status = Parked(reason::kNoConnectedInstance).status;
  EXPECT_EQ(Told(parked, Seen::Ready()), "Normal Assigned assigned to instance one");
}

TEST(DispatchEvents, AreBoundedForEachDispatch) {
  std::set<std::string> which;
  api::DispatchStatus before;
  for (std::int64_t run = 0; run < 10'000; ++run) {
    api::DispatchStatus after = Parked(reason::kRetryBackoff).status;
    after.run_ordinal = run;
    which.insert(OccurrenceOf(before, after)->which);
  }
  EXPECT_EQ(which.size(), static_cast<std::size_t>(kRunsTold));
}

/// What a Dispatch's plan does, in order.
class TheirPlace : public testing::Test {
 protected:
  TheirPlace() {
    for (const ResourceType& type : Resources()) {
      view_.Follow(type);
    }
    view_.Follow(MakeController(reconciler_));
    Put(*Seen::Ready().world().job);
    view_.ConfirmAbsent(MissionKey(*Waiting().spec.mission_ref));
  }
  template <typename T>
  void Put(T typed) {
    typed.metadata.uid = typed.metadata.uid.empty() ? "uid" : typed.metadata.uid;
    typed.metadata.resource_version = std::to_string(++version_);
    view_.Put(T::Type(), api::ToObject(typed).value());
  }
  std::vector<std::string> Planned() {
    std::vector<std::string> out;
    const auto key = TypedKey<api::Dispatch>("payments", "database-abc");
    const Plan plan = reconciler_.Reconcile(key, view_.view(), kNoon).value();
    for (const Effect& effect : plan.effects) {
      const auto* told = std::get_if<Record>(&effect);
      out.push_back(told ? "tell " + std::string(told->create.object.At("reason").AsString())
                         : TargetOf(std::get<Write>(effect)).key.resource);
    }
    return out;
  }

  DispatchReconciler reconciler_;
  fakes::ViewBuilder view_;
  std::int64_t version_ = 0;
};

TEST_F(TheirPlace, IsRightBehindTheStatusWhateverBecomesOfTheRest) {
  Put(Waiting());
  api::Lease lock;
  lock.metadata.namespace_name = "payments";
  lock.metadata.name = LockName("job-3", Waiting().spec.mission_type);
  lock.spec.holder_identity = "agents/" + RunName(Waiting(), 1);
  Put(lock);
  EXPECT_THAT(Planned(), testing::ElementsAre("dispatches.midwatch.dev", "tell Cancelled",
                                              "leases.coordination.k8s.io"))
      << "its mission is gone";
}

TEST_F(TheirPlace, IsRightBehindTheRunThatIsStopped) {
  api::Dispatch cancelled = Assigned();
  cancelled.metadata.uid = "uid";
  cancelled.spec.cancel = true;
  Put(cancelled);
  Put(RunOf(cancelled, api::RunPhase::kRunning));
  api::Run before = Ended(cancelled, api::RunPhase::kFailed);
  before.metadata.name = "before";
  before.metadata.uid = "uid-before";
  Put(before);
  api::AgentInstance one;
  one.metadata.namespace_name = "agents";
  one.metadata.name = "one";
  Put(one);
  EXPECT_THAT(Planned(), testing::ElementsAre("dispatches.midwatch.dev", "runs.midwatch.dev",
                                              "tell StopRequested", "runs.midwatch.dev"));
}

}  // namespace
}  // namespace midwatch::dispatch
