#include "controller/reconcilers/dispatch/report_plan.h"

#include <algorithm>
#include <utility>

#include "controller/api/codec.h"
#include "controller/api/embedded_document.h"
#include "controller/api/names.h"
#include "controller/base/digest.h"
#include "controller/base/text.h"
#include "controller/object/name_rules.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"
#include "controller/schema/compiled_schema.h"
#include "controller/schema/field_error.h"

namespace midwatch::dispatch {
namespace {

constexpr std::size_t kHeadlineBytes = 250;

/// The first sentence, without its full stop.
std::string Headline(std::string_view text) {
  std::string_view line = text.substr(0, text.find('\n'));
  line = line.substr(0, line.find(". "));
  const std::string_view cut = Utf8Prefix(line, kHeadlineBytes);
  return std::string(cut.ends_with('.') ? cut.substr(0, cut.size() - 1) : cut) +
         (cut.size() < line.size() ? "…" : "");
}

Result<void> ReadResult(const Json& json, api::ReportSpec& spec) {
  switch (spec.mission_type) {
    case api::MissionType::kAutoDiagnose: {
      MIDWATCH_ASSIGN(spec.diagnosis, api::Decode<api::Diagnosis>(json));
      spec.headline = Headline(spec.diagnosis->root_cause);
      return {};
    }
    case api::MissionType::kApprovalRecommend: {
      MIDWATCH_ASSIGN(spec.recommendation, api::Decode<api::Recommendation>(json));
      spec.headline = Headline(std::string(api::ToString(spec.recommendation->recommend)) + ": " +
                               spec.recommendation->reason);
      return {};
    }
    case api::MissionType::kSummarizeJob: {
      MIDWATCH_ASSIGN(spec.summary, api::Decode<api::Summary>(json));
      spec.headline = Headline(spec.summary->summary);
      return {};
    }
  }
  return Fail(ErrorCode::kInvalid, "missionType: unknown");
}

/// Labels that lead from any record to its Module, job and type.
void SetLabels(const api::Dispatch& dispatch, ObjectMeta& meta) {
  SetLabel(meta.labels, api::labels::kModule,
           dispatch.spec.module_ref ? dispatch.spec.module_ref->name : "");
  SetLabel(meta.labels, api::labels::kJob, dispatch.spec.module_job_ref.name);
  SetLabel(meta.labels, api::labels::kMissionType, api::ToString(dispatch.spec.mission_type));
}

/// The transition that fired the Dispatch; for a manual one, whatever it names, the last.
const api::JobTransition* FiringTransition(const api::Dispatch& dispatch,
                                           const api::ModuleJob& job) {
  const auto& all = job.spec.transitions;
  const auto found = std::find_if(all.begin(), all.end(), [&](const api::JobTransition& t) {
    return dispatch.spec.mission_ref && std::to_string(t.seq) == dispatch.spec.module_job_ref.key;
  });
  if (found != all.end()) {
    return &*found;
  }
  return all.empty() ? nullptr : &all.back();
}

api::RunJob DescribeJob(const api::Dispatch& dispatch, const api::ModuleJob& job) {
  api::RunJob out{.name = job.metadata.name,
                  .job_id = job.spec.job_id,
                  .operation = job.spec.operation,
                  .state = api::JobState::kRunning,
                  .revision = job.spec.revision,
                  .url = job.spec.url};
  if (const api::JobTransition* transition = FiringTransition(dispatch, job)) {
    out.state = transition->state;
    out.exit_code = transition->exit_code;
    out.message = transition->message;
  }
  return out;
}

/// What the API will ask of a Report.
const schema::CompiledSchema& ReportSchema() {
  static const auto kSchema =
      schema::CompiledSchema::Compile(api::EmbeddedSchemaOf(api::Report::Type())).value();
  return kSchema;
}

}  // namespace

Result<api::Report> MakeReport(const api::Dispatch& dispatch, const api::Run& run) {
  const api::RunResult& result = *run.status.result;
  if (DigestOf(result.inline_json) != result.digest) {
    return Fail(ErrorCode::kInvalid, "status.result.digest: is not the digest of the result");
  }
  MIDWATCH_ASSIGN(const Json json, ParseJson(result.inline_json));
  api::Report report;
  api::ReportSpec& spec = report.spec;
  spec.mission_type = dispatch.spec.mission_type;
  MIDWATCH_TRY(ReadResult(json, spec));
  report.metadata.name = ReportName(dispatch);
  report.metadata.namespace_name = dispatch.metadata.namespace_name;
  report.metadata.owner_references = dispatch.metadata.owner_references;
  SetLabels(dispatch, report.metadata);
  spec.dispatch_ref.name = dispatch.metadata.name;
  spec.module_job_ref = dispatch.spec.module_job_ref;
  spec.module_ref = dispatch.spec.module_ref.value_or(api::NameRef{});
  spec.produced_by = {.sidecar = run.spec.sidecar_name, .producer = run.status.producer};
  spec.agent_ref = dispatch.status.agent_ref;
  spec.run = dispatch.status.run;
  spec.started_at = run.status.started_at;
  spec.finished_at = run.status.finished_at;
  spec.usage = run.status.usage;
  spec.result_digest = result.digest;
  spec.session_log = run.status.session_log;
  spec.inputs = run.spec.inputs;
  spec.artifacts = run.status.artifacts;
  if (const auto errors = ReportSchema().Validate(api::ToBody(report)); !errors.empty()) {
    return Fail(ErrorCode::kInvalid, schema::JoinMessages(errors));
  }
  return report;
}

api::Run MakeRun(const api::Dispatch& dispatch, const api::ModuleJob* job,
                 const std::vector<api::RunHistoryEntry>& history, api::Permissions permissions) {
  const api::DispatchStatus& status = dispatch.status;
  api::Run run;
  run.metadata.name = status.run->name;
  run.metadata.namespace_name = status.run->namespace_name;
  run.metadata.finalizers = {std::string(api::finalizers::kRun)};
  run.metadata.labels.emplace(api::labels::kDispatchUid, dispatch.metadata.uid);
  run.spec.dispatch_ref = {.namespace_name = dispatch.metadata.namespace_name,
                           .name = dispatch.metadata.name,
                           .uid = dispatch.metadata.uid};
  run.spec.agent_ref.name = status.agent_ref->name;
  run.spec.instance = status.instance;
  run.spec.sidecar_name = status.sidecar_name;
  run.spec.mission_type = dispatch.spec.mission_type;
  run.spec.attempt = std::max<std::int64_t>(1, status.attempts);
  run.spec.ordinal = status.run_ordinal;
  const auto timeout = std::chrono::duration_cast<std::chrono::seconds>(dispatch.spec.timeout);
  run.spec.timeout_seconds = std::max<std::int64_t>(1, timeout.count() - status.active_seconds);
  run.spec.permissions = permissions;
  run.spec.protocol_version = kProtocolVersion;
  run.spec.module.namespace_name = dispatch.metadata.namespace_name;
  run.spec.module.name = dispatch.spec.module_ref ? dispatch.spec.module_ref->name : "";
  run.spec.job.name = dispatch.spec.module_job_ref.name;
  run.spec.history = history;
  if (job != nullptr) {
    run.spec.inputs = job->spec.artifacts;
    run.spec.job = DescribeJob(dispatch, *job);
  }
  return run;
}

api::RunHistoryEntry HistoryEntryOf(const api::ModuleJob& job) {
  api::RunHistoryEntry entry{.name = job.metadata.name,
                             .job_id = job.spec.job_id,
                             .operation = job.spec.operation,
                             .state = api::JobState::kRunning,
                             .revision = job.spec.revision};
  if (!job.spec.transitions.empty()) {
    const api::JobTransition& last = job.spec.transitions.back();
    entry.state = last.state;
    entry.at = last.at;
    entry.exit_code = last.exit_code;
    entry.summary = last.message;
  }
  return entry;
}

}  // namespace midwatch::dispatch
