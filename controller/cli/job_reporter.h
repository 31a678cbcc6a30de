#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/module_job.h"
#include "controller/cli/api_session.h"

namespace midwatch::cli {

/// One transition that was reported: what `job … --wait` waits for.
struct ReportedTransition {
  std::string namespace_name;
  std::string job;
  std::int64_t seq = 0;
};

/// Something that happened to a job.
struct JobNews {
  api::JobState state = api::JobState::kRunning;
  WallTime at;
  std::optional<std::int64_t> exit_code = {};
  std::string message = {};
  std::vector<api::Artifact> artifacts =
      {};  ///< Uploaded already. Those of the same name are replaced.
};

/// The ModuleJob that stands for the facts, without transitions. What the command line left open
/// comes from the CI system; `suffix` makes a jobID unique that nobody gave.
api::ModuleJob MakeJob(const JobFacts& facts, const std::map<std::string, std::string>& environment,
                       const std::string& suffix);

/// The name of the object of a job: `database-8817-1`; with a hash where the jobID is no name.
std::string JobName(const std::string& module, const std::string& job_id);

/// After a call that failed: waits a little and is true if it is worth another try before the
/// deadline. A signal ends that.
bool WaitForAnotherTry(const Error& error, MonoTime deadline, Context& context);

/// Tells the API about jobs, and does not give up at once: conflicts are resolved, and while it
/// cannot be reached it is tried again until `patience` has passed.
class JobReporter {
 public:
  JobReporter(Context& context, ApiSession& session, Duration patience)
      : context_(context), session_(session), patience_(patience) {}

  /// Creates the job with these transitions, and warns if it has no Module. kAlreadyExists if there
  /// is one of that jobID.
  Result<void> Create(api::ModuleJob job, const std::vector<JobNews>& news);
  /// Adds the transition. If the job does not exist and `missing` is given, that is created with
  /// both. kInvalid if the job has ended.
  Result<ReportedTransition> Report(const std::string& namespace_name, const std::string& name,
                                    const JobNews& news, const api::ModuleJob* missing = nullptr);

 private:
  void WarnOfMissingModule(const api::ModuleJob& job);
  Result<ReportedTransition> TryReport(const std::string& namespace_name, const std::string& name,
                                       const JobNews& news, const api::ModuleJob* missing);

  Context& context_;
  ApiSession& session_;
  const Duration patience_;
};

}  // namespace midwatch::cli
