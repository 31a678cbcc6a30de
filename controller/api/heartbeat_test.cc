#include "controller/api/heartbeat.h"

#include <gtest/gtest.h>

namespace midwatch::api {
namespace {

bool IsLostWith(std::string_view type, ConditionStatus status) {
  AgentInstanceStatus it;
  it.conditions.push_back({.type = std::string(type), .status = status});
  return IsLost(it);
}

TEST(IsLost, OnlyOnceThatIsSaid) {
  EXPECT_FALSE(IsLost({})) << "it has not connected yet";
  EXPECT_FALSE(IsLostWith(kConnected, ConditionStatus::kTrue));
  EXPECT_FALSE(IsLostWith(kConnected, ConditionStatus::kUnknown)) << "it may be alive";
  EXPECT_TRUE(IsLostWith(kConnected, ConditionStatus::kFalse));
  EXPECT_FALSE(IsLostWith("Ready", ConditionStatus::kFalse));
}

}  // namespace
}  // namespace midwatch::api
