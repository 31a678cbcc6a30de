#include "controller/artifacts/upload_budget.h"

#include <gtest/gtest.h>

namespace midwatch::artifacts {
namespace {

constexpr std::uint64_t kHalf = kMaxUploadBytesPerRun / 2;

TEST(UploadBudgetTest, EachRunUnderWayGivesSoManyBytes) {
  UploadBudget budget;
  EXPECT_TRUE(budget.Take("ada", {"one"}, "a", kHalf));
  EXPECT_TRUE(budget.Take("ada", {"one"}, "b", kHalf));
  EXPECT_FALSE(budget.Take("ada", {"one"}, "c", 1));
  EXPECT_TRUE(budget.Take("bob", {"other"}, "c", 1));
  EXPECT_TRUE(budget.Take("ada", {"one", "two"}, "c", kMaxUploadBytesPerRun));
  EXPECT_FALSE(budget.Take("ada", {"one", "two"}, "d", 1));
  EXPECT_TRUE(budget.Take("ada", {"three"}, "d", kMaxUploadBytesPerRun)) << "the others are over";
  EXPECT_FALSE(budget.Take("ada", {}, "e", 1));
}

TEST(UploadBudgetTest, ContentThatComesAgainCountsOnce) {
  UploadBudget budget;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(budget.Take("ada", {"one"}, "a", kMaxUploadBytesPerRun));
  }
  EXPECT_FALSE(budget.Take("ada", {"one"}, "b", 1));
}

TEST(UploadBudgetTest, WhatWasAnnouncedWithLessIsCountedAsItComes) {
  UploadBudget budget;
  EXPECT_TRUE(budget.Take("ada", {"one"}, "a", 0));
  EXPECT_FALSE(budget.Take("ada", {"one"}, "a", kMaxUploadBytesPerRun));
  EXPECT_TRUE(budget.Take("ada", {"one"}, "a", kMaxUploadBytesPerRun - kLeastUploadBytes));
}

TEST(UploadBudgetTest, ThereAreOnlySoManySmallOnes) {
  UploadBudget budget;
  int count = 0;
  while (count < 10'000 && budget.Take("ada", {"one"}, std::to_string(count), 0)) {
    ++count;
  }
  EXPECT_EQ(count, 8192);
}

}  // namespace
}  // namespace midwatch::artifacts
