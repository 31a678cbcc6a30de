#pragma once

#include <string>

namespace midwatch::api {

/// To be put behind another field selector of Runs: those that have not ended. Of all that there
/// ever were they are the few that something may still become of.
std::string AndNotEnded();

}  // namespace midwatch::api
