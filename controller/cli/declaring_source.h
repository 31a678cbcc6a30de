#pragma once

#include <string>

#include "controller/cli/api_session.h"

namespace midwatch::cli {

/// `GitSource NAMESPACE/NAME declares it in FILE`, as the object's own note says; empty if there is
/// no note, or that source is gone or suspended. One that cannot be read is taken to be at work.
std::string WhoDeclares(const Object& object, ApiSession& session);

}  // namespace midwatch::cli
