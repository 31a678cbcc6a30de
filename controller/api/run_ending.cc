#include "controller/api/run_ending.h"

#include "controller/api/codec.h"

namespace midwatch::api {

bool HasEnded(RunPhase phase) {
  return phase == RunPhase::kSucceeded || phase == RunPhase::kFailed ||
         phase == RunPhase::kCancelled;
}

bool IsLost(const Run& run) {
  return run.spec.stop_requested && run.spec.stop_requested->reason == StopReason::kInstanceLost;
}

bool IsWithdrawn(const Run& run) {
  return run.spec.stop_requested && run.status.phase == RunPhase::kPending;
}

std::string AndNotEnded() {
  std::string out;
  for (const auto phase : {RunPhase::kSucceeded, RunPhase::kFailed, RunPhase::kCancelled}) {
    out += ",status.phase!=" + std::string(ToString(phase));
  }
  return out;
}

}  // namespace midwatch::api
