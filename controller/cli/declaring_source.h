#pragma once

#include <string>

#include "controller/cli/api_session.h"

namespace midwatch::cli {

/// `GitSource NAMESPACE/NAME declares it in FILE`, as the object's own note says; empty if there is
/// no such source that is not suspended, or it may not be read.
std::string WhoDeclares(const Object& object, ApiSession& session);

}  // namespace midwatch::cli
