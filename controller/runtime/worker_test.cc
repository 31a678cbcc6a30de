#include "controller/runtime/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/runtime/worker_test_world.h"

namespace midwatch::worker_test {
namespace {

using fakes::ObjectBuilder;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(WorkerTest, PlansNothingBeforeTheViewIsComplete) {
  PutThing("a");
  client_.FailNext({.verb = "list", .resource = kChildren, .error = {ErrorCode::kUnavailable, ""}});
  Start();
  EXPECT_FALSE(worker_->synced());
  EXPECT_THAT(reconciler_.planned, IsEmpty());
  RunFor(seconds(1));
  EXPECT_TRUE(worker_->synced());
  EXPECT_THAT(reconciler_.planned, ElementsAre("a"));
}

TEST_F(WorkerTest, LooksAtWhatWasThereAndAtTheKeysOfTriggersWithoutAPrimary) {
  PutThing("a");
  client_.Put(kChild, ObjectBuilder(kChild, "orphan", "ns").Draft());
  PaintsBlue();
  Start();
  EXPECT_EQ(Color("a"), "blue");
  client_.Put(kChild, ObjectBuilder(kChild, "other", "ns").Draft());
  Settle();
  EXPECT_THAT(reconciler_.planned, ElementsAre("other"));
}

TEST_F(WorkerTest, LooksOnceMoreAfterItsOwnWriteAndThenRests) {
  PaintsBlue();
  Start();
  PutThing("a");
  Settle();
  EXPECT_THAT(reconciler_.planned, ElementsAre("a", "a"));
  EXPECT_TRUE(worker_->idle(clock_.Read().mono));
  EXPECT_EQ(metrics_.Value("midwatch_reconcile_total{controller=thing,result=success}"), 2);
}

TEST_F(WorkerTest, AnswersAreInTheViewBeforeTheWatchBringsThem) {
  client_.HoldEvents(true);
  Start();
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    if (view.Find({kChildren, "ns", key.name})) {
      return Plan{};
    }
    return Plan{{Write{CreateChild(key.name)}}, false, {}};
  };
  PutThing("a");
  client_.HoldEvents(false);
  Settle();
  client_.HoldEvents(true);
  PutThing("a", "green");
  client_.DeliverEvent();
  Settle();
  EXPECT_THAT(client_.calls(), ElementsAre("create children.midwatch.dev/ns/a"));
}

TEST_F(WorkerTest, AKeyIsNotPlannedWhileItsPlanIsCarriedOut) {
  PaintsBlue();
  Start();
  client_.HoldAnswers(true);
  PutThing("a");
  PutThing("b");
  Settle();
  PutThing("a", "green");
  Settle();
  EXPECT_THAT(reconciler_.planned, ElementsAre("a", "b"));
  RunFor(seconds(1));
  EXPECT_EQ(Color("a"), "blue") << "the change meanwhile is not forgotten";
}

TEST_F(WorkerTest, EffectsGoInOrderAndTheFirstFailureEndsThePlan) {
  Start();
  reconciler_.script = [](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    Plan plan;
    for (const char* suffix : {"-1", "-2", "-3"}) {
      if (!view.Find({kChildren, "ns", key.name + suffix})) {
        plan.effects.push_back(Write{CreateChild(key.name + suffix)});
      }
    }
    return plan;
  };
  client_.FailNext({.verb = "create", .error = {ErrorCode::kUnavailable, "down"}});
  PutThing("a");
  Settle();
  EXPECT_THAT(client_.calls(), ElementsAre("create children.midwatch.dev/ns/a-1"));
  client_.ClearCalls();
  RunFor(seconds(1));
  EXPECT_THAT(client_.calls(), ElementsAre("create children.midwatch.dev/ns/a-1",
                                           "create children.midwatch.dev/ns/a-2",
                                           "create children.midwatch.dev/ns/a-3"));
  EXPECT_EQ(Metric("midwatch_reconcile_errors_total"), 1);
}

TEST_F(WorkerTest, IndependentEffectsAreInFlightTogetherUpToTheWindow) {
  Start();
  reconciler_.script = [](const ObjectKey&, const View& view, Now) -> Result<Plan> {
    Plan plan{{}, true, {}};
    for (std::size_t i = 0; i < Worker::kWindow + 10; ++i) {
      const std::string name = "a-" + std::to_string(i);
      if (!view.Find({kChildren, "ns", name})) {
        plan.effects.push_back(Write{CreateChild(name)});
      }
    }
    return plan;
  };
  client_.HoldAnswers(true);
  PutThing("a");
  Settle();
  EXPECT_EQ(client_.calls().size(), Worker::kWindow);
  client_.DeliverAnswer();
  Settle();
  EXPECT_EQ(client_.calls().size(), Worker::kWindow + 1);
  RunFor(seconds(1));
  EXPECT_EQ(client_.All(kChildren).size(), Worker::kWindow + 10);
}

TEST_F(WorkerTest, APlanThatKeepsGoingTellsTheNextWhatFailed) {
  std::vector<WriteFailure> seen;
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    if (!view.Find(key)) {
      return Plan{};
    }
    seen = view.Failures(key);
    Plan plan;
    plan.independent = true;
    plan.keep_going = true;
    for (const std::string name : {"a-1", "a-2", "a-3"}) {
      if (!view.Find({kChildren, "ns", name})) {
        plan.effects.emplace_back(Write(CreateChild(name)));
      }
    }
    return plan;
  };
  Start();
  client_.FailNext({.verb = "create", .error = {ErrorCode::kForbidden, "no"}, .times = 1});
  PutThing("a");
  RunFor(seconds(1));
  EXPECT_EQ(client_.All(kChildren).size(), 3u);
  EXPECT_THAT(reconciler_.planned, ElementsAre("a", "a", "a"));
  EXPECT_THAT(seen, IsEmpty());

  client_.FailNext({.verb = "create", .error = {ErrorCode::kInvalid, "bad"}, .times = 1});
  client_.Remove({kChildren, "ns", "a-1"});
  reconciler_.planned.clear();
  std::vector<WriteFailure> after_failure;
  const Scripted::Script again = reconciler_.script;
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now now) -> Result<Plan> {
    if (reconciler_.planned.size() == 2) {
      after_failure = view.Failures(key);
    }
    return again(key, view, now);
  };
  RunFor(seconds(1));
  EXPECT_THAT(after_failure,
              ElementsAre(WriteFailure{{kChildren, "ns", "a-1"}, {ErrorCode::kInvalid, "bad"}}));
  EXPECT_EQ(client_.All(kChildren).size(), 3u);
}

TEST_F(WorkerTest, ActivePlansAreBounded) {
  options_.max_active_plans = 3;
  PaintsBlue();
  Start();
  client_.HoldAnswers(true);
  for (const char* name : {"a", "b", "c", "d"}) {
    PutThing(name);
  }
  Settle();
  EXPECT_THAT(reconciler_.planned, ElementsAre("a", "b", "c"));
  RunFor(seconds(1));
  EXPECT_EQ(Color("d"), "blue");
}

struct FailureCase {
  const char* name;
  ErrorCode code;
  bool happens;
  std::vector<std::string> then;  ///< Calls after the first patch, within a second.
  int terminal;
};

class WorkerFailureTest : public WorkerTest, public testing::WithParamInterface<FailureCase> {};

TEST_P(WorkerFailureTest, RequeuesAsTheErrorTableSays) {
  const FailureCase& c = GetParam();
  PaintsBlue();
  Start();
  client_.FailNext({.verb = "patch", .error = {c.code, "scripted"}, .happens = c.happens});
  PutThing("a");
  RunFor(seconds(1));
  std::vector<std::string> calls = client_.calls();
  ASSERT_FALSE(calls.empty());
  calls.erase(calls.begin());
  for (std::string& call : calls) {
    call = call.substr(0, call.find(' '));
  }
  EXPECT_EQ(calls, c.then);
  EXPECT_EQ(Metric("midwatch_terminal_reconcile_errors_total"), c.terminal);
  EXPECT_EQ(Color("a"), c.terminal > 0 ? "red" : "blue");
}

INSTANTIATE_TEST_SUITE_P(
    Failures, WorkerFailureTest,
    testing::Values(
        FailureCase{"UnavailableRetries", ErrorCode::kUnavailable, false, {"patch"}, 0},
        FailureCase{"ForbiddenRetries", ErrorCode::kForbidden, false, {"patch"}, 0},
        FailureCase{"ConflictReadsFirst", ErrorCode::kConflict, false, {"get", "patch"}, 0},
        FailureCase{
            "UnknownThatDidNotHappen", ErrorCode::kOutcomeUnknown, false, {"get", "patch"}, 0},
        FailureCase{"UnknownThatHappened", ErrorCode::kOutcomeUnknown, true, {"get"}, 0},
        FailureCase{"NotFoundReadsFirst", ErrorCode::kNotFound, false, {"get", "patch"}, 0},
        FailureCase{"InvalidWaitsForAChange", ErrorCode::kInvalid, false, {}, 1}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST_F(WorkerTest, AnUnknownOutcomeIsReadBackHoweverLongThatTakes) {
  client_.HoldEvents(true);
  PaintsBlue();
  Start();
  client_.HoldEvents(false);
  client_.FailNext({.verb = "patch", .error = {ErrorCode::kOutcomeUnknown, "lost"}});
  client_.FailNext({.verb = "get", .error = {ErrorCode::kUnavailable, "down"}, .times = 5});
  PutThing("a");
  Settle();
  PutThing("a", "green");
  RunFor(milliseconds(200));
  EXPECT_THAT(reconciler_.planned, ElementsAre("a")) << "nothing is planned before it was read";
  RunFor(minutes(1));
  EXPECT_EQ(Color("a"), "blue");
}

TEST_F(WorkerTest, AlreadyExistsBringsTheObjectIntoTheView) {
  Start();
  client_.HoldEvents(true);
  client_.Put(kChild, ObjectBuilder(kChild, "a", "ns").Draft());
  reconciler_.script = [](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    if (view.Find({kChildren, "ns", key.name})) {
      return Plan{};
    }
    return Plan{{Write{CreateChild(key.name)}}, false, {}};
  };
  PutThing("a");
  while (client_.DeliverEvent() && !worker_->view().Find({kThings, "ns", "a"})) {
    Settle();
    if (!client_.calls().empty()) {
      break;
    }
  }
  client_.HoldEvents(false);
  RunFor(seconds(1));
  EXPECT_THAT(client_.calls(), Contains(HasSubstr("create")).Times(testing::Le(1)));
}

TEST_F(WorkerTest, DeletingWhatIsGoneIsADeletion) {
  Start();
  reconciler_.script = [](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    const Object thing = view.Find(key);
    if (!thing) {
      return Plan{};
    }
    DeleteRequest gone;
    gone.type = kThing;
    gone.namespace_name = "ns";
    gone.name = key.name;
    gone.preconditions = {thing.uid(), thing.resource_version()};
    return Plan{{Write{gone}, Write{CreateChild(key.name)}}, false, {}};
  };
  client_.FailNext(
      {.verb = "delete", .error = {ErrorCode::kNotFound, "not found"}, .happens = true});
  PutThing("a");
  RunFor(seconds(1));
  EXPECT_TRUE(client_.Find({kChildren, "ns", "a"}));
  EXPECT_TRUE(worker_->view().ConfirmedAbsent({kThings, "ns", "a"}));
  EXPECT_EQ(Metric("midwatch_reconcile_errors_total"), 0);
}

TEST_F(WorkerTest, ConfirmReadsConsistentlyAndPlansAgain) {
  Start();
  std::vector<bool> confirmed;
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    const ObjectKey child{kChildren, "ns", key.name};
    confirmed.push_back(view.ConfirmedAbsent(child));
    if (confirmed.back() || view.Find(child)) {
      return Plan{};
    }
    return Plan{{Confirm{{kChild, "ns", key.name}}}, false, {}};
  };
  PutThing("absent");
  Settle();
  EXPECT_THAT(confirmed, ElementsAre(false, true));
  EXPECT_THAT(client_.calls(), ElementsAre("get children.midwatch.dev/ns/absent"));
}

TEST_F(WorkerTest, AConfirmThatFindsAMissedObjectListsAgain) {
  Start();
  client_.HoldEvents(true);
  client_.Put(kChild, ObjectBuilder(kChild, "a", "ns").Draft());
  // The hub loses the event, but a bookmark claims that nothing is missing.
  client_.EndWatches({ErrorCode::kUnavailable, "x"});
  client_.Compact();
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    const ObjectKey child{kChildren, "ns", key.name};
    if (view.ConfirmedAbsent(child) || view.Find(child)) {
      return Plan{};
    }
    return Plan{{Confirm{{kChild, "ns", key.name}}}, false, {}};
  };
  client_.HoldEvents(false);
  PutThing("a");
  RunFor(minutes(1));
  EXPECT_TRUE(worker_->view().Find({kChildren, "ns", "a"}));
}

TEST_F(WorkerTest, RefreshListsTheResourceAndPlansAgain) {
  Start();
  reconciler_.script = [&](const ObjectKey&, const View& view, Now) -> Result<Plan> {
    if (view.FreshTo(kChildren) >= 2) {
      return Plan{};
    }
    return Plan{{Refresh{kChild}}, false, {}};
  };
  PutThing("a");
  PutThing("a", "green");
  Settle();
  EXPECT_EQ(worker_->view().FreshTo(kChildren), 2);
  EXPECT_EQ(client_.calls().size(), 1U);
}

TEST_F(WorkerTest, AReconcilerThatAsksForEverIsSlowedDown) {
  Start();
  reconciler_.script = [](const ObjectKey& key, const View&, Now) -> Result<Plan> {
    return Plan{{Confirm{{kChild, "ns", key.name}}}, false, {}};
  };
  PutThing("a");
  Settle();
  EXPECT_LT(reconciler_.planned.size(), 20U);
  EXPECT_THAT(log_.lines(), Contains(HasSubstr("asks again and again")));
}

TEST_F(WorkerTest, ALostRaceIsNewsOnlyIfItComesAgainAndAgain) {
  PaintsBlue();
  Start();
  const auto fail = [&](int times, ErrorCode code = ErrorCode::kConflict) {
    client_.FailNext({.verb = "patch",
                      .resource = kThings,
                      .error = {code, "changed meanwhile"},
                      .times = times});
  };
  fail(1, ErrorCode::kAlreadyExists);  // As of two that create one lock.
  fail(2);
  PutThing("a");
  RunFor(seconds(1));
  EXPECT_EQ(Color("a"), "blue");
  EXPECT_THAT(log_.lines(), Contains(HasSubstr("DEBUG plan failed")).Times(3));
  EXPECT_THAT(log_.lines(), Not(Contains(HasSubstr("WARN"))));
  fail(4);
  PutThing("b");
  RunFor(seconds(1));
  EXPECT_THAT(log_.lines(), Contains(HasSubstr("WARN plan failed")).Times(1));
}

TEST_F(WorkerTest, OperationsRequeueTheirKeyWhenTheyEnd) {
  Start();
  bool first = true;
  reconciler_.script = [&](const ObjectKey& key, const View&, Now) -> Result<Plan> {
    if (!std::exchange(first, false)) {
      return Plan{};
    }
    return Plan{{midwatch::Start{"work", key.name, Json()}}, false, {}};
  };
  PutThing("a");
  Settle();
  EXPECT_THAT(runner_.started, ElementsAre("a"));
  EXPECT_THAT(reconciler_.planned, ElementsAre("a")) << "a start is not the end";
  runner_.last({});
  Settle();
  EXPECT_THAT(reconciler_.planned, ElementsAre("a", "a"));
}

TEST_F(WorkerTest, AnOperationThatFailsIsStartedAgainAfterBackOff) {
  Start();
  reconciler_.script = [](const ObjectKey& key, const View&, Now) -> Result<Plan> {
    return Plan{{midwatch::Start{"work", key.name, Json()}}, false, {}};
  };
  PutThing("a");
  for (int i = 0; i < 8; ++i) {
    RunFor(minutes(10));
    ASSERT_EQ(runner_.started.size(), static_cast<std::size_t>(i + 1));
    PutThing("a", i % 2 == 0 ? "green" : "red");  // A look while it runs ends no row of failures.
    reconciler_.script = {};
    Settle();
    reconciler_.script = [](const ObjectKey& key, const View&, Now) -> Result<Plan> {
      return Plan{{midwatch::Start{"work", key.name, Json()}}, false, {}};
    };
    runner_.last(Fail(ErrorCode::kUnavailable, "down"));
    Settle();
  }
  EXPECT_GT(*worker_->NextWake(), clock_.Read().mono + milliseconds(600)) << "5 ms, doubled";
}

TEST_F(WorkerTest, AnOperationThatFailsAtOnceBacksOffToo) {
  Start();
  runner_.at_once = Fail(ErrorCode::kUnavailable, "down");
  reconciler_.script = [](const ObjectKey& key, const View&, Now) -> Result<Plan> {
    return Plan{{midwatch::Start{"work", key.name, Json()}}, false, {}};
  };
  PutThing("a");
  RunFor(minutes(1));
  EXPECT_LT(runner_.started.size(), 20U);
}

TEST_F(WorkerTest, AnOperationThatEndsWellEndsTheRowOfFailures) {
  Start();
  reconciler_.script = [](const ObjectKey& key, const View&, Now) -> Result<Plan> {
    return Plan{{midwatch::Start{"work", key.name, Json()}}, false, {}};
  };
  PutThing("a");
  for (int i = 0; i < 8; ++i) {
    RunFor(minutes(10));
    runner_.last(Fail(ErrorCode::kUnavailable, "down"));
  }
  RunFor(minutes(10));
  runner_.last({});
  Settle();
  runner_.last(Fail(ErrorCode::kUnavailable, "down"));
  Settle();
  EXPECT_EQ(worker_->NextWake(), clock_.Read().mono + milliseconds(5));
}

TEST_F(WorkerTest, AFailedPlanWakesAsItsFailureSays) {
  Start();
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now now) -> Result<Plan> {
    return Plan{{Write{Paint(view.Find(key), "blue")}}, false, now.mono + milliseconds(1)};
  };
  client_.FailNext(
      {.verb = "patch", .error = {ErrorCode::kUnavailable, "down"}, .times = 1'000'000});
  PutThing("a");
  RunFor(minutes(1));
  EXPECT_LT(reconciler_.planned.size(), 20U) << "back-off";
}

TEST_F(WorkerTest, APlanThatCannotSucceedDoesNotWake) {
  Start();
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now now) -> Result<Plan> {
    return Plan{{Write{Paint(view.Find(key), "blue")}}, false, now.mono + seconds(1)};
  };
  client_.FailNext({.verb = "patch", .error = {ErrorCode::kInvalid, "bad"}, .times = 1'000'000});
  PutThing("a");
  RunFor(minutes(1));
  EXPECT_THAT(reconciler_.planned, ElementsAre("a"));
}

TEST_F(WorkerTest, WakesAtTheTimeThatThePlanNamed) {
  Start();
  reconciler_.script = [&](const ObjectKey&, const View&, Now now) -> Result<Plan> {
    return Plan{{}, false, now.mono + minutes(1)};
  };
  PutThing("a");
  Settle();
  clock_.Advance(seconds(59));
  Settle();
  EXPECT_THAT(reconciler_.planned, ElementsAre("a"));
  EXPECT_EQ(worker_->NextWake(), clock_.Read().mono + seconds(1));
  clock_.Advance(seconds(1));
  Settle();
  EXPECT_THAT(reconciler_.planned, ElementsAre("a", "a"));
}

TEST_F(WorkerTest, LooksAgainAtWhatWaitsWhenTheClockIsSet) {
  Start();
  reconciler_.script = [&](const ObjectKey&, const View&, Now now) -> Result<Plan> {
    return Plan{{}, false, now.mono + minutes(60)};
  };
  PutThing("a");
  Settle();
  clock_.Advance(minutes(1));
  Settle();
  EXPECT_THAT(reconciler_.planned, ElementsAre("a")) << "time that passes is no jump";
  clock_.JumpWall(minutes(-5));
  Settle();
  EXPECT_THAT(reconciler_.planned, ElementsAre("a", "a"));
}

TEST_F(WorkerTest, PlansShowWhatOthersInFlightWillWrite) {
  Start();
  std::vector<std::size_t> assumed;
  std::string color;
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    const std::vector<Object> in_flight = view.InFlight(kThings);
    assumed.push_back(in_flight.size());
    if (!in_flight.empty()) {
      color = in_flight[0].Body().At("spec", "color").AsString();
    }
    const Object thing = view.Find(key);
    if (thing.Body().At("spec", "color").AsString() == "blue") {
      return Plan{};
    }
    return Plan{{Write{Paint(thing, "blue")}}, false, {}};
  };
  client_.HoldAnswers(true);
  PutThing("a");
  PutThing("b");
  Settle();
  EXPECT_THAT(assumed, ElementsAre(0, 1));
  EXPECT_EQ(color, "blue");
  RunFor(seconds(1));
  EXPECT_EQ(assumed.back(), 0U);
}

TEST_F(WorkerTest, AStatusInFlightIsThatOfTheWholeObject) {
  Start();
  std::string seen;
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    const std::vector<Object> in_flight = view.InFlight(kThings);
    if (!in_flight.empty()) {
      const Json body = in_flight[0].Body();
      seen = body.At("spec", "color").AsString() + " " + body.At("status", "phase").AsString();
    }
    const Object thing = view.Find(key);
    if (!thing.Body().At("status").IsNull()) {
      return Plan{};
    }
    const Json meta = Json::Of({{"name", thing.name()},
                                {"namespace", thing.namespace_name()},
                                {"resourceVersion", thing.resource_version()}});
    UpdateRequest update{
        .type = kThing, .object = {}, .subresource = "status", .field_manager = {}};
    update.object = Json::Of({{"apiVersion", thing.api_version()},
                              {"kind", thing.kind()},
                              {"metadata", meta},
                              {"status", Json::Of({{"phase", "Ready"}})}});
    return Plan{{Write{std::move(update)}}, false, {}};
  };
  client_.HoldAnswers(true);
  PutThing("a");
  PutThing("b");
  Settle();
  EXPECT_EQ(seen, "red Ready");
}

TEST_F(WorkerTest, TheSweepDoesNotCountAnOperationThatIsRunning) {
  options_.sweep_interval = minutes(10);
  reconciler_.script = [](const ObjectKey& key, const View&, Now) -> Result<Plan> {
    return Plan{{midwatch::Start{"work", key.name, Json()}}, false, {}};
  };
  PutThing("a");
  Start();
  RunFor(minutes(12));
  EXPECT_THAT(reconciler_.planned, Not(IsEmpty())) << "the sweep has looked";
  EXPECT_EQ(Metric("midwatch_sweep_found_total"), 0);
  reconciler_.script = {};
  for (const auto& end : runner_.all) {
    end({});
  }
  Settle();
  reconciler_.script = [](const ObjectKey& key, const View&, Now) -> Result<Plan> {
    return Plan{{midwatch::Start{"work", key.name, Json()}}, false, {}};
  };
  RunFor(minutes(12));
  EXPECT_EQ(Metric("midwatch_sweep_found_total"), 1) << "it had ended";
}

TEST_F(WorkerTest, TheSweepCountsWhatNobodyNoticed) {
  options_.sweep_interval = minutes(10);
  bool lit = false;  // Changes without a trigger.
  Start();
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    if (!lit || view.Find({kChildren, "ns", key.name})) {
      return Plan{};
    }
    return Plan{{Write{CreateChild(key.name)}}, false, {}};
  };
  PutThing("a");
  RunFor(minutes(25));
  EXPECT_EQ(Metric("midwatch_sweep_found_total"), 0);
  EXPECT_EQ(reconciler_.planned.size(), 3U) << "once for the change, twice in sweeps";
  lit = true;
  RunFor(minutes(25));
  EXPECT_EQ(Metric("midwatch_sweep_found_total"), 1);
  EXPECT_TRUE(client_.Find({kChildren, "ns", "a"}));
}

TEST_F(WorkerTest, OnlyTheLeaderActsAndALostTermDropsThePlan) {
  options_.leadership = &leadership_;
  reconciler_.script = [](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    Plan plan;
    for (const char* suffix : {"-1", "-2"}) {
      if (!view.Find({kChildren, "ns", key.name + suffix})) {
        plan.effects.push_back(Write{CreateChild(key.name + suffix)});
      }
    }
    return plan;
  };
  PutThing("a");
  Start();
  EXPECT_THAT(reconciler_.planned, IsEmpty());
  leadership_.term = 1;
  client_.HoldAnswers(true);
  Settle();
  leadership_.term = 2;  // Lost and won again while the first write was on its way.
  client_.DeliverAnswer();
  worker_->Step(clock_.Read());
  worker_->Step(clock_.Read());
  EXPECT_EQ(client_.calls().size(), 1U) << "the second write belonged to the term that is over";
  RunFor(seconds(1));
  EXPECT_EQ(client_.All(kChildren).size(), 2U);
  EXPECT_EQ(metrics_.Value("midwatch_reconcile_total{controller=thing,result=dropped}"), 1);
}

TEST_F(WorkerTest, EventsAndOtherResourcesThatAreNotFollowedMayBeWritten) {
  Start();
  const ResourceType event{"", "v1", "Event", "events", true};
  bool first = true;
  reconciler_.script = [&](const ObjectKey& key, const View&, Now) -> Result<Plan> {
    if (!std::exchange(first, false)) {
      return Plan{};
    }
    return Plan{
        {Write{CreateRequest{event, ObjectBuilder(event, key.name, "ns").Draft(), "", false}}},
        false,
        {}};
  };
  client_.FailNext(
      {.verb = "create", .error = {ErrorCode::kOutcomeUnknown, "lost"}, .happens = true});
  PutThing("a");
  RunFor(seconds(1));
  EXPECT_TRUE(client_.Find({"events", "ns", "a"}));
}

TEST_F(WorkerTest, APoisonKeyBacksOffAndOthersProgress) {
  reconciler_.script = [](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    if (key.name == "poison") {
      return Fail(ErrorCode::kInternal, "cannot be decoded");
    }
    return view.Find({kChildren, "ns", key.name}) ? Plan{}
                                                  : Plan{{Write{CreateChild(key.name)}}, false, {}};
  };
  Start();
  PutThing("poison");
  PutThing("fine");
  RunFor(minutes(10));
  EXPECT_TRUE(client_.Find({kChildren, "ns", "fine"}));
  EXPECT_LT(reconciler_.planned.size(), 40U);
}

TEST_F(WorkerTest, DestroyingItWhileEverythingIsInFlightIsSafe) {
  PaintsBlue();
  Start();
  client_.HoldAnswers(true);
  PutThing("a");
  Settle();
  worker_.reset();
  while (client_.DeliverAnswer()) {
  }
}

}  // namespace
}  // namespace midwatch::worker_test
