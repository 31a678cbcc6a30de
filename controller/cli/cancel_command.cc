#include "controller/api/dispatch.h"
#include "controller/api/names.h"
#include "controller/cli/api_session.h"
#include "controller/cli/commands.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/state_word.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"

namespace midwatch::cli {

int Run(const CancelOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client, options.target.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  const std::string& name = options.target.name;
  const auto seen = session->GetAs<api::Dispatch>(session->namespace_name(), name);
  if (!seen) {
    return RefuseObject(seen.error(), api::Dispatch::Type(), name, context, *session);
  }
  if (dispatch::IsTerminal(seen->status.phase)) {
    return context.Refuse(kExitNo,
                          "dispatch/" + name + " has ended already: " +
                              std::string(ResultWord(api::ToString(seen->status.phase))),
                          "what has ended stays so; midwatch why dispatch/" + name +
                              session->namespace_option() + " says how");
  }
  Json spec = Json::Of({{"cancel", true}});
  if (!options.reason.empty()) {
    spec.Set("cancelReason", options.reason);
  }
  const auto patched = session->Patch({.type = api::Dispatch::Type(),
                                       .namespace_name = session->namespace_name(),
                                       .name = name,
                                       .subresource = {},
                                       .patch_type = PatchType::kMerge,
                                       .patch = Json::Of({{"spec", std::move(spec)}}),
                                       .field_manager = std::string(api::field_managers::kCli)});
  if (!patched) {
    return context.Refuse(patched.error());
  }
  const bool runs = dispatch::IsActive(seen->status.phase);
  context.Print("dispatch/" + name +
                (runs ? " is being cancelled: its Run is told to stop\n"
                      : " is being cancelled: nothing of it runs\n"));
  return kExitDone;
}

}  // namespace midwatch::cli
