#pragma once

#include "controller/cli/context.h"
#include "controller/cli/diff_output.h"

namespace midwatch::cli {

/// What applying the manifests would change on the server. Without a GitSource the server itself
/// tells, by a dry run of each apply; with one it is the plan of its sync, prunes included. An
/// error was said.
DiffOutcome CompareWithServer(const DiffOptions& options, Context& context);

}  // namespace midwatch::cli
