#include <algorithm>
#include <optional>
#include <vector>

#include "controller/api/dispatch.h"
#include "controller/api/module_job.h"
#include "controller/cli/api_session.h"
#include "controller/cli/commands.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/object_output.h"
#include "controller/cli/report_text.h"
#include "controller/cli/state_word.h"

namespace midwatch::cli {
namespace {

/// The Report's name: that of a Dispatch, or its own. None: it is said why, and `code` is set.
std::optional<std::string> FindName(const ObjectReference& target, bool of_dispatch,
                                    Context& context, ApiSession& session, int& code) {
  if (!of_dispatch) {
    return target.name;
  }
  const auto dispatch = session.GetAs<api::Dispatch>(session.namespace_name(), target.name);
  if (!dispatch) {
    code = RefuseObject(dispatch.error(), api::Dispatch::Type(), target.name, context, session);
    return std::nullopt;
  }
  if (!dispatch->status.report) {
    code = context.Refuse(kExitFailed,
                          "dispatch/" + target.name + " has no Report: it is " +
                              std::string(ResultWord(api::ToString(dispatch->status.phase))),
                          "midwatch why dispatch/" + target.name + session.namespace_option() +
                              std::string(WhatWhySays(dispatch->status.phase)));
    return std::nullopt;
  }
  return dispatch->status.report->name;
}

/// Every Report about a job, as they came. None: it is said why, and `code` is set.
std::vector<Object> ReportsOf(const std::string& job, Context& context, ApiSession& session,
                              int& code) {
  const auto known = session.GetAs<api::ModuleJob>(session.namespace_name(), job);
  if (!known) {
    code = RefuseObject(known.error(), api::ModuleJob::Type(), job, context, session);
    return {};
  }
  auto reports = session.List({.type = api::Report::Type(),
                               .namespace_name = session.namespace_name(),
                               .label_selector = {},
                               .field_selector = "spec.moduleJobRef.name=" + job,
                               .continue_token = {},
                               .resource_version = {}});
  if (!reports) {
    code = context.Refuse(reports.error());
    return {};
  }
  if (reports->empty()) {
    code = context.Refuse(
        kExitFailed, "modulejob/" + job + " has no Report",
        "midwatch tree modulejob/" + job + session.namespace_option() + " shows what came of it");
  }
  std::stable_sort(reports->begin(), reports->end(), [](const Object& a, const Object& b) {
    return a.meta().creation_timestamp < b.meta().creation_timestamp;
  });
  return *std::move(reports);
}

/// The one Report that was asked for. None: it is said why, and `code` is set.
std::vector<Object> OneReport(const ObjectReference& target, Context& context, ApiSession& session,
                              int& code) {
  const auto name = FindName(target, target.kind == "dispatch", context, session, code);
  if (!name) {
    return {};
  }
  const auto object = session.Get(api::Report::Type(), session.namespace_name(), *name);
  if (object) {
    return {*object};
  }
  if (FindDispatchInstead(object.error(), *name, session)) {
    code = context.Refuse(kExitFailed, object.error().message,
                          "there is a Dispatch of that name: midwatch report dispatch/" + *name +
                              session.namespace_option());
  } else if (session.Get(api::ModuleJob::Type(), session.namespace_name(), *name)) {
    code = context.Refuse(kExitFailed, object.error().message,
                          "there is a ModuleJob of that name: midwatch report modulejob/" + *name +
                              session.namespace_option());
  } else {
    code = RefuseObject(object.error(), api::Report::Type(), *name, context, session);
  }
  return {};
}

}  // namespace

int Run(const ReportOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client, options.target.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  int code = kExitDone;
  const bool of_job = options.target.kind == "modulejob";
  const std::vector<Object> objects = of_job
                                          ? ReportsOf(options.target.name, context, *session, code)
                                          : OneReport(options.target, context, *session, code);
  if (objects.empty()) {
    return code;
  }
  if (options.output == OutputFormat::kJson || options.output == OutputFormat::kYaml) {
    std::vector<Json> bodies;
    for (const Object& object : objects) {
      bodies.push_back(object.Body());
    }
    context.Print(FormatObjects(std::move(bodies), !of_job, options.output));
    return kExitDone;
  }
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto report = api::FromObject<api::Report>(objects[i]);
    if (!report) {
      return context.Refuse(report.error());
    }
    context.Print((i > 0 ? "\n" : "") + (options.output == OutputFormat::kMarkdown
                                             ? ReportMarkdown(*report)
                                             : ReportText(*report, context.out, context.Width())));
  }
  return kExitDone;
}

}  // namespace midwatch::cli
