#include <algorithm>
#include <map>

#include "controller/api/dispatch.h"
#include "controller/api/module_job.h"
#include "controller/api/report.h"
#include "controller/api/run.h"
#include "controller/api/run_ending.h"
#include "controller/base/text.h"
#include "controller/cli/api_session.h"
#include "controller/cli/commands.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/state_word.h"
#include "controller/cli/tree_drawing.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"

namespace midwatch::cli {
namespace {

/// Everything that came of one job.
struct Family {
  api::ModuleJob job;
  std::map<std::string, api::Dispatch> dispatches;    // By name.
  std::map<std::string, std::vector<api::Run>> runs;  // By the UID of the Dispatch, by ordinal.
  std::map<std::string, api::Report> reports;         // By the name of the Dispatch.
};

Result<Family> Gather(ApiSession& session, const std::string& name) {
  Family family;
  const std::string& space = session.namespace_name();
  MIDWATCH_ASSIGN(family.job, session.GetAs<api::ModuleJob>(space, name));
  const std::string of_job = "spec.moduleJobRef.name=" + name;
  MIDWATCH_ASSIGN(auto dispatches, session.ListAs<api::Dispatch>({.type = {},
                                                                  .namespace_name = space,
                                                                  .label_selector = {},
                                                                  .field_selector = of_job,
                                                                  .continue_token = {},
                                                                  .resource_version = {}}));
  for (api::Dispatch& dispatch : dispatches) {
    MIDWATCH_ASSIGN(
        auto runs,
        session.ListAs<api::Run>({.type = {},
                                  .namespace_name = dispatch.spec.agent_ref.namespace_name,
                                  .label_selector = {},
                                  .field_selector = "spec.dispatchRef.uid=" + dispatch.metadata.uid,
                                  .continue_token = {},
                                  .resource_version = {}}));
    std::sort(runs.begin(), runs.end(),
              [](const auto& a, const auto& b) { return a.spec.ordinal < b.spec.ordinal; });
    family.runs.emplace(dispatch.metadata.uid, std::move(runs));
    family.dispatches.emplace(dispatch.metadata.name, std::move(dispatch));
  }
  MIDWATCH_ASSIGN(auto reports, session.ListAs<api::Report>({.type = {},
                                                             .namespace_name = space,
                                                             .label_selector = {},
                                                             .field_selector = of_job,
                                                             .continue_token = {},
                                                             .resource_version = {}}));
  for (api::Report& report : reports) {
    family.reports.emplace(report.spec.dispatch_ref.name, std::move(report));
  }
  return family;
}

class Drawer {
 public:
  Drawer(const Family& family, const Context& context)
      : family_(family), style_(context.out), now_(context.Time().wall) {}

  TreeNode Draw() {
    TreeNode root{Job()};
    for (const api::JobMatch& match : family_.job.status.matches) {
      for (const api::MatchedMission& mission : match.missions) {
        root.children.push_back(Mission(match, mission));
      }
      if (match.missions.empty()) {
        root.children.push_back({style_.Dim("no mission for " + Type(match.mission_type))});
      }
    }
    for (const auto& [name, dispatch] : family_.dispatches) {
      if (!dispatch.spec.mission_ref) {
        root.children.push_back(
            {style_.Dim("asked for by hand · " + Type(dispatch.spec.mission_type)),
             {DispatchNode(dispatch)}});
      }
    }
    return root;
  }

 private:
  static std::string Type(api::MissionType type) { return std::string(api::ToString(type)); }

  std::string State(std::string_view phase) const { return ShowState(phase, style_); }

  std::string Since(const std::optional<WallTime>& from, const std::optional<WallTime>& to) const {
    return from ? "  " + style_.Dim(FormatAge((to ? *to : now_) - *from)) : "";
  }

  std::string Job() const {
    const api::ModuleJob& job = family_.job;
    std::string out = style_.Bold(
        HarmlessLine("ModuleJob " + job.metadata.namespace_name + "/" + job.metadata.name));
    out += job.status.state ? "  " + State(api::ToString(*job.status.state)) : "";
    if (!job.spec.transitions.empty() && job.spec.transitions.back().exit_code) {
      out += style_.Dim("  exit code " + std::to_string(*job.spec.transitions.back().exit_code));
    }
    return out + "  " +
           style_.Dim("Module " + HarmlessLine(job.spec.module_ref.name) + ", " +
                      std::string(api::ToString(job.spec.operation)));
  }

  TreeNode Mission(const api::JobMatch& match, const api::MatchedMission& mission) const {
    const std::string name =
        (mission.namespace_name.empty() ? "" : mission.namespace_name + "/") + mission.name;
    TreeNode node{std::string(api::ToString(mission.kind)) + " " + style_.Bold(HarmlessLine(name)) +
                  style_.Dim(" · " + Type(match.mission_type))};
    const auto found = family_.dispatches.find(mission.dispatch);
    if (found != family_.dispatches.end()) {
      node.children.push_back(DispatchNode(found->second));
    } else {
      node.children.push_back(
          {style_.Dim("Dispatch " + HarmlessLine(mission.dispatch) +
                      (mission.created ? " was cleaned up" : " is about to be created"))});
    }
    return node;
  }

  TreeNode DispatchNode(const api::Dispatch& dispatch) const {
    const api::DispatchStatus& status = dispatch.status;
    TreeNode node{"Dispatch " + style_.Bold(HarmlessLine(dispatch.metadata.name)) + "  " +
                  State(api::ToString(status.phase))};
    node.text += status.reason.empty() ? "" : style_.Dim(" (" + HarmlessLine(status.reason) + ")");
    const bool parked = status.phase == api::DispatchPhase::kParked;
    node.text += parked ? Since(status.since, {}) : Since(status.started_at, status.finished_at);
    const bool failed = status.phase == api::DispatchPhase::kFailed;
    if ((failed || parked) && !status.message.empty()) {
      node.children.push_back(
          {style_.In(failed ? Colour::kRed : Colour::kYellow, HarmlessLine(status.message))});
    }
    const auto runs = family_.runs.find(dispatch.metadata.uid);
    for (const api::Run& run :
         runs == family_.runs.end() ? std::vector<api::Run>{} : runs->second) {
      node.children.push_back({RunText(run)});
    }
    const auto report = family_.reports.find(dispatch.metadata.name);
    if (report != family_.reports.end()) {
      node.children.push_back({"Report " + style_.Bold(HarmlessLine(report->second.metadata.name)) +
                               "  " + HarmlessLine(report->second.spec.headline)});
    }
    return node;
  }

  std::string RunText(const api::Run& run) const {
    const bool lost = api::IsLost(run);
    const bool withdrawn = !lost && api::IsWithdrawn(run);
    std::string reason = lost || withdrawn
                             ? std::string(api::ToString(run.spec.stop_requested->reason))
                             : run.status.reason;
    reason = reason == "Cancelled" ? "" : reason;
    std::string out = "Run " + HarmlessLine(run.metadata.namespace_name) + "/" +
                      style_.Bold(HarmlessLine(run.metadata.name)) + "  " +
                      State(lost        ? "Lost"
                            : withdrawn ? "Cancelled"
                                        : api::ToString(run.status.phase));
    out += reason.empty() ? "" : style_.Dim(" (" + HarmlessLine(reason) + ")");
    const auto& finished = run.status.finished_at;  // Of a lost Run nobody knows when.
    out += Since(run.status.started_at, lost && !finished ? run.spec.stop_requested->at : finished);
    return out + style_.Dim(HarmlessLine("  sidecar " + run.spec.sidecar_name + " on " +
                                         run.spec.instance));
  }

  const Family& family_;
  const Style& style_;
  const WallTime now_;
};

}  // namespace

int Run(const TreeOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client, options.target.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  const auto family = Gather(*session, options.target.name);
  if (!family) {
    if (const auto it = FindDispatchInstead(family.error(), options.target.name, *session)) {
      return context.Refuse(kExitFailed, family.error().message,
                            "there is a Dispatch of that name; its job: midwatch tree modulejob/" +
                                it->metadata.namespace_name + "/" + it->spec.module_job_ref.name);
    }
    return RefuseObject(family.error(), api::ModuleJob::Type(), options.target.name, context,
                        *session);
  }
  // In a pipe a node stays on its line.
  const std::size_t width = context.world.terminal.out_is_terminal
                                ? static_cast<std::size_t>(context.world.terminal.columns)
                                : std::string::npos;
  context.Print(DrawTree(Drawer(*family, context).Draw(), width));
  return kExitDone;
}

}  // namespace midwatch::cli
