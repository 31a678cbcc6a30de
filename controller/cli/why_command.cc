#include "controller/cli/commands.h"
#include "controller/cli/kind_target.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/why_dispatch.h"
#include "controller/cli/why_job.h"
#include "controller/cli/world_view.h"

namespace midwatch::cli {

int Run(const WhyOptions& options, Context& context) {
  const auto kind = KindOf(options.target, {"dispatch", "modulejob"});
  if (!kind) {
    return context.Refuse(kExitUsage, kind.error().message);
  }
  auto session = ApiSession::Open(context, options.client);
  if (!session) {
    return context.Refuse(session.error());
  }
  const std::string& space = session->namespace_name();
  const std::string& name = options.target.name;
  WorldView view;
  if (*kind == "modulejob") {
    const auto job = session->GetAs<api::ModuleJob>(space, name);
    if (!job) {
      return RefuseObject(job.error(), api::ModuleJob::Type(), name, context, *session);
    }
    if (const auto loaded = view.LoadForMatching(*session, context.Time().mono); !loaded) {
      return context.Refuse(loaded.error());
    }
    context.Print(ExplainJob(*job, view, context));
    return kExitDone;
  }
  const auto dispatch = session->GetAs<api::Dispatch>(space, name);
  if (!dispatch) {
    return RefuseObject(dispatch.error(), api::Dispatch::Type(), name, context, *session);
  }
  if (const auto loaded = view.LoadForDispatch(*session, context.Time().mono); !loaded) {
    return context.Refuse(loaded.error());
  }
  context.Print(ExplainDispatch(*dispatch, view, context));
  return kExitDone;
}

}  // namespace midwatch::cli
