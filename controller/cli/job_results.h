#pragma once

#include "controller/cli/api_session.h"
#include "controller/cli/job_reporter.h"

namespace midwatch::cli {

/// Where the results go: below the output of a command, or instead of one.
struct ResultOutput {
  Output& to;
  const Style& style;
};

/// Waits until the AI work that the transition starts has ended, or the time is up, and prints what
/// came of each Dispatch: its Report, why there is none, or what it waits for and what will end
/// that. A signal ends the waiting.
void WaitForResults(const ReportedTransition& transition, Duration patience, ResultOutput output,
                    Context& context, ApiSession& session);

}  // namespace midwatch::cli
