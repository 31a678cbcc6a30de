#include "controller/cli/commands.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/why_dispatch.h"
#include "controller/cli/why_job.h"
#include "controller/cli/world_view.h"

namespace midwatch::cli {

int Run(const WhyOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client, options.target.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  const std::string& space = session->namespace_name();
  const std::string& name = options.target.name;
  WorldView view;
  const auto dispatch = options.target.kind == "modulejob"
                            ? Result<api::Dispatch>(Fail(ErrorCode::kNotFound, {}))
                            : session->GetAs<api::Dispatch>(space, name);
  if (dispatch) {
    if (const auto loaded = view.LoadForDispatch(*session, context.Time()); !loaded) {
      return context.Refuse(loaded.error());
    }
    context.Print(ExplainDispatch(*dispatch, view, context));
    return kExitDone;
  }
  // A name without a kind may be that of a job.
  const auto job =
      options.target.kind != "dispatch" && dispatch.error().code == ErrorCode::kNotFound
          ? session->GetAs<api::ModuleJob>(space, name)
          : Result<api::ModuleJob>(Fail(dispatch.error()));
  if (!job) {
    const bool of_job = options.target.kind == "modulejob";
    return RefuseObject(of_job ? job.error() : dispatch.error(),
                        of_job ? api::ModuleJob::Type() : api::Dispatch::Type(), name, context,
                        *session);
  }
  if (const auto loaded = view.LoadForMatching(*session, context.Time()); !loaded) {
    return context.Refuse(loaded.error());
  }
  context.Print(ExplainJob(*job, view, context));
  return kExitDone;
}

}  // namespace midwatch::cli
