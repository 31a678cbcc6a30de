#include <algorithm>
#include <utility>

#include "controller/base/text.h"
#include "controller/cli/commands.h"
#include "controller/cli/diff_output.h"
#include "controller/cli/live_diff.h"
#include "controller/cli/revision_diff.h"

namespace midwatch::cli {

int Run(const DiffOptions& options, Context& context) {
  const bool revisions = !options.from.empty() || !options.to.empty();
  if (revisions && (options.from.empty() || options.to.empty())) {
    return context.Refuse(kExitUsage, "--from and --to belong together",
                          "give both, or neither to compare with the server");
  }
  if (!revisions && options.path.empty()) {
    return context.Refuse(kExitUsage, "PATH is missing", "see midwatch diff --help");
  }
  auto changes =
      revisions ? CompareRevisions(options, context) : CompareWithServer(options, context);
  if (!changes) {
    return changes.error();
  }
  context.Print(FormatDiff(*changes, options.output, context.out));
  return changes->steps.empty() ? kExitDone : kExitNo;
}

}  // namespace midwatch::cli
