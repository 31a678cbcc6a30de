// What waits for a slot, with a real Worker: the assumption that keeps it away may fail.

#include <gtest/gtest.h>

#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/dispatch/dispatch_test_world.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/runtime/worker.h"
#include "controller/testing/fake_kube_client.h"
#include "controller/testing/manual_clock.h"
#include "controller/testing/recorders.h"
#include "controller/testing/seeded_random.h"

namespace midwatch::dispatch {
namespace {

class CapacityTest : public testing::Test {
 protected:
  CapacityTest() {
    Put(OpenAgent());
    Put(ConnectedInstance("one"));
    WorkerOptions options;
    options.sweep_interval = Duration::zero();
    options.also_follow = Resources();
    worker_ = std::make_unique<Worker>(Worker::Ports{client_, waker_, random_, metrics_, log_},
                                       std::vector{MakeController(reconciler_)}, options);
  }

  template <typename T>
  void Put(const T& typed) {
    client_.Put(T::Type(), api::ToBody(typed));
  }
  /// Manual work about a job of its own.
  api::Dispatch Work(const std::string& name) {
    api::ModuleJob job = *Seen::Ready().world().job;
    job.metadata.name = "job-of-" + name;
    Put(job);
    api::Dispatch work = Waiting();
    work.metadata.name = name;
    work.metadata.uid = "uid-" + name;
    work.metadata.resource_version.clear();
    work.spec.mission_ref.reset();
    work.spec.module_job_ref = {.name = job.metadata.name, .job_id = name, .key = ""};
    return work;
  }
  void Settle() {
    for (int i = 0; i < 100'000 && worker_->Step(clock_.Read()); ++i) {
    }
  }
  api::Dispatch Stored(const std::string& name) {
    return api::FromObject<api::Dispatch>(client_.Find(TypedKey<api::Dispatch>("payments", name)))
        .value();
  }
  std::string StateOf(const std::string& name) {
    const api::DispatchStatus status = Stored(name).status;
    return status.reason.empty() ? std::string(api::ToString(status.phase)) : status.reason;
  }

  fakes::ManualClock clock_;
  fakes::FakeKubeClient client_{clock_};
  fakes::CountingWaker waker_;
  fakes::SeededRandom random_{1};
  fakes::RecordingMetrics metrics_;
  fakes::RecordingLog log_;
  DispatchReconciler reconciler_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(CapacityTest, AWaiterIsWokenWhenTheAssignmentThatItGaveWayToFails) {
  Put(Work("holder"));
  Settle();
  ASSERT_EQ(StateOf("holder"), "Assigned");
  Put(Work("waiter"));
  Settle();
  ASSERT_EQ(StateOf("waiter"), "AtCapacity");

  // The slot frees as something more urgent comes, and that cannot take its lock.
  api::Dispatch urgent = Work("urgent");
  urgent.spec.priority = 9;
  client_.HoldAnswers(true);
  client_.FailNext({.verb = "create",
                    .resource = "leases.coordination.k8s.io",
                    .error = {ErrorCode::kUnavailable, "try again"}});
  Put(urgent);
  api::Dispatch over = Stored("holder");
  over.status.phase = api::DispatchPhase::kCancelled;
  Put(over);
  Settle();
  ASSERT_EQ(StateOf("waiter"), "AtCapacity") << "the slot is assumed to be taken";
  client_.HoldAnswers(false);
  while (client_.DeliverAnswer()) {
  }
  Settle();
  EXPECT_EQ(StateOf("urgent"), "Pending");
  EXPECT_EQ(StateOf("waiter"), "Assigned") << "without any time passing";
}

}  // namespace
}  // namespace midwatch::dispatch
