// What a job is matched against, how new that must be, and what is written.

#include "controller/reconcilers/matching/matching_reconciler.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "controller/api/core.h"
#include "controller/api/dispatch.h"
#include "controller/api/module_job.h"
#include "controller/api/names.h"
#include "controller/reconcilers/scope/scope.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/testing/guarded.h"
#include "controller/testing/view_builder.h"

namespace midwatch::matching {
namespace {

constexpr Now kNoon{.wall = {1'800'000'000'000'000}, .mono = {5'000'000'000}};

class MatchingReconcilerTest : public testing::Test {
 protected:
  MatchingReconcilerTest() {
    for (const ResourceType& type : Resources()) {
      view_.Follow(type);
    }
    view_.Follow(controller_);
    api::Namespace space;
    space.metadata.name = "payments";
    space.metadata.labels.emplace(api::labels::kStack, "shop");
    Put(space);
    Put(Mission<api::OrganizationMission>("everywhere"));
    for (const std::string stack : {"shop", "bank"}) {
      auto mission = Mission<api::StackMission>("stack-" + stack);
      mission.spec.stack_ref = api::NameRef{stack};
      Put(mission);
    }
    for (const std::string other : {"payments", "orders"}) {
      Put(Mission<api::NamespaceMission>("namespace-" + other, other));
      for (const std::string module : {"database", "frontend"}) {
        auto mission = Mission<api::ModuleMission>("module-" + other + "-" + module, other);
        mission.spec.module_ref = api::NameRef{module};
        Put(mission);
      }
    }
  }
  template <typename T>
  static T Mission(std::string name, std::string space = {}) {
    T mission;
    mission.metadata.name = std::move(name);
    mission.metadata.namespace_name = std::move(space);
    mission.spec.agent_ref = {"agents", "ops"};
    mission.spec.mission_type = api::MissionType::kAutoDiagnose;
    return mission;
  }
  template <typename T>
  void Put(T typed) {
    typed.metadata.uid = "uid-" + typed.metadata.name;
    typed.metadata.resource_version = std::to_string(++version_);
    view_.Put(T::Type(), api::ToObject(typed).value(), kNoon);
  }
  /// A job of payments/database has failed; the version of that.
  std::int64_t FailJob() {
    api::ModuleJob job;
    job.metadata.name = "database-3";
    job.metadata.namespace_name = "payments";
    job.spec.module_ref.name = "database";
    job.spec.job_id = "3";
    job.spec.transitions = {{.seq = 0, .state = api::JobState::kFailed, .at = kNoon.wall}};
    Put(job);
    return version_;
  }
  void FreshTo(std::int64_t version, const ResourceType* but = nullptr) {
    for (const ResourceType& type : Resources()) {
      if (but == nullptr || type != *but) {
        view_.FreshTo(type, version);
      }
    }
  }
  Plan Reconcile() {
    return reconciler_
        .Reconcile(TypedKey<api::ModuleJob>("payments", "database-3"), view_.view(), kNoon)
        .value();
  }

  MatchingReconciler reconciler_;
  Controller controller_ = MakeController(reconciler_);
  fakes::ViewBuilder view_;
  std::int64_t version_ = 0;
};

TEST_F(MatchingReconcilerTest, TheMissionsOfAllScopesThatHoldTheJobFireOnceEach) {
  FreshTo(FailJob());
  const Plan plan = Reconcile();
  ASSERT_EQ(plan.effects.size(), 6U);
  const auto* told = std::get_if<Record>(&plan.effects[1]);
  ASSERT_NE(told, nullptr) << "behind the record, whatever becomes of the rest";
  EXPECT_EQ(told->create.object.At("reason").AsString(), "Matched");
  const auto& record = std::get<UpdateRequest>(std::get<Write>(plan.effects[0]));
  EXPECT_EQ(record.subresource, "status");
  EXPECT_TRUE(fakes::IsGuarded(record)) << "the instant of the event is one compare-and-swap";
  std::set<std::string> fired;
  for (std::size_t i = 2; i < plan.effects.size(); ++i) {
    const auto& create = std::get<CreateRequest>(std::get<Write>(plan.effects[i]));
    EXPECT_EQ(create.type, api::Dispatch::Type());
    fired.insert(std::string(create.object.At("spec", "missionRef", "name").AsString()));
  }
  EXPECT_EQ(fired, (std::set<std::string>{"everywhere", "stack-shop", "namespace-payments",
                                          "module-payments-database"}));
}

TEST_F(MatchingReconcilerTest, ANameThatAnotherJobsDispatchHasIsLeftToIt) {
  FreshTo(FailJob());
  const Plan first = Reconcile();
  const auto& taken = std::get<CreateRequest>(std::get<Write>(first.effects[2]));
  auto job =
      FindTyped<api::ModuleJob>(view_.view(), "payments", "database-3").value_or(api::ModuleJob());
  const auto& record = std::get<UpdateRequest>(std::get<Write>(first.effects[0]));
  job.status = api::Decode<api::ModuleJobStatus>(record.object.At("status")).value();
  Put(job);
  auto other = api::FromBody<api::Dispatch>(taken.object).value();
  other.spec.module_job_ref.name = "database-apply";  // Of the same jobID.
  Put(other);
  const Plan second = Reconcile();
  ASSERT_EQ(second.effects.size(), 5U) << "the record, and four that nobody else has";
  EXPECT_TRUE(std::holds_alternative<UpdateRequest>(std::get<Write>(second.effects[0])));
  for (std::size_t i = 1; i < second.effects.size(); ++i) {
    const auto& create = std::get<CreateRequest>(std::get<Write>(second.effects[i]));
    EXPECT_NE(create.object.At("metadata", "name"), taken.object.At("metadata", "name"));
  }
}

/// Of the kinds that decide, the one that the view shows as it was before the job failed.
class OldViewTest : public MatchingReconcilerTest,
                    public testing::WithParamInterface<std::size_t> {};

TEST_P(OldViewTest, IsReadAnewBeforeAnythingIsRecorded) {
  std::vector<ResourceType> deciding = MissionTypes();
  deciding.push_back(api::Namespace::Type());
  const std::int64_t failed = FailJob();
  FreshTo(failed, &deciding.at(GetParam()));
  std::set<std::string> read;
  for (const Effect& effect : Reconcile().effects) {
    ASSERT_TRUE(std::holds_alternative<Refresh>(effect));
    read.insert(std::get<Refresh>(effect).type.kind);
  }
  EXPECT_EQ(read.size(), deciding.size());
  FreshTo(failed);
  EXPECT_TRUE(std::holds_alternative<Write>(Reconcile().effects.at(0)));
}

INSTANTIATE_TEST_SUITE_P(Kinds, OldViewTest, testing::Range(std::size_t{0}, std::size_t{5}));

}  // namespace
}  // namespace midwatch::matching
