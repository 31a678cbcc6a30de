#pragma once

#include <string>

#include "controller/api/run.h"

namespace midwatch::api {

/// Succeeded, Failed or Cancelled: the phase never changes any more.
bool HasEnded(RunPhase phase);

/// Its instance was lost: what its agent may still say counts no more.
bool IsLost(const Run& run);

/// It must stop, and no agent has taken it: none ever will.
bool IsWithdrawn(const Run& run);

/// To be put behind another field selector of Runs: those that have not ended. Of all that there
/// ever were they are the few that something may still become of.
std::string AndNotEnded();

}  // namespace midwatch::api
