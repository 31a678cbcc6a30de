#pragma once

#include "controller/cli/context.h"
#include "controller/cli/diff_output.h"

namespace midwatch::cli {

/// What changes between two revisions of a repository, without a server. An error was said.
DiffOutcome CompareRevisions(const DiffOptions& options, Context& context);

}  // namespace midwatch::cli
