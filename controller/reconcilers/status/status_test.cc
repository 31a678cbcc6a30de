// What is said of Agents, AgentAssignments and missions, and what makes it be said anew.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "controller/api/core.h"
#include "controller/api/module.h"
#include "controller/api/stack.h"
#include "controller/reconcilers/scope/scope.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/reconcilers/status/status_plan.h"
#include "controller/reconcilers/status/status_reconciler.h"
#include "controller/testing/view_builder.h"

namespace midwatch::status {
namespace {

constexpr Now kNoon{.wall = {1'800'000'000'000'000}, .mono = {5'000'000'000}};

/// `Ready=True InOrder, Connected=False NoInstance`
std::string Say(const std::vector<api::Condition>& conditions) {
  std::string out;
  for (const api::Condition& condition : conditions) {
    out += (out.empty() ? "" : ", ") + condition.type + "=" +
           std::string(api::ToString(condition.status)) + " " + condition.reason;
  }
  return out;
}

api::AgentInstance Instance(std::string name, bool connected, std::int64_t capacity = 2,
                            std::int64_t live_runs = 0) {
  api::AgentInstance instance;
  instance.metadata.name = std::move(name);
  instance.metadata.namespace_name = "agents";
  instance.spec.agent_ref.name = "ops";
  instance.spec.capacity = capacity;
  instance.status.connected = connected;
  instance.status.live_runs = live_runs;
  return instance;
}

TEST(PlanAgent, IsReadyWithoutAConnectionWhichIsAConditionOfItsOwn) {
  api::Agent agent;
  agent.metadata.generation = 3;
  EXPECT_EQ(agent.status.observed_generation, -1);
  const auto alone = PlanAgent(agent, {}, kNoon.wall);
  EXPECT_EQ(Say(alone.conditions), "Ready=True InOrder, Connected=False NoInstance");
  EXPECT_EQ(alone.observed_generation, 3);
  EXPECT_TRUE(alone.active);
  const auto connected =
      PlanAgent(agent, {Instance("one", true, 2, 1), Instance("two", true, 3)}, kNoon.wall);
  EXPECT_EQ(Say(connected.conditions), "Ready=True InOrder, Connected=True InstanceConnected");
}

TEST(PlanAgent, CountsTheSlotsOfConnectedInstancesAndTheRunsOfAll) {
  const auto status = PlanAgent(
      {}, {Instance("one", true, 2, 1), Instance("two", true, 3), Instance("gone", false, 9, 2)},
      kNoon.wall);
  EXPECT_EQ(status.connected_instances, 2);
  EXPECT_EQ(status.capacity, 5);
  EXPECT_EQ(status.live_runs, 3);
}

TEST(PlanAgent, ASuspendedOneIsNotActive) {
  api::Agent agent;
  agent.spec.suspend = true;
  EXPECT_FALSE(PlanAgent(agent, {}, kNoon.wall).active);
}

TEST(PlanAssignment, IsReadyIfItsAgentAndItsScopeExist) {
  api::AgentAssignment grant;
  grant.metadata.generation = 2;
  grant.spec.agent_ref.name = "ops";
  EXPECT_EQ(PlanAssignment(grant, true, "", kNoon.wall).observed_generation, 2);
  EXPECT_EQ(Say(PlanAssignment(grant, true, "", kNoon.wall).conditions), "Ready=True InOrder");
  const auto nowhere = PlanAssignment(grant, true, "Stack \"shop\"", kNoon.wall);
  EXPECT_EQ(Say(nowhere.conditions), "Ready=False ScopeNotFound");
  EXPECT_EQ(nowhere.conditions[0].message, "there is no Stack \"shop\"");
  const auto status = PlanAssignment(grant, false, "Stack \"shop\"", kNoon.wall);
  EXPECT_EQ(Say(status.conditions), "Ready=False AgentNotFound");
  EXPECT_EQ(status.conditions[0].message, "there is no Agent \"ops\"");
}

TEST(PlanMission, IsReadyIfWhatItNamesExistsAndActiveUnlessDisabled) {
  api::MissionSpec spec;
  spec.agent_ref = {"agents", "ops"};
  const auto ready = PlanMission(spec, {}, {4, true}, kNoon.wall);
  EXPECT_EQ(Say(ready.conditions), "Ready=True InOrder");
  EXPECT_EQ(ready.observed_generation, 4);
  EXPECT_TRUE(ready.active);
  spec.is_disabled = true;
  EXPECT_FALSE(PlanMission(spec, ready, {5, true}, kNoon.wall).active);
  const auto lost = PlanMission(spec, ready, {5, false}, kNoon.wall + std::chrono::hours(1));
  EXPECT_EQ(lost.conditions.at(0).message, "there is no Agent \"agents/ops\"");
  EXPECT_EQ(Say(PlanMission(spec, ready, {5, true, "Stack \"shop\""}, kNoon.wall).conditions),
            "Ready=False ScopeNotFound");
}

/// A view of all that statuses rest on; the triggers say who looks again.
class StatusTest : public testing::Test {
 protected:
  StatusTest() {
    for (const ResourceType& type : Resources()) {
      view_.Follow(type);
    }
    for (const Controller& controller : controllers_) {
      view_.Follow(controller);
    }
  }
  template <typename T>
  ObjectKey Put(T typed) {
    typed.metadata.uid = "uid-" + typed.metadata.name;
    typed.metadata.resource_version = std::to_string(++version_);
    const Object after = api::ToObject(typed).value();
    const ObjectKey key = KeyOf(T::Type(), after);
    const Object before = view_.view().Find(key);
    view_.Put(T::Type(), after, kNoon);
    Note(T::Type(), before, after);
    return key;
  }
  template <typename T>
  void Remove(std::string_view space, std::string_view name) {
    const auto key = TypedKey<T>(space, name);
    const Object before = view_.view().Find(key);
    view_.Remove(key);
    Note(T::Type(), before, Object());
  }
  void Note(const ResourceType& type, const Object& before, const Object& after) {
    woken_.clear();
    for (const Controller& controller : controllers_) {
      for (const Trigger& trigger : controller.triggers) {
        if (trigger.source == type) {
          for (const ObjectKey& key : trigger.affected(Change{type, before, after}, view_.view())) {
            woken_.push_back(key.ToString());
          }
        }
      }
    }
  }
  bool Woken(const ObjectKey& key) const {
    return std::find(woken_.begin(), woken_.end(), key.ToString()) != woken_.end();
  }
  /// Writes what the reconciler wants; the condition Ready, or "unchanged".
  template <typename T>
  std::string Reconcile(const ObjectKey& key) {
    const Plan plan = reconciler_.Reconcile(key, view_.view(), kNoon).value();
    if (plan.effects.empty()) {
      return "unchanged";
    }
    EXPECT_EQ(plan.effects.size(), 1U);
    const auto& update = std::get<UpdateRequest>(std::get<Write>(plan.effects[0]));
    EXPECT_EQ(update.subresource, "status");
    EXPECT_EQ(update.object.At("metadata", "resourceVersion").AsString(),
              view_.view().Find(key).resource_version());
    EXPECT_EQ(update.object.At("metadata", "uid").AsString(), view_.view().Find(key).uid());
    T typed = *FindTyped<T>(view_.view(), key.namespace_name, key.name);
    Json body = api::ToBody(typed);
    body.Set("status", update.object.At("status"));
    typed = api::FromObject<T>(Object::FromJson(std::move(body)).value()).value();
    Put(typed);
    return Say(typed.status.conditions);
  }

  StatusReconciler reconciler_;
  std::vector<Controller> controllers_ = MakeControllers(reconciler_);
  fakes::ViewBuilder view_;
  std::int64_t version_ = 10;
  std::vector<std::string> woken_;
};

template <typename T>
T Named(std::string name, std::string space = {}) {
  T typed;
  typed.metadata.name = std::move(name);
  typed.metadata.namespace_name = std::move(space);
  return typed;
}

TEST_F(StatusTest, AnAgentLooksAgainWhenItsInstancesConnectAndGo) {
  const ObjectKey agent = Put(Named<api::Agent>("ops", "agents"));
  EXPECT_EQ(Reconcile<api::Agent>(agent), "Ready=True InOrder, Connected=False NoInstance");
  EXPECT_EQ(Reconcile<api::Agent>(agent), "unchanged");
  Put(Instance("one", true));
  EXPECT_TRUE(Woken(agent));
  EXPECT_EQ(Reconcile<api::Agent>(agent), "Ready=True InOrder, Connected=True InstanceConnected");
  Remove<api::AgentInstance>("agents", "one");
  EXPECT_TRUE(Woken(agent));
  EXPECT_EQ(Reconcile<api::Agent>(agent), "Ready=True InOrder, Connected=False NoInstance");
}

TEST_F(StatusTest, AnAssignmentLooksAgainWhenWhatItNamesComesAndGoes) {
  const auto check = [&](auto edit, const auto& scope, std::string_view space,
                         std::string_view missing) {
    using Scope = std::decay_t<decltype(scope)>;
    auto grant = Named<api::AgentAssignment>("grant", "agents");
    grant.spec.agent_ref.name = "ops";
    edit(grant.spec);
    const ObjectKey key = Put(grant);
    EXPECT_EQ(Reconcile<api::AgentAssignment>(key), "Ready=False AgentNotFound");
    Put(Named<api::Agent>("ops", "agents"));
    EXPECT_TRUE(Woken(key));
    EXPECT_EQ(Reconcile<api::AgentAssignment>(key), "Ready=False ScopeNotFound");
    EXPECT_EQ(FindTyped<api::AgentAssignment>(view_.view(), "agents", "grant")
                  ->status.conditions.at(0)
                  .message,
              missing);
    Put(scope);
    EXPECT_TRUE(Woken(key));
    EXPECT_EQ(Reconcile<api::AgentAssignment>(key), "Ready=True InOrder");
    EXPECT_EQ(Reconcile<api::AgentAssignment>(key), "unchanged");
    Remove<Scope>(space, scope.metadata.name);
    EXPECT_TRUE(Woken(key));
    EXPECT_EQ(Reconcile<api::AgentAssignment>(key), "Ready=False ScopeNotFound");
    Remove<api::Agent>("agents", "ops");
    EXPECT_TRUE(Woken(key));
    Remove<api::AgentAssignment>("agents", "grant");
  };
  check([](auto& spec) { spec.stack_ref = api::NameRef{"shop"}; }, Named<api::Stack>("shop"), "",
        "there is no Stack \"shop\"");
  check([](auto& spec) { spec.namespace_ref = api::NameRef{"payments"}; },
        Named<api::Namespace>("payments"), "", "there is no Namespace \"payments\"");
  check(
      [](auto& spec) {
        spec.module_ref = api::NamespacedRef{"payments", "database"};
      },
      Named<api::Module>("database", "payments"), "payments",
      "there is no Module \"payments/database\"");
}

TEST_F(StatusTest, AMissionLooksAgainWhenWhatItNamesComesAndGoes) {
  auto mission = Named<api::ModuleMission>("diagnose", "payments");
  mission.spec.agent_ref = {"agents", "ops"};
  mission.spec.module_ref = api::NameRef{"database"};
  const ObjectKey key = Put(mission);
  EXPECT_EQ(Reconcile<api::ModuleMission>(key), "Ready=False AgentNotFound");
  Put(Named<api::Agent>("ops", "agents"));
  EXPECT_TRUE(Woken(key));
  EXPECT_EQ(Reconcile<api::ModuleMission>(key), "Ready=False ScopeNotFound");
  Put(Named<api::Module>("database", "elsewhere"));
  EXPECT_FALSE(Woken(key));
  Put(Named<api::Module>("database", "payments"));
  EXPECT_TRUE(Woken(key));
  EXPECT_EQ(Reconcile<api::ModuleMission>(key), "Ready=True InOrder");
  Remove<api::Module>("payments", "database");
  EXPECT_TRUE(Woken(key));

  auto of_stack = Named<api::StackMission>("summarize");
  of_stack.spec.agent_ref = {"agents", "ops"};
  of_stack.spec.stack_ref = api::NameRef{"shop"};
  const ObjectKey other = Put(of_stack);
  EXPECT_EQ(Reconcile<api::StackMission>(other), "Ready=False ScopeNotFound");
  Put(Named<api::Stack>("shop"));
  EXPECT_TRUE(Woken(other));
  EXPECT_EQ(Reconcile<api::StackMission>(other), "Ready=True InOrder");
}

TEST_F(StatusTest, OfWhatIsBeingDeletedNothingIsSaid) {
  auto agent = Named<api::Agent>("ops", "agents");
  agent.metadata.deletion_timestamp = FormatTime(kNoon.wall);
  agent.metadata.finalizers = {"example.com/hold"};
  EXPECT_EQ(Reconcile<api::Agent>(Put(agent)), "unchanged");
}

}  // namespace
}  // namespace midwatch::status
