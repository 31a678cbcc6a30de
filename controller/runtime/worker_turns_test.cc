// What plans owe each other: assumptions that fail, writes in turns, records.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/runtime/pace.h"
#include "controller/runtime/worker_test_world.h"

namespace midwatch::worker_test {
namespace {

using fakes::ObjectBuilder;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;

TEST_F(WorkerTest, WhoCountedOnAWriteThatWasNotMadeIsTold) {
  // Of two that want the only child, the second waits while the first is getting it.
  Start();
  std::vector<std::string> gave_way;
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    if (view.Find({kChildren, "ns", "b-1"})) {
      return Plan{};
    }
    if (!view.InFlight(kChildren).empty()) {
      gave_way.push_back(key.name);
      return Plan{};
    }
    return Plan{{Write{CreateChild("b-1")}}, false, {}};
  };
  client_.HoldAnswers(true);
  client_.FailNext({.verb = "create", .error = {ErrorCode::kUnavailable, ""}});
  PutThing("a");
  PutThing("b");
  Settle();
  ASSERT_THAT(gave_way, ElementsAre("b"));
  client_.HoldAnswers(false);
  client_.DeliverAnswer();
  const MonoTime failed = clock_.Read().mono;
  Settle();
  EXPECT_TRUE(client_.Find({kChildren, "ns", "b-1"}));
  EXPECT_EQ(clock_.Read().mono, failed) << "nobody waited for a time";
}

TEST_F(WorkerTest, TheRestOfAPlanThatFailedIsNotCountedOnEither) {
  Start();
  std::vector<std::string> gave_way;
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    const Object thing = view.Find(key);
    if (thing.Body().At("spec", "color").AsString() == "blue") {
      return Plan{};
    }
    if (!view.InFlight(kChildren).empty()) {
      gave_way.push_back(key.name);
      return Plan{};
    }
    return Plan{{Write{Paint(thing, "blue")}, Write{CreateChild("b-1")}}, false, {}};
  };
  client_.HoldAnswers(true);
  client_.FailNext({.verb = "patch", .error = {ErrorCode::kConflict, ""}});
  PutThing("a");
  PutThing("b");
  Settle();
  ASSERT_THAT(gave_way, ElementsAre("b"));
  client_.HoldAnswers(false);
  client_.DeliverAnswer();
  Settle();
  EXPECT_EQ(Color("b"), "blue");
  EXPECT_EQ(Color("a"), "red") << "its back-off is not over";
}

TEST_F(WorkerTest, TwoThatDisagreeDoNotWriteInTurnsForEver) {
  Start();
  PaintsBlue();
  PutThing("a");
  const auto begin = clock_.Read().mono;
  int repainted = 0;
  for (int i = 0; i < 20'000 && clock_.Read().mono < begin + seconds(60); ++i) {
    Settle();
    if (Color("a") == "blue") {
      PutThing("a", "red");
      ++repainted;
    } else {
      clock_.Advance(milliseconds(10));
    }
  }
  EXPECT_GE(repainted, Pace::kBurst);
  EXPECT_LE(repainted, Pace::kBurst + seconds(60) / Pace::kInterval + 1);
}

TEST_F(WorkerTest, WhatIsAskedForManyTimesInARowIsNotHeldBack) {
  Start();
  PaintsBlue();
  const auto begin = clock_.Read().mono;
  for (int i = 0; i < 200; ++i) {
    PutThing("a", "red");
    Settle();
    ASSERT_EQ(Color("a"), "blue") << i;
  }
  EXPECT_EQ(clock_.Read().mono, begin) << "it waited for no time";
}

TEST_F(WorkerTest, ARecordIsMadeAfterTheRestAndNobodyWaitsForItOrMissesIt) {
  Start();
  const auto record = [&](const std::string& name) {
    return Record{{kChild, ObjectBuilder(kChild, name, "ns").Draft(), "", false}};
  };
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    const Object thing = view.Find(key);
    if (thing.Body().At("spec", "color").AsString() == "blue") {
      return Plan{};
    }
    return Plan{{Write{Paint(thing, "blue")}, record(key.name)}, false, {}};
  };
  client_.FailNext({.verb = "create", .error = {ErrorCode::kForbidden, "no"}});
  PutThing("a");
  Settle();
  EXPECT_THAT(client_.calls(),
              ElementsAre("patch things.midwatch.dev/ns/a", "create children.midwatch.dev/ns/a"));
  EXPECT_THAT(reconciler_.planned, ElementsAre("a", "a"));
  EXPECT_EQ(metrics_.Value("midwatch_reconcile_total{controller=thing,result=error}"), 0);
  RunFor(minutes(1));
  EXPECT_EQ(client_.calls().size(), 2U) << "it is not tried again";

  client_.ClearCalls();
  client_.FailNext({.verb = "patch", .error = {ErrorCode::kUnavailable, ""}});
  PutThing("b");
  Settle();
  EXPECT_THAT(client_.calls(), ElementsAre("patch things.midwatch.dev/ns/b"))
      << "what did not happen is not told";
}

TEST_F(WorkerTest, ARecordHoldsNothingUpAndIsMadeThoughWhatComesBehindItFails) {
  Start();
  const auto child = [&](const std::string& name) {
    return CreateRequest{kChild, ObjectBuilder(kChild, name, "ns").Draft(), "", false};
  };
  bool first = true;
  reconciler_.script = [&](const ObjectKey& key, const View& view, Now) -> Result<Plan> {
    if (!std::exchange(first, false)) {
      return Plan{};
    }
    const Write paint{Paint(view.Find(key), "blue")};
    DeleteRequest refused;
    refused.type = kThing;
    refused.namespace_name = "ns";
    refused.name = "a";
    return Plan{{paint, Record{child("told")}, Write{child("next")}, Write{refused},
                 Record{child("not-told")}},
                false,
                {}};
  };
  client_.FailNext({.verb = "delete", .error = {ErrorCode::kForbidden, "no"}});
  PutThing("a");
  Settle();
  EXPECT_THAT(
      client_.calls(),
      ElementsAre("patch things.midwatch.dev/ns/a", "create children.midwatch.dev/ns/next",
                  "delete things.midwatch.dev/ns/a", "create children.midwatch.dev/ns/told"));
}

}  // namespace
}  // namespace midwatch::worker_test
