#pragma once

#include <optional>

#include "controller/cli/context.h"
#include "controller/cli/diff_output.h"

namespace midwatch::cli {

/// What changes between two revisions of a repository, without a server. Nothing: an error, which was
/// said.
std::optional<DiffResult> CompareRevisions(const DiffOptions& options, Context& context);

}  // namespace midwatch::cli
