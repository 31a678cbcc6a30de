#pragma once

#include "controller/cli/context.h"
#include "controller/cli/options.h"

namespace midwatch::cli {

// One function per client command; each gives the exit code and has said everything there is to
// say.

int Run(const AgentTokenOptions& options, Context& context);
int Run(const ValidateOptions& options, Context& context);
int Run(const DiffOptions& options, Context& context);
int Run(const SyncOptions& options, Context& context);
int Run(const JobExecOptions& options, Context& context);
int Run(const JobStartOptions& options, Context& context);
int Run(const JobUpdateOptions& options, Context& context);
int Run(const JobFinishOptions& options, Context& context);
int Run(const GetOptions& options, Context& context);
int Run(const DescribeOptions& options, Context& context);
int Run(const ApplyOptions& options, Context& context);
int Run(const DeleteOptions& options, Context& context);
int Run(const TreeOptions& options, Context& context);
int Run(const WhyOptions& options, Context& context);
int Run(const LogsOptions& options, Context& context);
int Run(const ReportOptions& options, Context& context);
int Run(const CancelOptions& options, Context& context);
int Run(const VersionOptions& options, Context& context);
int Run(const DocsOptions& options, Context& context);

}  // namespace midwatch::cli
