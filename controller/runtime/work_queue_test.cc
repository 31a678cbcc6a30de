#include "controller/runtime/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace midwatch {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::ElementsAre;

ObjectKey Key(const std::string& name) { return {"things.midwatch.dev", "ns", name}; }
MonoTime At(std::int64_t millis) { return {millis * 1000}; }

class WorkQueueTest : public testing::Test {
 protected:
  std::string Take(std::int64_t millis) {
    const auto taken = queue_.Take(At(millis));
    return taken ? taken->key.name : "";
  }
  std::vector<std::string> TakeAll(std::int64_t millis) {
    std::vector<std::string> names;
    for (std::string name = Take(millis); !name.empty(); name = Take(millis)) {
      names.push_back(name);
    }
    return names;
  }

  WorkQueue queue_{{milliseconds(5), minutes(1)}};
};

TEST_F(WorkQueueTest, GivesEachKeyOnceInTheOrderOfAdding) {
  for (const char* name : {"b", "a", "b", "c", "a"}) {
    queue_.Add(Key(name), At(0));
  }
  EXPECT_EQ(queue_.ready(), 3U);
  EXPECT_THAT(TakeAll(0), ElementsAre("b", "a", "c"));
  EXPECT_EQ(queue_.ready(), 0U);
}

TEST_F(WorkQueueTest, NeverHandsAKeyOutTwiceAtOnceAndForgetsNoAddition) {
  queue_.Add(Key("a"), At(0));
  EXPECT_EQ(Take(0), "a");
  queue_.Add(Key("a"), At(1));
  queue_.AddAt(Key("a"), At(1));
  EXPECT_EQ(Take(2), "");
  queue_.Done(Key("a"), At(3));
  EXPECT_EQ(Take(3), "a");
  queue_.Done(Key("a"), At(3));
  EXPECT_EQ(Take(100'000), "");
}

TEST_F(WorkQueueTest, LanesGoFirstToLastAndAKeyMovesUp) {
  queue_.Add(Key("sweep"), At(0), QueueLane::kSweep);
  queue_.Add(Key("moved"), At(0), QueueLane::kSweep);
  queue_.Add(Key("first"), At(0), QueueLane::kBackground);
  queue_.Add(Key("event"), At(0));
  queue_.Add(Key("moved"), At(0));
  queue_.Add(Key("event"), At(0), QueueLane::kSweep);
  queue_.Add(Key("answer"), At(0), QueueLane::kUrgent);
  EXPECT_EQ(queue_.ready(), 5U);
  EXPECT_THAT(TakeAll(0), ElementsAre("answer", "event", "moved", "first", "sweep"));
}

TEST_F(WorkQueueTest, TheEarliestDueTimeCountsAndTakingClearsIt) {
  queue_.AddAt(Key("a"), At(50));
  queue_.AddAt(Key("a"), At(20));
  queue_.AddAt(Key("a"), At(90));
  queue_.AddAt(Key("b"), At(10));
  EXPECT_EQ(queue_.NextDue(), At(10));
  EXPECT_FALSE(queue_.HasReady(At(9)));
  EXPECT_TRUE(queue_.HasReady(At(20)));
  EXPECT_THAT(TakeAll(19), ElementsAre("b"));
  EXPECT_THAT(TakeAll(20), ElementsAre("a"));
  queue_.Done(Key("a"), At(20));
  EXPECT_EQ(queue_.NextDue(), std::nullopt);
  queue_.AddAt(Key("c"), At(200));
  queue_.Add(Key("c"), At(30));
  EXPECT_EQ(Take(30), "c");
  EXPECT_EQ(queue_.NextDue(), std::nullopt);
}

TEST_F(WorkQueueTest, BacksOffPerKeyUpToTheLimitAndStartsAfreshWhenForgotten) {
  std::vector<std::int64_t> delays;
  MonoTime now = At(0);
  for (int i = 0; i < 16; ++i) {
    queue_.AddRateLimited(Key("a"), now);
    delays.push_back((*queue_.NextDue() - now).count() / 1000);
    now = *queue_.NextDue();
    EXPECT_EQ(queue_.Take(now)->failures, i + 1);
    queue_.Done(Key("a"), now);
  }
  EXPECT_THAT(delays, ElementsAre(5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480,
                                  40960, 60000, 60000));
  queue_.Forget(Key("a"));
  queue_.AddRateLimited(Key("a"), now);
  EXPECT_EQ(*queue_.NextDue() - now, Duration(5000));
}

TEST_F(WorkQueueTest, ReleasesWhatWaitsForATimeButNotWhatFailed) {
  queue_.AddAt(Key("b"), At(50));
  queue_.AddAt(Key("a"), At(60));
  queue_.AddRateLimited(Key("failed"), At(0));
  queue_.ReleaseWaiting(At(1));
  EXPECT_THAT(TakeAll(1), ElementsAre("b", "a"));
  EXPECT_EQ(queue_.NextDue(), At(5));
}

TEST_F(WorkQueueTest, SaysSinceWhenAKeyWasReady) {
  queue_.Add(Key("a"), At(3));
  queue_.AddAt(Key("b"), At(7));
  EXPECT_EQ(queue_.Take(At(10))->queued, At(3));
  EXPECT_EQ(queue_.Take(At(10))->queued, At(7));
}

}  // namespace
}  // namespace midwatch
