#include "controller/runtime/informer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/testing/fake_kube_client.h"
#include "controller/testing/manual_clock.h"
#include "controller/testing/object_builder.h"
#include "controller/testing/recorders.h"
#include "controller/testing/seeded_random.h"

namespace midwatch {
namespace {

using fakes::ObjectBuilder;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using State = Informer::State;

const ResourceType kThing{"midwatch.dev", "v1alpha1", "Thing", "things", true};
const ResourceType kOther{"midwatch.dev", "v1alpha1", "Other", "others", true};

class InformerTest : public testing::Test {
 protected:
  void Put(const std::string& name, const std::string& color = "red") {
    client_.Put(kThing, ObjectBuilder(kThing, name, "ns").Label("color", color).Draft());
  }
  void Remove(const std::string& name) { client_.Remove({kThing.Resource(), "ns", name}); }
  void Settle() {
    for (int i = 0; i < 100'000 && informer_.Step(clock_.Read()); ++i) {
    }
  }
  /// Lets time pass until the informer is in `state`.
  void SettleInto(State state) {
    Settle();
    for (int i = 0; i < 100 && informer_.state() != state && informer_.NextWake(); ++i) {
      clock_.Advance(*informer_.NextWake() - clock_.Read().mono);
      Settle();
    }
    ASSERT_EQ(informer_.state(), state);
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const Object& object : index_.List("")) {
      names.push_back(object.name());
    }
    return names;
  }

  fakes::ManualClock clock_;
  fakes::FakeKubeClient client_{clock_};
  fakes::CountingWaker waker_;
  fakes::SeededRandom random_{1};
  fakes::RecordingMetrics metrics_;
  fakes::RecordingLog log_;
  Index index_{kThing};
  Informer informer_{{client_, waker_, random_, metrics_, log_}, index_};
};

TEST_F(InformerTest, ListsThenWatches) {
  Put("a");
  EXPECT_FALSE(informer_.synced());
  Settle();
  EXPECT_TRUE(informer_.synced());
  EXPECT_EQ(informer_.state(), State::kWatching);
  Put("b");
  Put("a", "blue");
  Remove("b");
  Settle();
  EXPECT_THAT(Names(), ElementsAre("a"));
  EXPECT_EQ(index_.Find("ns", "a").meta().labels.at("color"), "blue");
  EXPECT_EQ(index_.fresh_to(), client_.version());
  EXPECT_GT(waker_.count(), 0);
}

TEST_F(InformerTest, ListsLargeCollectionsInPages) {
  for (std::int64_t i = 0; i <= 2 * Informer::kPageSize; ++i) {
    Put("thing-" + std::to_string(i));
  }
  Settle();
  EXPECT_THAT(Names(), SizeIs(2 * Informer::kPageSize + 1));
  EXPECT_THAT(client_.calls(), SizeIs(3));
}

TEST_F(InformerTest, BookmarksMoveFreshToAlone) {
  Put("a");
  Settle();
  client_.Put({"", "v1", "Other", "others", true}, ObjectBuilder(kThing, "x", "ns").Draft());
  client_.Bookmark();
  Settle();
  EXPECT_EQ(index_.fresh_to(), 2);
  EXPECT_THAT(Names(), ElementsAre("a"));
}

TEST_F(InformerTest, AfterALostStreamItWatchesFromWhereItWas) {
  Put("a");
  Settle();
  Put("b");
  Settle();
  client_.EndWatches({ErrorCode::kUnavailable, "connection reset"});
  Put("c");
  Remove("a");
  SettleInto(State::kWatching);
  EXPECT_THAT(Names(), ElementsAre("b", "c"));
  EXPECT_THAT(client_.calls(), SizeIs(1)) << "no second list";
}

TEST_F(InformerTest, BacksOffWhileStreamsEndAtOnceAndForgetsThatOnceOneIsHealthy) {
  Settle();
  Duration last = Duration::zero();
  for (int i = 0; i < 4; ++i) {
    client_.EndWatches({ErrorCode::kUnavailable, "connection reset"});
    Settle();
    ASSERT_EQ(informer_.state(), State::kBackoff);
    const Duration wait = *informer_.NextWake() - clock_.Read().mono;
    EXPECT_GE(wait, last / 2);
    EXPECT_GE(wait, Informer::kBackoffBase / 2);
    EXPECT_LE(wait, Informer::kBackoffLimit);
    last = wait;
    SettleInto(State::kWatching);
  }
  clock_.Advance(Informer::kHealthyWatch);
  client_.EndWatches({ErrorCode::kUnavailable, "timeout"});
  Settle();
  EXPECT_EQ(informer_.state(), State::kWatching) << "a healthy watch is opened again at once";
}

TEST_F(InformerTest, AfterExpiryItListsAndFindsEveryDifference) {
  for (const char* name : {"kept", "changed", "gone"}) {
    Put(name);
  }
  Settle();
  client_.HoldEvents(true);
  Put("changed", "blue");
  Put("new");
  Remove("gone");
  client_.EndWatches({ErrorCode::kExpired, "too old resource version"});
  client_.Compact();
  std::vector<std::string> changes;
  index_.SetListener([&](const Change& change) {
    changes.push_back(change.after ? change.after.name() : "-" + change.before.name());
  });
  while (client_.DeliverEvent() || informer_.Step(clock_.Read())) {
  }
  SettleInto(State::kWatching);
  EXPECT_THAT(Names(), ElementsAre("changed", "kept", "new"));
  EXPECT_THAT(changes, testing::UnorderedElementsAre("-gone", "changed", "new"));
}

TEST_F(InformerTest, AWatchThatExpiresAgainAndAgainIsNotListedInATightLoop) {
  client_.FailNext({.verb = "watch", .error = {ErrorCode::kExpired, "too old"}, .times = 3});
  Settle();
  EXPECT_EQ(informer_.state(), State::kBackoff);
  EXPECT_THAT(client_.calls(), SizeIs(2));
  SettleInto(State::kWatching);
}

TEST_F(InformerTest, AFailedListIsTriedAgainAndWhatIsKnownStays) {
  Put("a");
  Settle();
  client_.FailNext({.verb = "list", .error = {ErrorCode::kUnavailable, "down"}, .times = 2});
  client_.EndWatches({ErrorCode::kExpired, "too old"});
  Settle();
  EXPECT_EQ(informer_.state(), State::kBackoff);
  EXPECT_THAT(Names(), ElementsAre("a"));
  SettleInto(State::kWatching);
}

TEST_F(InformerTest, DuplicateAndStaleEventsChangeNothing) {
  client_.HoldEvents(true);
  Settle();
  Put("a");
  Settle();
  int changes = 0;
  index_.SetListener([&](const Change&) { ++changes; });
  // The answer to our own write is in the index before its event.
  index_.Upsert(client_.Find({kThing.Resource(), "ns", "a"}), {});
  client_.HoldEvents(false);
  Settle();
  EXPECT_EQ(changes, 1);
}

TEST_F(InformerTest, AListFromThePastIsNotBelievedUntilItIsClearlyARestore) {
  Put("a");
  client_.FreezeLists();
  Put("b");
  Remove("a");
  client_.ThawLists();
  Settle();
  client_.FreezeLists();
  Put("c");
  Settle();
  client_.EndWatches({ErrorCode::kExpired, "too old"});
  for (int lists = 1; lists < Informer::kMaxOlderLists; ++lists) {
    Settle();
    ASSERT_EQ(informer_.state(), State::kBackoff);
    EXPECT_THAT(Names(), ElementsAre("b", "c"));
    clock_.Advance(*informer_.NextWake() - clock_.Read().mono);
  }
  Settle();
  EXPECT_EQ(client_.calls().size(), 1U + Informer::kMaxOlderLists);
  EXPECT_THAT(Names(), ElementsAre("b", "c")) << "the watch has brought c again";
}

TEST_F(InformerTest, ARefreshIsAListAfterTheCall) {
  Put("a");
  Settle();
  const std::uint64_t number = informer_.Refresh();
  EXPECT_LT(informer_.refreshes(), number);
  client_.HoldAnswers(true);
  Settle();
  const std::uint64_t second =
      informer_.Refresh();  // The list that is running may be too old for it.
  client_.HoldAnswers(false);
  while (client_.DeliverAnswer() || informer_.Step(clock_.Read())) {
  }
  EXPECT_GE(informer_.refreshes(), second);
  EXPECT_THAT(client_.calls(), SizeIs(3));
  EXPECT_EQ(informer_.state(), State::kWatching);
}

TEST_F(InformerTest, ARefreshAsksForProgressWhereItCan) {
  client_.AnswerProgress();
  Put("a");
  Settle();
  client_.ClearCalls();
  client_.HoldEvents(true);
  client_.Put(kOther, ObjectBuilder(kOther, "x", "ns").Draft());
  const std::int64_t version = client_.version();
  const std::uint64_t number = informer_.Refresh();
  Settle();
  EXPECT_LT(informer_.refreshes(), number);
  EXPECT_LT(index_.fresh_to(), version);
  client_.HoldEvents(false);
  while (client_.DeliverEvent()) {
  }
  Settle();
  EXPECT_GE(informer_.refreshes(), number);
  EXPECT_GE(index_.fresh_to(), version);
  EXPECT_THAT(client_.calls(), IsEmpty()) << "nothing was listed";
  EXPECT_EQ(informer_.state(), State::kWatching);
}

TEST_F(InformerTest, ProgressThatIsAskedOfAWatchThatEndsIsAskedAgain) {
  client_.AnswerProgress();
  Settle();
  client_.HoldEvents(true);
  const std::uint64_t number = informer_.Refresh();
  Settle();
  client_.EndWatches({ErrorCode::kUnavailable, "gone"});
  client_.HoldEvents(false);
  for (int i = 0; i < 10 && informer_.refreshes() < number; ++i) {
    clock_.Advance(Informer::kBackoffLimit);
    Settle();
  }
  EXPECT_GE(informer_.refreshes(), number);
}

TEST_F(InformerTest, ListsAgainWhenAnEventWasMissed) {
  client_.AnswerProgress();
  Settle();
  client_.ClearCalls();
  informer_.ListAgain();
  Settle();
  EXPECT_THAT(client_.calls(), SizeIs(1));
  EXPECT_EQ(informer_.state(), State::kWatching);
}

TEST_F(InformerTest, EventsThatNobodyTakesAreBounded) {
  Settle();
  const ResourceType type = kThing;
  const Json draft = ObjectBuilder(type, "a", "ns").Draft();
  for (std::size_t i = 0; i <= Informer::kMaxQueuedEvents; ++i) {
    client_.Put(type, draft);
  }
  Put("after");
  SettleInto(State::kWatching);
  Settle();
  EXPECT_THAT(Names(), ElementsAre("a", "after"));
  EXPECT_EQ(index_.fresh_to(), client_.version());
}

TEST_F(InformerTest, AScopeFollowsAPart) {
  Index part(kThing);
  Informer informer({client_, waker_, random_, metrics_, log_}, part, {"ns", "color=red", ""});
  Put("a");
  Put("b", "blue");
  while (informer.Step(clock_.Read())) {
  }
  EXPECT_EQ(part.size(), 1U);
  Put("a", "blue");
  while (informer.Step(clock_.Read())) {
  }
  EXPECT_EQ(part.size(), 0U);
}

TEST_F(InformerTest, DestroyingItWhileAnswersAreOutstandingIsSafe) {
  client_.HoldAnswers(true);
  {
    Index index(kThing);
    Informer informer({client_, waker_, random_, metrics_, log_}, index);
    informer.Step(clock_.Read());
  }
  while (client_.DeliverAnswer()) {
  }
}

}  // namespace
}  // namespace midwatch
