#include "controller/runtime/pace.h"

#include <gtest/gtest.h>

#include <string>

namespace midwatch {
namespace {

const ObjectKey kKey{"things", "ns", "a"};
constexpr MonoTime kNow{1'000'000'000};

TEST(Pace, LetsABurstThroughAndThenOneInEveryInterval) {
  Pace pace;
  for (int i = 0; i < Pace::kBurst; ++i) {
    EXPECT_LE(pace.AllowedAt(kKey), kNow);
    pace.Note(kKey, kNow);
  }
  EXPECT_EQ(pace.AllowedAt(kKey), kNow + Pace::kInterval);
  pace.Note(kKey, kNow + Pace::kInterval);
  EXPECT_EQ(pace.AllowedAt(kKey), kNow + 2 * Pace::kInterval);
  EXPECT_LE(pace.AllowedAt({"things", "ns", "b"}), kNow) << "each key has its own";
}

TEST(Pace, IsWholeAgainAfterRest) {
  Pace pace;
  for (int i = 0; i < Pace::kBurst; ++i) {
    pace.Note(kKey, kNow);
  }
  const MonoTime rested = kNow + Pace::kBurst * Pace::kInterval;
  for (int i = 0; i < Pace::kBurst; ++i) {
    EXPECT_LE(pace.AllowedAt(kKey), rested);
    pace.Note(kKey, rested);
  }
  EXPECT_GT(pace.AllowedAt(kKey), rested);
}

TEST(Pace, ForgetsKeysThatRest) {
  Pace pace;
  for (int i = 0; i < 100'000; ++i) {
    pace.Note({"things", "ns", std::to_string(i)}, kNow + i * Pace::kInterval);
  }
  EXPECT_LE(pace.remembered(), 2'000U);
}

}  // namespace
}  // namespace midwatch
