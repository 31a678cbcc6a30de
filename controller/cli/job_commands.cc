#include <utility>

#include "controller/api/codec.h"
#include "controller/cli/commands.h"
#include "controller/cli/job_files.h"
#include "controller/cli/job_reporter.h"
#include "controller/cli/job_results.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/state_word.h"

namespace midwatch::cli {
namespace {

constexpr Duration kPatience = std::chrono::seconds(30);

/// What job update and job finish have in common: upload, then report.
Result<ReportedTransition> Tell(const std::string& job, JobNews news, const std::string& log,
                                const std::string& plan, Context& context, ApiSession& session) {
  const SecretMask mask(context.world.environment);
  const UploadTarget to{context, session, context.Time().mono + kPatience};
  if (!log.empty()) {
    MIDWATCH_ASSIGN(auto artifact, UploadFile("log", log, mask, to));
    news.artifacts.push_back(std::move(artifact));
  }
  if (!plan.empty()) {
    MIDWATCH_ASSIGN(auto artifact, UploadFile("plan", plan, mask, to));
    news.artifacts.push_back(std::move(artifact));
  }
  return JobReporter(context, session, kPatience).Report(session.namespace_name(), job, news);
}

void Confirm(const ReportedTransition& reported, api::JobState state, Context& context) {
  context.Print("modulejob/" + reported.namespace_name + "/" + reported.job + " is " +
                ShowState(api::ToString(state), context.out) + "\n");
}

}  // namespace

int Run(const JobStartOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client);
  if (!session) {
    return context.Refuse(session.error());
  }
  const api::ModuleJob job =
      MakeJob(options.facts, context.world.environment, context.world.random.NameSuffix());
  const auto created =
      JobReporter(context, *session, kPatience)
          .Create(job, {{.state = api::JobState::kRunning, .at = context.Time().wall}});
  if (!created && created.error().code == ErrorCode::kAlreadyExists) {
    return context.Refuse(kExitFailed, created.error().message,
                          "a retry is a new job: give it another --job-id");
  }
  if (!created) {
    return context.Refuse(created.error());
  }
  context.Print(job.metadata.namespace_name + "/" + job.metadata.name + "\n");
  return kExitDone;
}

int Run(const JobUpdateOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client, options.job.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  const auto reported =
      Tell(options.job.name,
           {.state = options.state, .at = context.Time().wall, .message = options.message},
           options.log, options.plan, context, *session);
  if (!reported) {
    return RefuseObject(reported.error(), api::ModuleJob::Type(), options.job.name, context,
                        *session);
  }
  Confirm(*reported, options.state, context);
  return kExitDone;
}

int Run(const JobFinishOptions& options, Context& context) {
  if (!options.state && !options.exit_code) {
    return context.Refuse(kExitUsage, "how the job ended is missing",
                          "give --exit-code N or --state STATE");
  }
  const api::JobState by_code =
      options.exit_code.value_or(0) == 0 ? api::JobState::kSucceeded : api::JobState::kFailed;
  const api::JobState state = options.state.value_or(by_code);
  if (state == api::JobState::kRunning || state == api::JobState::kApprovalRequired) {
    return context.Refuse(kExitUsage,
                          std::string(api::ToString(state)) + " is not the end of a job",
                          "report it by midwatch job update");
  }
  if (state == api::JobState::kFailed && options.exit_code == 0) {
    return context.Refuse(kExitUsage, "exit code 0 and Failed contradict each other",
                          "leave out one of --exit-code and --state");
  }
  auto session = ApiSession::Open(context, options.client, options.job.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  const auto reported = Tell(options.job.name,
                             {.state = state,
                              .at = context.Time().wall,
                              .exit_code = options.exit_code,
                              .message = options.message},
                             options.log, options.plan, context, *session);
  if (!reported) {
    return RefuseObject(reported.error(), api::ModuleJob::Type(), options.job.name, context,
                        *session);
  }
  Confirm(*reported, state, context);
  if (options.wait && state == api::JobState::kCancelled) {
    context.Note("a job that was cancelled starts no AI work: nothing is waited for");
  } else if (options.wait) {
    WaitForResults(*reported, *options.wait, {context.world.out, context.out}, context, *session);
  }
  return kExitDone;
}

}  // namespace midwatch::cli
