#include "controller/api/live_runs.h"

#include <gtest/gtest.h>

#include "controller/api/codec.h"
#include "controller/api/run.h"
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

}  // namespace
}  // namespace midwatch::api
