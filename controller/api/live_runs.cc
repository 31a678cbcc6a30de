#include "controller/api/live_runs.h"

#include "controller/api/codec.h"
#include "controller/api/run.h"

namespace midwatch::api {

std::string AndNotEnded() {
  std::string out;
  for (const auto phase : {RunPhase::kSucceeded, RunPhase::kFailed, RunPhase::kCancelled}) {
    out += ",status.phase!=" + std::string(ToString(phase));
  }
  return out;
}

}  // namespace midwatch::api
