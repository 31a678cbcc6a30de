#include <optional>

#include "controller/api/dispatch.h"
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

}  // namespace

int Run(const ReportOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client, options.target.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  int code = kExitDone;
  const auto name =
      FindName(options.target, options.target.kind == "dispatch", context, *session, code);
  if (!name) {
    return code;
  }
  const auto object = session->Get(api::Report::Type(), session->namespace_name(), *name);
  if (!object && FindDispatchInstead(object.error(), *name, *session)) {
    return context.Refuse(kExitFailed, object.error().message,
                          "there is a Dispatch of that name: midwatch report dispatch/" + *name +
                              session->namespace_option());
  }
  if (!object) {
    return RefuseObject(object.error(), api::Report::Type(), *name, context, *session);
  }
  if (options.output == OutputFormat::kJson || options.output == OutputFormat::kYaml) {
    context.Print(FormatObjects({object->Body()}, true, options.output));
    return kExitDone;
  }
  const auto report = api::FromObject<api::Report>(*object);
  if (!report) {
    return context.Refuse(report.error());
  }
  context.Print(options.output == OutputFormat::kMarkdown
                    ? ReportMarkdown(*report)
                    : ReportText(*report, context.out, context.Width()));
  return kExitDone;
}

}  // namespace midwatch::cli
