#include "controller/api/run_ending.h"

#include <gtest/gtest.h>

#include "controller/api/codec.h"
#include "controller/object/selector.h"

namespace midwatch::api {
namespace {

TEST(AndNotEnded, LeavesOutWhatHasEnded) {
  const auto selector = FieldSelector::Parse("spec.agentRef.name=ops" + AndNotEnded()).value();
  const auto selects = [&](RunPhase phase) {
    return selector.Matches([&](std::string_view field) {
      return std::string(field == "status.phase" ? ToString(phase) : "ops");
    });
  };
  for (const auto phase :
       {RunPhase::kPending, RunPhase::kAcknowledged, RunPhase::kRunning, RunPhase::kStopping}) {
    EXPECT_TRUE(selects(phase)) << ToString(phase);
  }
  for (const auto phase : {RunPhase::kSucceeded, RunPhase::kFailed, RunPhase::kCancelled}) {
    EXPECT_FALSE(selects(phase)) << ToString(phase);
  }
}

TEST(RunEnding, IsLostOrWithdrawnOnlyIfItMustStop) {
  api::Run run;
  EXPECT_FALSE(IsLost(run));
  EXPECT_FALSE(IsWithdrawn(run));
  run.spec.stop_requested = StopRequest{.reason = StopReason::kNotAcknowledged};
  EXPECT_FALSE(IsLost(run));
  EXPECT_TRUE(IsWithdrawn(run));
  run.status.phase = RunPhase::kAcknowledged;
  EXPECT_FALSE(IsWithdrawn(run));
  run.spec.stop_requested->reason = StopReason::kInstanceLost;
  EXPECT_TRUE(IsLost(run));
}

}  // namespace
}  // namespace midwatch::api
