#include "controller/reconcilers/instance/instance_reconciler.h"

#include <gtest/gtest.h>

#include "controller/api/agent_instance.h"
#include "controller/api/core.h"
#include "controller/api/lease.h"
#include "controller/api/names.h"
#include "controller/api/run.h"
#include "controller/reconcilers/instance/instance_plan.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/runtime/worker.h"
#include "controller/testing/fake_kube_client.h"
#include "controller/testing/manual_clock.h"
#include "controller/testing/recorders.h"
#include "controller/testing/seeded_random.h"
#include "controller/testing/view_builder.h"

namespace midwatch::instance {
namespace {

using std::chrono::seconds;

class InstanceReconcilerTest : public testing::Test {
 protected:
  InstanceReconcilerTest() {
    api::AgentInstance one;
    one.metadata.name = "one";
    one.metadata.namespace_name = "agents";
    one.spec.agent_ref.name = "ops";
    client_.Put(api::AgentInstance::Type(), api::ToBody(one));
    Renew();
    WorkerOptions options;
    options.sweep_interval = Duration::zero();
    options.also_follow = Resources();
    worker_ = std::make_unique<Worker>(Worker::Ports{client_, waker_, random_, metrics_, log_},
                                       std::vector{MakeController(reconciler_)}, options);
    Settle();
    client_.ClearCalls();
  }

  /// As the agent does.
  void Renew() {
    api::Lease lease;
    lease.metadata.name = "one";
    lease.metadata.namespace_name = "agents";
    lease.spec.holder_identity = "one";
    lease.spec.lease_duration_seconds = 30;
    lease.spec.renew_time = clock_.Read().wall;
    client_.Put(api::Lease::Type(), api::ToBody(lease));
  }
  void Settle() {
    for (int i = 0; i < 100'000 && worker_->Step(clock_.Read()); ++i) {
    }
  }
  void Pass(Duration time) {
    clock_.Advance(time);
    Settle();
  }
  bool Connected() {
    return api::FromObject<api::AgentInstance>(
               client_.Find(TypedKey<api::AgentInstance>("agents", "one")))
        ->status.connected;
  }
  std::string Holder() {
    return api::FromObject<api::Lease>(client_.Find(TypedKey<api::Lease>("agents", "one")))
        ->spec.holder_identity;
  }
  std::size_t Told(const std::string& reason) {
    std::size_t count = 0;
    for (const Object& event : client_.All("events")) {
      count += event.Body().At("reason").AsString() == reason ? 1 : 0;
    }
    return count;
  }

  fakes::ManualClock clock_;
  fakes::FakeKubeClient client_{clock_};
  fakes::CountingWaker waker_;
  fakes::SeededRandom random_{1};
  fakes::RecordingMetrics metrics_;
  fakes::RecordingLog log_;
  InstanceReconciler reconciler_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(InstanceReconcilerTest, WritesNothingWhileTheHeartbeatGoesOn) {
  ASSERT_TRUE(Connected());
  for (int i = 0; i < 20; ++i) {
    Pass(seconds(10));
    Renew();
    Settle();
  }
  EXPECT_TRUE(client_.calls().empty());
  EXPECT_EQ(Told("Connected"), 1U);
}

TEST_F(InstanceReconcilerTest, TakesTheLeaseOfASilentInstanceFirst) {
  Pass(seconds(41));
  EXPECT_FALSE(Connected());
  EXPECT_EQ(Holder(), api::field_managers::kController);
  const auto calls = client_.calls();
  ASSERT_GE(calls.size(), 2U);
  EXPECT_EQ(calls[0], "patch leases.coordination.k8s.io/agents/one");
  EXPECT_EQ(calls[1], "update agentinstances.midwatch.dev/agents/one");
  EXPECT_EQ(Told("Lost"), 1U);
}

TEST_F(InstanceReconcilerTest, ARenewalThatWasNotSeenYetIsNoSilence) {
  client_.HoldEvents(true);  // As a process that was stopped, or another leader's view.
  Renew();
  Pass(seconds(41));
  EXPECT_TRUE(Connected()) << "it has renewed its Lease";
  EXPECT_EQ(Holder(), "one");
  Pass(seconds(10));
  EXPECT_TRUE(Connected());
  client_.HoldEvents(false);
  Pass(seconds(41));
  EXPECT_FALSE(Connected()) << "now it is silent";
}

TEST_F(InstanceReconcilerTest, WhoseLeaseWasTakenIsLostThoughThatCouldNotBeSaidAtOnce) {
  client_.FailNext({.verb = "update",
                    .resource = "agentinstances.midwatch.dev",
                    .error = {ErrorCode::kUnavailable, "try again"}});
  Pass(seconds(41));
  Pass(seconds(1));
  EXPECT_EQ(client_.calls().at(1), "update agentinstances.midwatch.dev/agents/one");
  EXPECT_EQ(client_.calls().at(2), "update agentinstances.midwatch.dev/agents/one");
  EXPECT_FALSE(Connected()) << "the Lease, which is new, tells it";
}

TEST_F(InstanceReconcilerTest, WhoseLeaseIsDeletedIsLostAfterTheLongestLeaseFromThen) {
  for (int i = 0; i < 20; ++i) {
    Pass(seconds(10));
    Renew();
    Settle();
  }
  client_.Remove(TypedKey<api::Lease>("agents", "one"));
  Settle();
  EXPECT_EQ(client_.calls().at(0), "get leases.coordination.k8s.io/agents/one");
  EXPECT_FALSE(Connected());
  Pass(kLongestLease + kGrace - seconds(1));
  EXPECT_EQ(Told("HeartbeatGone"), 1U);
  EXPECT_EQ(Told("Lost"), 0U);
  Pass(seconds(1));
  EXPECT_EQ(Told("Lost"), 1U);
}

// Else its Run would be lost, and done again elsewhere, while its agent takes it.
TEST(DeletedInstance, IsHeldWhileAPlanGivesItARun) {
  const InstanceReconciler reconciler;
  const Controller controller = MakeController(reconciler);
  fakes::ViewBuilder world;
  for (const ResourceType& type : Resources()) {
    world.Follow(type);
  }
  world.Follow(controller);
  api::AgentInstance one;
  one.metadata.name = "one";
  one.metadata.namespace_name = "agents";
  one.metadata.uid = "uid";
  one.metadata.resource_version = "1";
  one.metadata.finalizers = {std::string(api::finalizers::kInstance)};
  one.metadata.deletion_timestamp = "2026-01-01T00:00:00Z";
  one.spec.agent_ref.name = "ops";
  world.Put(api::AgentInstance::Type(), api::ToObject(one).value());
  const auto lets_go = [&] {
    const Plan plan =
        reconciler.Reconcile(TypedKey<api::AgentInstance>("agents", "one"), world.view(), {})
            .value();
    const auto* write = plan.effects.empty() ? nullptr : std::get_if<Write>(&plan.effects[0]);
    return write != nullptr && std::holds_alternative<PatchRequest>(*write);
  };
  api::Run run;
  run.metadata.name = "r";
  run.metadata.namespace_name = "elsewhere";
  run.spec.instance = "one";
  world.InFlight(api::Run::Type(), api::ToObject(run).value());
  EXPECT_TRUE(lets_go());
  run.metadata.namespace_name = "agents";
  world.InFlight(api::Run::Type(), api::ToObject(run).value());
  EXPECT_FALSE(lets_go());
}

}  // namespace
}  // namespace midwatch::instance
