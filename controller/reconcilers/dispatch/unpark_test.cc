// Each reason that parks, with each edge that unparks it: the change reaches the parked Dispatch
// through the triggers, and the next decision upon the changed world is to assign it.

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "controller/api/agent_assignment.h"
#include "controller/api/agent_instance.h"
#include "controller/api/core.h"
#include "controller/api/lease.h"
#include "controller/api/stack.h"
#include "controller/reconcilers/dispatch/dispatch_index.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/dispatch/dispatch_test_world.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/testing/view_builder.h"

namespace midwatch::dispatch {
namespace {

namespace reason = api::dispatch_reason;

const Now kAnHourAgo{kNoon.wall - std::chrono::hours(1), kNoon.mono - std::chrono::hours(1)};

/// The store as far as one test needs it: what is put becomes visible, and the triggers say which
/// Dispatches look again.
class Store {
 public:
  Store() {
    for (const ResourceType& type : Resources()) {
      view_.Follow(type);
    }
    view_.Follow(controller_);
    Put(Job());
    Put(Mission());
    Put(Agent());
    Put(Assignment());
    Put(ConnectedInstance("one"));
  }

  template <typename T>
  void Put(T typed) {
    if (typed.metadata.uid.empty()) {
      typed.metadata.uid = "uid-" + typed.metadata.name;
    }
    typed.metadata.resource_version = std::to_string(++version_);
    const Object after = api::ToObject(typed).value();
    const Object before = view_.view().Find(KeyOf(T::Type(), after));
    view_.Put(T::Type(), after, kAnHourAgo);
    Trigger(T::Type(), before, after);
  }
  template <typename T>
  void Remove(const std::string& space, const std::string& name) {
    const auto key = TypedKey<T>(space, name);
    const Object before = view_.view().Find(key);
    view_.Remove(key);
    Trigger(T::Type(), before, Object());
  }

  /// Decides about the Dispatch and stores the status, as the writes of the plan would.
  std::string Decide() {
    woken_.clear();
    auto dispatch = *FindTyped<api::Dispatch>(view_.view(), "payments", "database-abc");
    const Decision decision =
        PlanDispatch(dispatch, Observe(dispatch, view_.view()), Now{kNoon.wall, now_});
    if (decision.follow) {
      dispatch.spec = *decision.follow;
      Put(dispatch);
      return Decide();
    }
    dispatch.status = decision.status;
    Put(dispatch);
    woken_.clear();
    return dispatch.status.reason.empty() ? std::string(api::ToString(dispatch.status.phase))
                                          : dispatch.status.reason;
  }
  /// A plan in flight makes the Dispatch what `assumed` says, and then does not.
  void Assume(const api::Dispatch& assumed) {
    api::Dispatch stored = assumed;
    stored.status = {};
    stored.status.phase = api::DispatchPhase::kParked;
    stored.status.reason = reason::kAgentSuspended;
    Put(stored);
    assumed_ = api::ToObject(assumed).value();
    view_.indexed().SetInFlight([this](std::string_view resource) {
      return assumed_ && resource == api::Dispatch::Type().Resource() ? std::vector{assumed_}
                                                                      : std::vector<Object>{};
    });
  }
  void EndAssumption() {
    const Object assumed = std::exchange(assumed_, Object());
    const auto key = KeyOf(api::Dispatch::Type(), assumed);
    Trigger(api::Dispatch::Type(), assumed, view_.view().Find(key));
  }
  bool Woken() const { return woken_.contains("database-abc"); }
  const View& view() const { return view_.view(); }
  void Pass(Duration time) { now_ = now_ + time; }

  static api::ModuleJob Job() {
    api::ModuleJob job = *Seen::Ready().world().job;
    return job;
  }
  static api::OrganizationMission Mission() {
    api::OrganizationMission mission;
    mission.metadata.name = "diagnose";
    mission.metadata.uid = "mission-1";
    mission.spec.mission_type = api::MissionType::kAutoDiagnose;
    mission.spec.agent_ref = Waiting().spec.agent_ref;
    return mission;
  }
  static api::Agent Agent() {
    api::Agent agent;
    agent.metadata.name = "ops";
    agent.metadata.namespace_name = "agents";
    return agent;
  }
  static api::AgentAssignment Assignment() {
    api::AgentAssignment assignment;
    assignment.metadata.name = "everywhere";
    assignment.metadata.namespace_name = "agents";
    assignment.spec.agent_ref.name = "ops";
    assignment.spec.organization = true;
    return assignment;
  }
  /// Another Dispatch of the same Agent that runs on that instance.
  static api::Dispatch Other(std::string instance) {
    api::Dispatch other = Assigned();
    other.metadata.name = "other";
    other.metadata.uid = "uid-other";
    other.spec.module_job_ref.name = "job-2";
    other.status.instance = std::move(instance);
    return other;
  }
  /// Another one that waits for a slot and goes first.
  static api::Dispatch First(std::string sidecar) {
    api::Dispatch first = Waiting();
    first.metadata.name = "first";
    first.metadata.uid = "uid-first";
    first.spec.priority = 5;
    first.spec.sidecar_name = std::move(sidecar);
    first.status.phase = api::DispatchPhase::kParked;
    first.status.reason = reason::kAtCapacity;
    return first;
  }
  static api::Lease Lock(std::string holder) {
    api::Lease lease;
    lease.metadata.name = LockName("job-3", api::MissionType::kAutoDiagnose);
    lease.metadata.namespace_name = "payments";
    lease.spec.holder_identity = std::move(holder);
    return lease;
  }

 private:
  void Trigger(const ResourceType& type, const Object& before, const Object& after) {
    if (type == api::Dispatch::Type() && after) {
      woken_.insert(after.name());
    }
    for (const midwatch::Trigger& trigger : controller_.triggers) {
      if (trigger.source == type) {
        for (const ObjectKey& key : trigger.affected(Change{type, before, after}, view_.view())) {
          woken_.insert(key.name);
        }
      }
    }
  }

  DispatchReconciler reconciler_;
  Controller controller_ = MakeController(reconciler_);
  fakes::ViewBuilder view_;
  std::int64_t version_ = 100;
  std::set<std::string> woken_;
  MonoTime now_ = kNoon.mono;
  Object assumed_;
};

struct UnparkCase {
  const char* name;
  std::string_view parked_for;
  std::function<void(Store&)> break_it;
  std::function<void(Store&)> mend_it;
};

class UnparkTest : public testing::TestWithParam<UnparkCase> {};

TEST_P(UnparkTest, TheEdgeReachesAndAssignsIt) {
  const UnparkCase& c = GetParam();
  Store store;
  c.break_it(store);
  store.Put(Waiting());
  ASSERT_EQ(store.Decide(), c.parked_for);
  const auto parked = FindTyped<api::Dispatch>(store.view(), "payments", "database-abc");
  EXPECT_NE(parked->status.message, "");
  EXPECT_NE(parked->status.unparked_by, "");
  EXPECT_FALSE(parked->status.blocked_on.empty());
  c.mend_it(store);
  EXPECT_TRUE(store.Woken());
  EXPECT_EQ(store.Decide(), "Assigned");
}

template <typename Edit>
api::AgentInstance EditInstance(std::string name, Edit edit) {
  api::AgentInstance instance = ConnectedInstance(std::move(name));
  edit(instance);
  return instance;
}

template <typename Edit>
api::AgentAssignment EditAssignment(Edit edit) {
  api::AgentAssignment assignment = Store::Assignment();
  assignment.metadata.name = "narrow";
  assignment.spec.organization = false;
  edit(assignment.spec);
  return assignment;
}

api::Namespace Payments(const std::string& stack) {
  api::Namespace space;
  space.metadata.name = "payments";
  if (!stack.empty()) {
    space.metadata.labels.emplace(api::labels::kStack, stack);
  }
  return space;
}

void NoAssignment(Store& s) { s.Remove<api::AgentAssignment>("agents", "everywhere"); }
void NoInstance(Store& s) { s.Remove<api::AgentInstance>("agents", "one"); }
void Full(Store& s) { s.Put(Store::Other("one")); }
void OffersOther(Store& s) {
  s.Put(EditInstance("one", [](auto& i) { i.spec.sidecars = {{.name = "a"}, {.name = "b"}}; }));
}

TEST(ParkedWithoutInstance, SaysWhetherThereIsOneThatDrains) {
  Store store;
  store.Put(EditInstance("one", [](auto& i) { i.spec.draining = true; }));
  store.Put(Waiting());
  const auto message = [&] {
    EXPECT_EQ(store.Decide(), reason::kNoConnectedInstance);
    return FindTyped<api::Dispatch>(store.view(), "payments", "database-abc")->status.message;
  };
  EXPECT_EQ(message(),
            "no instance of Agent \"agents/ops\" takes new work: what is connected is draining");
  store.Put(EditInstance("one", [](auto& i) { i.status.connected = false; }));
  EXPECT_TRUE(store.Woken());
  EXPECT_EQ(message(), "no instance of Agent \"agents/ops\" is connected");
}

INSTANTIATE_TEST_SUITE_P(
    Edges, UnparkTest,
    testing::Values(
        UnparkCase{"AgentNotFound_AgentAppears", reason::kAgentNotFound,
                   [](Store& s) { s.Remove<api::Agent>("agents", "ops"); },
                   [](Store& s) { s.Put(Store::Agent()); }},
        UnparkCase{"AgentNotFound_MissionNamesAnotherAgent", reason::kAgentNotFound,
                   [](Store& s) {
                     auto mission = Store::Mission();
                     mission.spec.agent_ref.name = "nobody";
                     s.Put(mission);
                   },
                   [](Store& s) { s.Put(Store::Mission()); }},
        UnparkCase{"AgentSuspended_AgentIsResumed", reason::kAgentSuspended,
                   [](Store& s) {
                     auto agent = Store::Agent();
                     agent.spec.suspend = true;
                     s.Put(agent);
                   },
                   [](Store& s) { s.Put(Store::Agent()); }},
        UnparkCase{"AgentNotAssigned_OrganizationAssignment", reason::kAgentNotAssigned,
                   NoAssignment, [](Store& s) { s.Put(Store::Assignment()); }},
        UnparkCase{"AgentNotAssigned_NamespaceAssignment", reason::kAgentNotAssigned, NoAssignment,
                   [](Store& s) {
                     s.Put(EditAssignment(
                         [](auto& a) { a.namespace_ref = api::NameRef{"payments"}; }));
                   }},
        UnparkCase{"AgentNotAssigned_ModuleAssignment", reason::kAgentNotAssigned, NoAssignment,
                   [](Store& s) {
                     s.Put(EditAssignment([](auto& a) {
                       a.module_ref = api::NamespacedRef{"payments", "database"};
                     }));
                   }},
        UnparkCase{"AgentNotAssigned_StackAssignment", reason::kAgentNotAssigned,
                   [](Store& s) {
                     NoAssignment(s);
                     s.Put(Payments("shop"));
                   },
                   [](Store& s) {
                     s.Put(EditAssignment([](auto& a) { a.stack_ref = api::NameRef{"shop"}; }));
                   }},
        UnparkCase{"AgentNotAssigned_NamespaceJoinsTheStack", reason::kAgentNotAssigned,
                   [](Store& s) {
                     NoAssignment(s);
                     s.Put(EditAssignment([](auto& a) { a.stack_ref = api::NameRef{"shop"}; }));
                     s.Put(Payments(""));
                   },
                   [](Store& s) { s.Put(Payments("shop")); }},
        UnparkCase{"AgentNotAssigned_AssignedToAllModules", reason::kAgentNotAssigned, NoAssignment,
                   [](Store& s) {
                     auto agent = Store::Agent();
                     agent.spec.assigned_to_all_modules = true;
                     s.Put(agent);
                   }},
        UnparkCase{"NoConnectedInstance_InstanceConnects", reason::kNoConnectedInstance, NoInstance,
                   [](Store& s) { s.Put(ConnectedInstance("two")); }},
        UnparkCase{"NoConnectedInstance_InstanceReconnects", reason::kNoConnectedInstance,
                   [](Store& s) {
                     s.Put(EditInstance("one", [](auto& i) { i.status.connected = false; }));
                   },
                   [](Store& s) { s.Put(ConnectedInstance("one")); }},
        UnparkCase{
            "NoConnectedInstance_AnotherThanTheOneThatDrains", reason::kNoConnectedInstance,
            [](Store& s) { s.Put(EditInstance("one", [](auto& i) { i.spec.draining = true; })); },
            [](Store& s) { s.Put(ConnectedInstance("two")); }},
        UnparkCase{"SidecarUnavailable_InstanceOffersIt", reason::kSidecarUnavailable, OffersOther,
                   [](Store& s) { s.Put(ConnectedInstance("two")); }},
        UnparkCase{"SidecarUnavailable_HostDefaultIsSet", reason::kSidecarUnavailable, OffersOther,
                   [](Store& s) {
                     s.Put(EditInstance("one", [](auto& i) {
                       i.spec.sidecars = {{.name = "a"}, {.name = "b", .is_default = true}};
                     }));
                   }},
        UnparkCase{"SidecarUnavailable_AgentDefaultIsSet", reason::kSidecarUnavailable, OffersOther,
                   [](Store& s) {
                     auto agent = Store::Agent();
                     agent.spec.default_sidecar = "b";
                     s.Put(agent);
                   }},
        UnparkCase{"SidecarUnavailable_MissionNamesOne", reason::kSidecarUnavailable, OffersOther,
                   [](Store& s) {
                     auto mission = Store::Mission();
                     mission.spec.sidecar_name = "a";
                     s.Put(mission);
                   }},
        UnparkCase{"ProtocolMismatch_InstanceThatSpeaksOurs", reason::kProtocolMismatch,
                   [](Store& s) {
                     s.Put(EditInstance("one", [](auto& i) { i.spec.protocol_versions = {9}; }));
                   },
                   [](Store& s) { s.Put(ConnectedInstance("two")); }},
        UnparkCase{"AtCapacity_SlotFrees", reason::kAtCapacity, Full,
                   [](Store& s) {
                     auto other = Store::Other("one");
                     other.status.phase = api::DispatchPhase::kSucceeded;
                     s.Put(other);
                   }},
        UnparkCase{"AtCapacity_HolderIsRemoved", reason::kAtCapacity, Full,
                   [](Store& s) { s.Remove<api::Dispatch>("payments", "other"); }},
        UnparkCase{
            "AtCapacity_CapacityIsRaised", reason::kAtCapacity, Full,
            [](Store& s) { s.Put(EditInstance("one", [](auto& i) { i.spec.capacity = 2; })); }},
        UnparkCase{"AtCapacity_AnotherInstanceConnects", reason::kAtCapacity, Full,
                   [](Store& s) { s.Put(ConnectedInstance("two")); }},
        UnparkCase{"AtCapacity_TheOneBeforeStopsWaiting", reason::kAtCapacity,
                   [](Store& s) {
                     auto first = Waiting();
                     first.metadata.name = "first";
                     first.metadata.uid = "uid-first";
                     first.spec.priority = 5;
                     first.status.phase = api::DispatchPhase::kParked;
                     first.status.reason = reason::kAtCapacity;
                     s.Put(first);
                   },
                   [](Store& s) {
                     auto first = Waiting();
                     first.metadata.name = "first";
                     first.metadata.uid = "uid-first";
                     first.status.phase = api::DispatchPhase::kCancelled;
                     s.Put(first);
                   }},
        UnparkCase{"AtCapacity_TheOneBeforeAsksForASidecarThatIsElsewhere", reason::kAtCapacity,
                   [](Store& s) { s.Put(Store::First("")); },
                   [](Store& s) { s.Put(Store::First("rare")); }},
        UnparkCase{"AtCapacity_TheOneBeforeIsPutBehind", reason::kAtCapacity,
                   [](Store& s) { s.Put(Store::First("")); },
                   [](Store& s) {
                     auto first = Store::First("");
                     first.spec.priority = -5;
                     s.Put(first);
                   }},
        UnparkCase{"AtCapacity_AssumedAssignmentIsNotMade", reason::kAtCapacity,
                   [](Store& s) { s.Assume(Store::Other("one")); },
                   [](Store& s) { s.EndAssumption(); }},
        UnparkCase{"LockHeld_LockIsReleased", reason::kLockHeld,
                   [](Store& s) { s.Put(Store::Lock("agents/other-1")); },
                   [](Store& s) { s.Put(Store::Lock("")); }},
        UnparkCase{
            "LockHeld_LeaseIsRemoved", reason::kLockHeld,
            [](Store& s) { s.Put(Store::Lock("agents/other-1")); },
            [](Store& s) { s.Remove<api::Lease>("payments", Store::Lock("").metadata.name); }},
        UnparkCase{"MissionDisabled_MissionIsEnabled", reason::kMissionDisabled,
                   [](Store& s) {
                     auto mission = Store::Mission();
                     mission.spec.is_disabled = true;
                     s.Put(mission);
                   },
                   [](Store& s) { s.Put(Store::Mission()); }}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(Unpark, RetryBackoff_ItsTimeComes) {
  Store store;
  api::Dispatch parked = Parked(reason::kRetryBackoff);
  parked.status.attempts = 1;
  store.Put(parked);
  store.Pass(-std::chrono::hours(1) + kFirstBackoff - std::chrono::seconds(1));
  EXPECT_EQ(store.Decide(), reason::kRetryBackoff);
  store.Pass(std::chrono::hours(1));
  EXPECT_EQ(store.Decide(), "Assigned");
}

TEST(Mission, OfTheSameNameIsAnotherUnlessItKeptItsId) {
  Store store;
  api::OrganizationMission again = Store::Mission();
  again.metadata.uid = "mission-2";
  store.Put(again);
  store.Put(Waiting());
  EXPECT_EQ(store.Decide(), reason::kMissionDeleted);
  again.metadata.annotations.emplace(api::annotations::kId, "mission-1");
  store.Put(again);
  store.Put(Waiting());
  EXPECT_EQ(store.Decide(), "Assigned");
}

TEST(Unpark, AnAssignmentOfOneModuleLeavesTheOthersAlone) {
  Store store;
  NoAssignment(store);
  store.Put(Waiting());
  ASSERT_EQ(store.Decide(), reason::kAgentNotAssigned);
  store.Put(EditAssignment([](auto& a) {
    a.module_ref = api::NamespacedRef{"payments", "frontend"};
  }));
  EXPECT_FALSE(store.Woken());
}

TEST(Unpark, WhatAnAgentIsDoingWakesNobody) {
  Store store;
  auto agent = Store::Agent();
  agent.spec.suspend = true;
  agent.metadata.generation = 3;
  auto instance = ConnectedInstance("one");
  instance.metadata.generation = 3;
  store.Put(agent);
  store.Put(instance);
  store.Put(Waiting());
  ASSERT_EQ(store.Decide(), reason::kAgentSuspended);
  agent.status.live_runs = 7;
  instance.status.live_runs = 7;
  store.Put(agent);
  store.Put(instance);
  EXPECT_FALSE(store.Woken());
  agent.spec.suspend = false;
  agent.metadata.generation = 4;
  store.Put(agent);
  EXPECT_TRUE(store.Woken());
}

TEST(Unpark, AnInstanceThatIsLostSomeTimeAfterItsHeartbeatVanishedWakesWhatRunsOnIt) {
  Store store;
  store.Put(Waiting());
  ASSERT_EQ(store.Decide(), "Assigned");
  auto instance = ConnectedInstance("one");
  instance.metadata.generation = 3;
  instance.status.connected = false;
  instance.status.conditions = {{.type = "Connected", .status = api::ConditionStatus::kUnknown}};
  store.Put(instance);
  ASSERT_EQ(store.Decide(), "Assigned");
  instance.status.conditions.front().status = api::ConditionStatus::kFalse;
  store.Put(instance);
  EXPECT_TRUE(store.Woken());
}

TEST(Unpark, ASidecarThatGoesWithItsOnlyInstanceWakesWhatWaitsForItsSlots) {
  Store store;
  auto instance = ConnectedInstance("two");
  instance.spec.sidecars.push_back({.name = "rare", .is_default = false});
  store.Put(instance);
  auto mission = Store::Mission();
  mission.spec.sidecar_name = "rare";
  store.Put(mission);
  store.Put(Store::Other("two"));
  auto waiting = Waiting();
  waiting.spec.sidecar_name = "rare";
  store.Put(waiting);
  ASSERT_EQ(store.Decide(), reason::kAtCapacity);
  store.Remove<api::AgentInstance>("agents", "two");
  EXPECT_TRUE(store.Woken());
  EXPECT_EQ(store.Decide(), reason::kSidecarUnavailable);
}

/// Of those that wait for slots of one Agent the first goes first, whichever sidecar each names, as
/// long as it fits the slot that is free.
class RankingTest : public testing::Test {
 protected:
  void Offer(std::string instance, std::vector<api::OfferedSidecar> sidecars) {
    store_.Put(EditInstance(std::move(instance), [&](auto& i) { i.spec.sidecars = sidecars; }));
  }
  std::string DecideAfter(const api::Dispatch& first) {
    store_.Put(first);
    store_.Put(Waiting());
    return store_.Decide();
  }
  Store store_;
};

TEST_F(RankingTest, HoldsAcrossTheSidecarsOfAnAgent) {
  Offer("one", {{.name = "scripted", .is_default = true}, {.name = "claude"}});
  EXPECT_EQ(DecideAfter(Store::First("claude")), reason::kAtCapacity);
}

TEST_F(RankingTest, LetsPassWhoRanksAbove) {
  Offer("one", {{.name = "scripted", .is_default = true}, {.name = "claude"}});
  api::Dispatch behind = Store::First("claude");
  behind.spec.priority = -1;
  EXPECT_EQ(DecideAfter(behind), "Assigned");
}

TEST_F(RankingTest, TheOlderOfTwoGoesFirst) {
  Offer("one", {{.name = "scripted", .is_default = true}, {.name = "claude"}});
  api::Dispatch older = Store::First("claude");
  older.spec.priority = 0;
  older.metadata.creation_timestamp = FormatTime(kNoon.wall - std::chrono::hours(1));
  EXPECT_EQ(DecideAfter(older), reason::kAtCapacity);
}

TEST_F(RankingTest, DoesNotHoldBackWhatFitsASlotThatTheFirstDoesNotFit) {
  EXPECT_EQ(DecideAfter(Store::First("claude")), "Assigned");
}

TEST_F(RankingTest, LeavesTheFirstItsSlotAndGivesTheOther) {
  Offer("one", {{.name = "claude"}});
  Offer("two", {{.name = "scripted", .is_default = true}, {.name = "claude"}});
  Offer("zero", {{.name = "scripted"}});
  ASSERT_EQ(DecideAfter(Store::First("claude")), "Assigned");
  const auto assigned = FindTyped<api::Dispatch>(store_.view(), "payments", "database-abc");
  EXPECT_EQ(assigned->status.instance, "zero");
}

class InstanceOfARun : public testing::Test {
 protected:
  InstanceOfARun() {
    for (const ResourceType& type : Resources()) {
      view_.Follow(type);
    }
    view_.Follow(MakeController(reconciler_));
    Put(Store::Job());
    Put(RunOf(Assigned(), api::RunPhase::kRunning));
  }

  template <typename T>
  void Put(T typed) {
    typed.metadata.uid = "uid-" + typed.metadata.name;
    typed.metadata.resource_version = "5";
    view_.Put(T::Type(), api::ToObject(typed).value(), kNoon);
  }
  Decision Decide() { return PlanDispatch(Assigned(), Observe(Assigned(), view_.view()), kNoon); }
  bool IsGivenUp() {
    const Decision decision = Decide();
    const auto* stop = std::get_if<StopRun>(&decision.run);
    return stop != nullptr && stop->reason == api::StopReason::kInstanceLost;
  }

  DispatchReconciler reconciler_;
  fakes::ViewBuilder view_;
};

TEST_F(InstanceOfARun, IsNotLostBeforeItsConnectionIsSeen) {
  auto instance = ConnectedInstance("one");
  instance.status.connected = false;
  Put(instance);
  EXPECT_FALSE(IsGivenUp());
}

TEST_F(InstanceOfARun, IsLostOnceItWasSaidSo) {
  auto instance = ConnectedInstance("one");
  instance.status.connected = false;
  instance.status.conditions = {{.type = "Connected", .status = api::ConditionStatus::kFalse}};
  Put(instance);
  EXPECT_TRUE(IsGivenUp());
}

TEST_F(InstanceOfARun, ThatIsNotThereIsConfirmedAndThenLost) {
  const auto key = TypedKey<api::AgentInstance>("agents", "one");
  const Decision decision = Decide();
  ASSERT_EQ(decision.confirm.size(), 1U);
  EXPECT_EQ(decision.confirm.front(), key);
  view_.ConfirmAbsent(key);
  EXPECT_TRUE(IsGivenUp());
}

TEST(Capacity, CountsAssignmentsThatAreStillOnTheirWay) {
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
  put(Store::Job());
  put(Store::Mission());
  put(Store::Agent());
  put(Store::Assignment());
  put(ConnectedInstance("one"));
  view.InFlight(api::Dispatch::Type(), api::ToObject(Store::Other("one")).value());
  const World seen = Observe(Waiting(), view.view());
  EXPECT_EQ(PlanDispatch(Waiting(), seen, kNoon).status.reason, reason::kAtCapacity);
}

}  // namespace
}  // namespace midwatch::dispatch
