#include "controller/http/stream_queue.h"

#include <gtest/gtest.h>

namespace midwatch::http {
namespace {

using Outcome = StreamQueue::Outcome;

TEST(StreamQueue, WakesOnceUntilTaken) {
  StreamQueue queue(100);
  EXPECT_EQ(queue.Push("a"), Outcome::kQueuedWake);
  EXPECT_EQ(queue.Push("b"), Outcome::kQueued);
  EXPECT_EQ(queue.Take(100).bytes, "ab");
  EXPECT_EQ(queue.Push("c"), Outcome::kQueuedWake);
  EXPECT_FALSE(queue.End()) << "woken already";
  const auto taken = queue.Take(100);
  EXPECT_EQ(taken.bytes, "c");
  EXPECT_TRUE(taken.ended);
  EXPECT_EQ(queue.Push("d"), Outcome::kClosed);
}

TEST(StreamQueue, OverflowsPastTheLimitButNotByItsFirstPiece) {
  StreamQueue queue(10);
  EXPECT_EQ(queue.Push(std::string(1000, 'x')), Outcome::kQueuedWake);
  EXPECT_EQ(queue.Push(std::string(10, 'x')), Outcome::kQueued);
  EXPECT_EQ(queue.Push("x"), Outcome::kOverflow);
  EXPECT_EQ(queue.Push("x"), Outcome::kClosed);
  EXPECT_EQ(queue.Take(5000).bytes, "");
}

TEST(StreamQueue, TellsOnceWhenThereIsRoomAgain) {
  StreamQueue queue(10);
  int told = 0;
  const auto tell = [&] { ++told; };
  EXPECT_TRUE(queue.HasRoom(tell));
  queue.Push("aaaaa");
  EXPECT_TRUE(queue.HasRoom(tell)) << "half of it";
  queue.Push("bbbb");
  EXPECT_FALSE(queue.HasRoom(tell));
  EXPECT_FALSE(queue.HasRoom(tell));
  EXPECT_EQ(told, 0);
  queue.Take(5);
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(queue.HasRoom(tell));
  queue.Push("ccccc");
  EXPECT_FALSE(queue.HasRoom(tell));
  queue.Close();
  EXPECT_EQ(told, 2) << "it is over";
  EXPECT_TRUE(queue.HasRoom(tell));
}

TEST(StreamQueue, TakesWholePieces) {
  StreamQueue queue(100);
  queue.Push("aaaa");
  queue.Push("bbbb");
  queue.Push("cccc");
  EXPECT_EQ(queue.Take(9).bytes, "aaaabbbb");
  EXPECT_EQ(queue.Push("d"), Outcome::kQueued) << "the connection comes back for the rest";
  EXPECT_EQ(queue.Take(1).bytes, "cccc");
  EXPECT_EQ(queue.Take(1).bytes, "d");
}

TEST(StreamQueue, IsCountedUntilWhatWasTakenIsSent) {
  const auto all = std::make_shared<std::atomic<std::size_t>>(0);
  const AnswerLimits limits{.all = 20'000, .per_caller = 0};
  StreamQueue queue(100'000, std::make_shared<AnswerHold>(all, nullptr, limits));
  queue.Push(std::string(15'000, 'a'));
  queue.Push(std::string(5'000, 'b'));
  EXPECT_EQ(*all, 20'000U);
  queue.Take(15'000);
  EXPECT_EQ(*all, 20'000U) << "it is being sent";
  queue.Take(5'000);
  EXPECT_EQ(*all, 5'000U);

  StreamQueue other(100'000, std::make_shared<AnswerHold>(all, nullptr, limits));
  EXPECT_EQ(other.Push(std::string(16'000, 'c')), Outcome::kQueuedWake) << "empty, and it is small";
  EXPECT_EQ(other.Push("d"), Outcome::kOverflow);
  EXPECT_EQ(*all, 5'000U);
  queue.Close();
  EXPECT_EQ(*all, 0U);
}

}  // namespace
}  // namespace midwatch::http
