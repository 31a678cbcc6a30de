#include "controller/api/dispatch.h"
#include "controller/cli/api_session.h"
#include "controller/cli/commands.h"
#include "controller/cli/kind_target.h"
#include "controller/cli/object_output.h"
#include "controller/cli/report_text.h"

namespace midwatch::cli {
namespace {

/// The name of the Report that is meant: its own, or that of a Dispatch.
Result<std::string> ReportNameOf(const KindAndName& target, const std::string& kind,
                                 ApiSession& session) {
  if (kind == "report") {
    return target.name;
  }
  MIDWATCH_ASSIGN(const auto dispatch,
                  session.GetAs<api::Dispatch>(session.namespace_name(), target.name));
  if (!dispatch.status.report) {
    return Fail(ErrorCode::kNotFound, "dispatch/" + target.name + " has no Report: it is " +
                                          std::string(api::ToString(dispatch.status.phase)));
  }
  return dispatch.status.report->name;
}

}  // namespace

int Run(const ReportOptions& options, Context& context) {
  const auto kind = KindOf(options.target, {"report", "dispatch"});
  if (!kind) {
    return context.Refuse(kExitUsage, kind.error().message);
  }
  auto session = ApiSession::Open(context, options.client);
  if (!session) {
    return context.Refuse(session.error());
  }
  const auto name = ReportNameOf(options.target, *kind, *session);
  if (!name) {
    return context.Refuse(kExitFailed, name.error().message,
                          *kind == "dispatch" ? "midwatch why dispatch/" + options.target.name +
                                                    " says what stands in the way"
                                              : "");
  }
  const auto object = session->Get(api::Report::Type(), session->namespace_name(), *name);
  if (!object) {
    return context.Refuse(object.error());
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
