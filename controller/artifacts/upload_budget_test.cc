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

TEST(UploadBudgetTest, WhoUploadsNoMoreIsForgottenWhenThereAreMany) {
  UploadBudget budget;
  const auto take = [&](const std::string& owner, const std::string& digest) {
    return budget.Take(owner, {"run"}, digest, kMaxUploadBytesPerRun);
  };
  EXPECT_TRUE(take("first", "a"));
  for (std::size_t i = 1; i < kMaxUploaders; ++i) EXPECT_TRUE(take(std::to_string(i), "a"));
  EXPECT_FALSE(take("first", "b")) << "all are known; it was the last now";
  EXPECT_TRUE(take("another", "a")) << "in the place of the one that was silent for longest";
  EXPECT_TRUE(take("1", "b"));
  EXPECT_FALSE(take("first", "b"));
}

}  // namespace
}  // namespace midwatch::artifacts
