// What is written: to the Lease that is the lock of a (job, mission type), into a Run from the jobs
// before, and how all writes are guarded.

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "controller/api/lease.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/dispatch/dispatch_test_world.h"
#include "controller/reconcilers/dispatch/report_plan.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/testing/guarded.h"
#include "controller/testing/view_builder.h"

namespace midwatch::dispatch {
namespace {

using Finalizers = std::vector<std::string>;

class LockTest : public testing::Test {
 protected:
  LockTest() {
    for (const ResourceType& type : Resources()) {
      view_.Follow(type);
    }
    view_.Follow(MakeController(reconciler_));
    api::OrganizationMission mission;
    mission.metadata.name = "diagnose";
    mission.metadata.uid = "mission-1";
    mission.spec.mission_type = api::MissionType::kAutoDiagnose;
    mission.spec.agent_ref = Waiting().spec.agent_ref;
    Put(mission);
    Put(*Seen::Ready().world().job);
    Put(OpenAgent());
    Put(ConnectedInstance("one"));
  }

  template <typename T>
  void Put(T typed) {
    if (typed.metadata.uid.empty()) {
      typed.metadata.uid = "uid-" + typed.metadata.name;
    }
    typed.metadata.resource_version = std::to_string(++version_);
    view_.Put(T::Type(), api::ToObject(typed).value(), kNoon);
  }
  void PutLease(std::string holder, Finalizers finalizers) {
    api::Lease lease;
    lease.metadata.name = LockName("job-3", api::MissionType::kAutoDiagnose);
    lease.metadata.namespace_name = "payments";
    lease.metadata.finalizers = std::move(finalizers);
    lease.spec.holder_identity = std::move(holder);
    Put(lease);
  }

  Plan PlanFor(const api::Dispatch& dispatch) {
    Put(dispatch);
    return reconciler_
        .Reconcile(TypedKey<api::Dispatch>("payments", dispatch.metadata.name), view_.view(), kNoon)
        .value();
  }
  /// What the plan writes, in order and in a line: `create leases.coordination.k8s.io, …`. Each
  /// write must be guarded. Events are created apart.
  std::string Verbs(const api::Dispatch& dispatch) {
    std::string out;
    for (const Effect& effect : PlanFor(dispatch).effects) {
      if (std::holds_alternative<Record>(effect)) {
        continue;
      }
      const auto& write = std::get<Write>(effect);
      constexpr std::array kVerbs = {"create", "update", "patch", "delete"};
      out += (out.empty() ? "" : ", ") + std::string(kVerbs.at(write.index())) + " " +
             std::visit([](const auto& request) { return request.type.kind; }, write);
      EXPECT_TRUE(fakes::IsGuarded(write)) << out;
    }
    return out;
  }
  /// What the plan for the Dispatch writes to the Lease; null if nothing.
  Json WrittenFor(const api::Dispatch& dispatch) {
    for (const Effect& effect : PlanFor(dispatch).effects) {
      const auto* write = std::get_if<Write>(&effect);
      const auto* create = write ? std::get_if<CreateRequest>(write) : nullptr;
      const auto* patch = write ? std::get_if<PatchRequest>(write) : nullptr;
      if (create && create->type == api::Lease::Type()) {
        return create->object;
      }
      if (patch && patch->type == api::Lease::Type()) {
        return patch->patch;
      }
    }
    return {};
  }

  DispatchReconciler reconciler_;
  fakes::ViewBuilder view_;
  std::int64_t version_ = 0;
};

/// `holder|finalizer,…` of a Lease or of a patch of it.
std::string Text(const Json& lease) {
  std::string out(lease.At("spec", "holderIdentity").AsString());
  out += "|";
  for (const Json& finalizer : lease.At("metadata", "finalizers").Items()) {
    out += finalizer.AsString() + ",";
  }
  return out;
}

const std::string kHolder = "agents/" + Assigned().status.run->name;
const std::string kRunFinalizer(api::finalizers::kRun);

TEST_F(LockTest, OutlivesItsJobWhileARunHoldsIt) {
  EXPECT_EQ(Text(WrittenFor(Waiting())), kHolder + "|" + kRunFinalizer + ",");
}

TEST_F(LockTest, OfManualWorkGoesWithItsJobToo) {
  api::Dispatch manual = Waiting();
  manual.spec.mission_ref.reset();
  const Json lease = WrittenFor(manual);
  ASSERT_EQ(lease.At("metadata", "ownerReferences").Items().size(), 1U);
  const Json& owner = lease.At("metadata", "ownerReferences").Items().front();
  EXPECT_EQ(owner.At("kind").AsString(), "ModuleJob");
  EXPECT_EQ(owner.At("name").AsString(), "job-3");
  EXPECT_EQ(owner.At("uid").AsString(), "uid-job-3");
}

TEST_F(LockTest, ThatIsTakenAgainOutlivesItsJobToo) {
  PutLease("", {"other"});
  EXPECT_EQ(Text(WrittenFor(Waiting())), kHolder + "|other," + kRunFinalizer + ",");
}

TEST_F(LockTest, MayGoWithItsJobOnceTheRunHasStopped) {
  PutLease(kHolder, {kRunFinalizer, "other"});
  Put(Ended(Assigned(), api::RunPhase::kFailed, api::dispatch_reason::kOutputMissing));
  EXPECT_EQ(Text(WrittenFor(Assigned())), "|other,");
}

TEST_F(LockTest, ADeletedDispatchIsNotLetGoBeforeItsJobIsKnownToBeGone) {
  api::Dispatch deleted = Finished(api::DispatchPhase::kCancelled);
  deleted.metadata.deletion_timestamp = FormatTime(kNoon.wall);
  deleted.spec.module_job_ref.name = "job-not-seen-yet";
  const Plan plan = PlanFor(deleted);
  ASSERT_EQ(plan.effects.size(), 1U);
  const auto* confirm = std::get_if<Confirm>(&plan.effects.front());
  ASSERT_NE(confirm, nullptr);
  EXPECT_EQ(confirm->get.name, "job-not-seen-yet");
}

TEST_F(LockTest, TheRunCarriesTheLastJobsOfItsModuleNewestFirst) {
  const auto put_job = [&](const std::string& name, const std::string& module, int minutes_ago) {
    api::ModuleJob job;
    job.metadata.name = name;
    job.metadata.namespace_name = "payments";
    job.metadata.creation_timestamp = FormatTime(kNoon.wall - std::chrono::minutes(minutes_ago));
    job.spec.module_ref.name = module;
    Put(job);
  };
  for (int i = 1; i <= static_cast<int>(kHistoryEntries) + 5; ++i) {
    put_job("earlier-" + std::to_string(i), "database", 57 * i);  // Over hours and a day.
  }
  put_job("job-of-another", "database-2", 1);
  put_job("job-3", "database", 0);  // Its own.

  std::vector<std::string> carried;
  for (const Effect& effect : PlanFor(Waiting()).effects) {
    const auto* write = std::get_if<Write>(&effect);
    const auto* create = write ? std::get_if<CreateRequest>(write) : nullptr;
    if (create && create->type == api::Run::Type()) {
      for (const Json& entry : create->object.At("spec", "history").Items()) {
        carried.emplace_back(entry.At("name").AsString());
      }
    }
  }
  ASSERT_EQ(carried.size(), kHistoryEntries);
  for (std::size_t i = 0; i < carried.size(); ++i) {
    EXPECT_EQ(carried[i], "earlier-" + std::to_string(i + 1));
  }
}

TEST_F(LockTest, EachWriteIsACreateOrForTheVersionThatWasSeen) {
  EXPECT_EQ(Verbs(Waiting()), "create Lease, update Dispatch, create Run");
  PutLease("", {});
  EXPECT_EQ(Verbs(Waiting()), "patch Lease, update Dispatch, create Run");
  api::Dispatch elsewhere = Waiting();
  elsewhere.spec.agent_ref.name = "other";
  EXPECT_EQ(Verbs(elsewhere), "patch Dispatch");

  PutLease(kHolder, {kRunFinalizer});
  Put(RunOf(Assigned(), api::RunPhase::kRunning));
  api::Dispatch cancelled = Assigned();
  cancelled.spec.cancel = true;
  EXPECT_EQ(Verbs(cancelled), "update Dispatch, patch Run");
  Put(WithResult(Ended(Assigned(), api::RunPhase::kSucceeded), kDiagnosis));
  EXPECT_EQ(Verbs(Assigned()), "patch Lease, create Report, update Dispatch, patch Run");

  api::Dispatch deleted = Finished(api::DispatchPhase::kSucceeded);
  deleted.metadata.deletion_timestamp = FormatTime(kNoon.wall);
  EXPECT_EQ(Verbs(deleted), "patch Lease, update Dispatch, delete Run");
}

}  // namespace
}  // namespace midwatch::dispatch
