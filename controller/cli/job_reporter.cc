#include "controller/cli/job_reporter.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "controller/api/module.h"
#include "controller/api/names.h"
#include "controller/base/digest.h"
#include "controller/base/error_table.h"
#include "controller/base/text.h"
#include "controller/cli/ci_environment.h"
#include "controller/cli/state_word.h"
#include "controller/object/name_rules.h"

namespace midwatch::cli {
namespace {

constexpr Duration kBetweenTries = std::chrono::seconds(1);

bool IsFinal(api::JobState state) {
  return state == api::JobState::kSucceeded || state == api::JobState::kFailed ||
         state == api::JobState::kCancelled;
}

bool IsWorthAnotherTry(ErrorCode code) { return RowOf(code).retry != RetryClass::kNever; }

void Append(const JobNews& news, api::ModuleJobSpec& spec) {
  const std::int64_t seq = spec.transitions.empty() ? 0 : spec.transitions.back().seq + 1;
  spec.transitions.push_back({.seq = seq,
                              .state = news.state,
                              .at = news.at,
                              .exit_code = news.exit_code,
                              .message = news.message});
  for (const api::Artifact& artifact : news.artifacts) {
    const auto known =
        std::find_if(spec.artifacts.begin(), spec.artifacts.end(),
                     [&](const api::Artifact& other) { return other.name == artifact.name; });
    if (known == spec.artifacts.end()) {
      spec.artifacts.push_back(artifact);
    } else {
      *known = artifact;
    }
  }
}

/// The seq of the transition, if it stands there already: its answer was lost.
std::optional<std::int64_t> FindReported(const api::ModuleJobSpec& spec, const JobNews& news) {
  // Times in objects have seconds.
  const std::string at = FormatTime(news.at);
  for (const api::JobTransition& one : spec.transitions) {
    if (one.state == news.state && FormatTime(one.at) == at && one.exit_code == news.exit_code &&
        one.message == news.message) {
      return one.seq;
    }
  }
  return std::nullopt;
}

CreateRequest CreationOf(const api::ModuleJob& job) {
  Json body = api::ToBody(job);
  body.Erase("status");
  return {.type = api::ModuleJob::Type(),
          .object = std::move(body),
          .field_manager = std::string(api::field_managers::kCli)};
}

}  // namespace

std::string JobName(const std::string& module, const std::string& job_id) {
  constexpr std::size_t kLongestModule = 60;
  constexpr std::size_t kLongestId = 60;
  std::string id;
  for (const char c : ToLower(job_id.substr(0, kLongestId))) {
    id.push_back(std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '-');
  }
  const std::string stem = std::string(NameStem(module, kLongestModule)) + "-";
  const bool exact = id == job_id && id.back() != '-' && module.size() <= kLongestModule;
  return exact ? stem + id : stem + id + "-" + ShortHash(module + "/" + job_id, 6);
}

api::ModuleJob MakeJob(const JobFacts& facts, const std::map<std::string, std::string>& environment,
                       const std::string& suffix) {
  CiFacts ci = FactsOfCi(environment);
  api::ModuleJob job;
  job.spec.module_ref.name = facts.module.name;
  job.spec.job_id = !facts.job_id.empty() ? facts.job_id
                    : ci.job_id.empty()   ? suffix
                                          : ci.job_id + "-" + suffix;
  job.spec.operation = facts.operation;
  job.spec.revision = facts.revision.empty() ? ci.revision : facts.revision;
  job.spec.url = facts.url.empty() ? ci.url : facts.url;
  if (ci.source != api::JobSource{}) {
    job.spec.source = std::move(ci.source);
  }
  job.metadata.namespace_name = facts.module.namespace_name;
  job.metadata.name = JobName(facts.module.name, job.spec.job_id);
  SetLabel(job.metadata.labels, api::labels::kModule, facts.module.name);
  return job;
}

bool WaitForAnotherTry(const Error& error, MonoTime deadline, Context& context) {
  if (!IsWorthAnotherTry(error.code) || context.Time().mono >= deadline) {
    return false;
  }
  bool interrupted = false;
  if (error.code != ErrorCode::kConflict) {
    context.WaitFor("the API is not reached, trying again",
                    std::min(deadline, context.Time().mono + kBetweenTries), [&] {
                      interrupted = context.world.waiter.TakeSignal().has_value();
                      return interrupted;
                    });
  }
  return !interrupted;
}

Result<void> JobReporter::Create(api::ModuleJob job, const std::vector<JobNews>& news) {
  for (const JobNews& one : news) {
    Append(one, job.spec);
  }
  MIDWATCH_TRY(session_.Create(CreationOf(job)));
  WarnOfMissingModule(job);
  return {};
}

void JobReporter::WarnOfMissingModule(const api::ModuleJob& job) {
  const auto module =
      session_.Get(api::Module::Type(), job.metadata.namespace_name, job.spec.module_ref.name);
  if (!module && module.error().code == ErrorCode::kNotFound) {
    context_.Warn("midwatch: there is no Module " + job.metadata.namespace_name + "/" +
                  job.spec.module_ref.name + "; is its name right?");
  }
}

Result<ReportedTransition> JobReporter::Report(const std::string& namespace_name,
                                               const std::string& name, const JobNews& news,
                                               const api::ModuleJob* missing) {
  const MonoTime deadline = context_.Time().mono + patience_;
  for (;;) {
    auto reported = TryReport(namespace_name, name, news, missing);
    if (reported || !WaitForAnotherTry(reported.error(), deadline, context_)) {
      return reported;
    }
  }
}

Result<ReportedTransition> JobReporter::TryReport(const std::string& namespace_name,
                                                  const std::string& name, const JobNews& news,
                                                  const api::ModuleJob* missing) {
  const auto stored = session_.Get(api::ModuleJob::Type(), namespace_name, name);
  if (!stored && stored.error().code == ErrorCode::kNotFound && missing != nullptr) {
    api::ModuleJob job = *missing;
    Append(news, job.spec);
    const std::int64_t seq = job.spec.transitions.back().seq;
    MIDWATCH_TRY(session_.Create(CreationOf(job)));
    return ReportedTransition{namespace_name, name, seq};
  }
  if (!stored) {
    return Fail(stored.error());
  }
  MIDWATCH_ASSIGN(api::ModuleJob job, api::FromObject<api::ModuleJob>(*stored));
  if (const auto seq = FindReported(job.spec, news)) {
    return ReportedTransition{namespace_name, name, *seq};
  }
  if (!job.spec.transitions.empty() && IsFinal(job.spec.transitions.back().state)) {
    return Fail(ErrorCode::kInvalid,
                "the job has ended as " +
                    std::string(ResultWord(api::ToString(job.spec.transitions.back().state))) +
                    "; a retry is a new ModuleJob");
  }
  Append(news, job.spec);
  const Json spec = api::Encode(job.spec);
  Json changed = Json::Of({{"transitions", spec.At("transitions")}});
  if (!job.spec.artifacts.empty()) {
    changed.Set("artifacts", spec.At("artifacts"));
  }
  MIDWATCH_TRY(session_.Patch(
      {.type = api::ModuleJob::Type(),
       .namespace_name = namespace_name,
       .name = name,
       .subresource = {},
       .patch_type = PatchType::kMerge,
       .patch = Json::Of({{"metadata", Json::Of({{"uid", stored->uid()},
                                                 {"resourceVersion", stored->resource_version()}})},
                          {"spec", std::move(changed)}}),
       .field_manager = std::string(api::field_managers::kCli)}));
  return ReportedTransition{namespace_name, name, job.spec.transitions.back().seq};
}

}  // namespace midwatch::cli
