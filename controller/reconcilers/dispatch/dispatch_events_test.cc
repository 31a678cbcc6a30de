#include "controller/reconcilers/dispatch/dispatch_events.h"

#include <gtest/gtest.h>

#include <set>

#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/dispatch/dispatch_test_world.h"
#include "controller/reconcilers/scope/typed_view.h"
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

TEST(DispatchEvents, StandLastInThePlan) {
  fakes::ViewBuilder view;
  const DispatchReconciler reconciler;
  for (const ResourceType& type : Resources()) {
    view.Follow(type);
  }
  view.Follow(MakeController(reconciler));
  const auto put = [&](auto typed) {
    typed.metadata.uid = typed.metadata.uid.empty() ? "uid" : typed.metadata.uid;
    typed.metadata.resource_version = "5";
    view.Put(decltype(typed)::Type(), api::ToObject(typed).value());
  };
  put(*Seen::Ready().world().job);
  put(Waiting());
  put(RunOf(Assigned(), api::RunPhase::kRunning));
  const auto key = TypedKey<api::Dispatch>("payments", "database-abc");
  view.ConfirmAbsent(MissionKey(*Waiting().spec.mission_ref));
  const Plan plan = reconciler.Reconcile(key, view.view(), kNoon).value();
  ASSERT_EQ(plan.effects.size(), 2U) << "cancelled: its mission is gone";
  EXPECT_TRUE(std::holds_alternative<Write>(plan.effects[0]));
  const auto* record = std::get_if<Record>(&plan.effects[1]);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->create.object.At("reason").AsString(), "Cancelled");
}

}  // namespace
}  // namespace midwatch::dispatch
