#include "controller/artifacts/fair_turns.h"

#include <gtest/gtest.h>

#include <vector>

namespace midwatch::artifacts {
namespace {

class FairTurnsTest : public testing::Test {
 protected:
  /// As the service does: what is let go here would bring the next call, to a test that is over.
  ~FairTurnsTest() override { turns_->Stop(); }

  bool Enter(const std::string& caller, std::size_t bytes = 1) {
    return turns_->Enter(caller, bytes, [this, caller](FairTurns::Turn turn) {
      made_ += caller;
      under_way_.push_back(std::move(turn));
    });
  }
  /// Calls that last until something is let go.
  void Fill() {
    for (std::size_t i = 0; i < kCallsAtOnce; ++i) EXPECT_TRUE(Enter("x"));
    made_.clear();
  }
  void EndOne() {
    const FairTurns::Turn ended = std::move(under_way_.front());
    under_way_.erase(under_way_.begin());
  }

  std::vector<FairTurns::Turn> under_way_;
  std::string made_;
  const std::shared_ptr<FairTurns> turns_ = std::make_shared<FairTurns>();
};

TEST_F(FairTurnsTest, AFewGoAheadAtOnce) {
  for (std::size_t i = 0; i < kCallsAtOnce + 2; ++i) EXPECT_TRUE(Enter("a"));
  EXPECT_EQ(made_.size(), kCallsAtOnce);
  EndOne();
  EXPECT_EQ(made_.size(), kCallsAtOnce + 1);
  while (!under_way_.empty()) EndOne();
  made_.clear();
  Enter("b");
  EXPECT_EQ(made_, "b");
}

TEST_F(FairTurnsTest, WhoMakesManyDoesNotHoldUpWhoMakesOne) {
  Fill();
  for (int i = 0; i < 100; ++i) Enter("a");
  Enter("b");
  Enter("b");
  Enter("c");
  for (int i = 0; i < 6; ++i) EndOne();
  EXPECT_EQ(made_, "abcaba");
}

TEST_F(FairTurnsTest, WhatWaitsIsBounded) {
  Fill();
  for (std::size_t i = 0; i < kWaitingCallsOfOne; ++i) EXPECT_TRUE(Enter("a"));
  EXPECT_FALSE(Enter("a"));
  EXPECT_TRUE(Enter("b", kWaitingBytesOfOne + 1)) << "alone it may have any size";
  EXPECT_FALSE(Enter("b", 1));
  EXPECT_TRUE(Enter("c", kWaitingBytesOfOne));
  EXPECT_TRUE(Enter("d", kWaitingBytesOfOne));
  EXPECT_FALSE(Enter("e", kWaitingBytesOfOne)) << "of all together";
  for (std::size_t i = 0; i < kCallsAtOnce + 2; ++i) EndOne();
  EXPECT_TRUE(Enter("a"));
  EXPECT_TRUE(Enter("e", kWaitingBytesOfOne)) << "what went through waits no more";
}

TEST_F(FairTurnsTest, NothingComesAfterTheEnd) {
  Fill();
  Enter("a");
  turns_->Stop();
  EndOne();
  EXPECT_FALSE(Enter("b"));
  EXPECT_EQ(made_, "");
}

TEST_F(FairTurnsTest, ATurnOutlivesWhatGaveIt) {
  auto turns = std::make_shared<FairTurns>();
  FairTurns::Turn kept;
  turns->Enter("a", 1, [&](FairTurns::Turn turn) { kept = std::move(turn); });
  const std::weak_ptr<FairTurns> weak = turns;
  turns.reset();
  EXPECT_FALSE(weak.expired());
  kept.reset();
  EXPECT_TRUE(weak.expired());
}

}  // namespace
}  // namespace midwatch::artifacts
