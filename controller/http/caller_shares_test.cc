#include "controller/http/caller_shares.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace midwatch::http
