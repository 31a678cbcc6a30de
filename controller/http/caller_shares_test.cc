#include "controller/http/caller_shares.h"

#include <gtest/gtest.h>

#include <optional>

namespace midwatch::http {
namespace {

TEST(CallerSharesTest, ACallerHasOneShareHoweverOftenItIsAskedFor) {
  CallerShares shares;
  const auto ada = shares.Of("ada");
  EXPECT_EQ(shares.Of("ada"), ada);
  EXPECT_NE(shares.Of("bob"), ada);
}

TEST(CallerSharesTest, WhoHasNothingUnderWayIsForgotten) {
  CallerShares shares;
  for (int i = 0; i < 1000; ++i) {
    shares.Of(std::to_string(i));
  }
  const auto ada = shares.Of("ada");
  shares.Of("bob");
  EXPECT_LE(shares.Size(), 2U);
  EXPECT_EQ(shares.Of("ada"), ada);
}

TEST(CallerSharesTest, NoMoreThanTheMostAreTaken) {
  std::atomic<std::size_t> taken = 0;
  EXPECT_TRUE(TakeOne(taken, 2));
  EXPECT_TRUE(TakeOne(taken, 2));
  EXPECT_FALSE(TakeOne(taken, 2));
  EXPECT_EQ(taken, 2U);
}

TEST(AnswerHoldTest, BoundsWhatWaitsForOneCallerAndForAll) {
  using Outcome = AnswerHold::Outcome;
  CallerShares shares;
  const auto all = std::make_shared<std::atomic<std::size_t>>(0);
  const auto hold = [&](const char* caller) {
    return AnswerHold(all, *caller == 0 ? nullptr : shares.Of(caller),
                      {.all = 30, .per_caller = 20});
  };
  const auto ada = shares.Of("ada");
  std::optional<AnswerHold> first(std::in_place, all, ada, AnswerLimits{30, 20});
  EXPECT_EQ(first->Take(12, false), Outcome::kTaken);
  EXPECT_EQ(hold("ada").Take(9, false), Outcome::kCallerUsedUp);
  EXPECT_EQ(hold("bob").Take(19, false), Outcome::kUsedUp);
  EXPECT_EQ(hold("").Take(19, false), Outcome::kUsedUp);
  EXPECT_EQ(hold("bob").Take(19, true), Outcome::kTaken);
  EXPECT_EQ(*all, 12U) << "what is refused, or over, counts nothing";
  EXPECT_EQ(first->Take(8, false), Outcome::kTaken);
  first->Give(15);
  EXPECT_EQ(ada->answer_bytes, 5U);
  first.reset();
  EXPECT_EQ(*all, 0U);
  EXPECT_EQ(ada->answer_bytes, 0U);
  EXPECT_EQ(hold("ada").Take(1000, false), Outcome::kTaken) << "none other waits";
}

}  // namespace
}  // namespace midwatch::http
