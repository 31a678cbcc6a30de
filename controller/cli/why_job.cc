#include "controller/cli/why_job.h"

#include <algorithm>

#include "controller/api/codec.h"
#include "controller/api/dispatch.h"
#include "controller/base/text.h"
#include "controller/cli/state_word.h"
#include "controller/reconcilers/matching/matching_plan.h"
#include "controller/reconcilers/scope/scope.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::cli {
namespace {

std::string Show(const api::MissionRef& ref) {
  return std::string(api::ToString(ref.kind)) + " " +
         (ref.namespace_name.empty() ? "" : ref.namespace_name + "/") + ref.name;
}

std::string ScopeOf(const ScopedMission& mission) {
  switch (mission.ref.kind) {
    case api::MissionKind::kOrganizationMission:
      return "everything";
    case api::MissionKind::kStackMission:
      return "Stack " + (mission.spec.stack_ref ? mission.spec.stack_ref->name : "?");
    case api::MissionKind::kNamespaceMission:
      return "namespace " + mission.ref.namespace_name;
    case api::MissionKind::kModuleMission:
      return "Module " + mission.ref.namespace_name + "/" +
             (mission.spec.module_ref ? mission.spec.module_ref->name : "?");
  }
  return "?";
}

class Explainer {
 public:
  Explainer(const api::ModuleJob& job, const View& view, const Context& context)
      : job_(job),
        view_(view),
        style_(context.out),
        place_(PlaceOf(view, job.metadata.namespace_name, job.spec.module_ref.name)) {
    for (const ResourceType& type : MissionTypes()) {
      for (const Object& object : view.List(type.Resource())) {
        if (auto mission = ToScopedMission(object)) {
          missions_.push_back(*std::move(mission));
        }
      }
    }
  }

  std::string Explain() {
    std::string out =
        style_.Bold("ModuleJob " + job_.metadata.namespace_name + "/" + job_.metadata.name) +
        "\n  It runs Module " +
        HarmlessLine(job_.spec.module_ref.name + " in namespace " + place_.namespace_name) +
        (place_.stack.empty() ? ", which is in no Stack"
                              : ", which is in Stack " + HarmlessLine(place_.stack)) +
        ".\n";
    for (const api::JobTransition& transition : job_.spec.transitions) {
      out += "\n" + Transition(transition);
    }
    return out;
  }

 private:
  std::string Transition(const api::JobTransition& transition) {
    const std::string_view state = api::ToString(transition.state);
    const auto type = matching::FiredBy(transition.state);
    std::string out = std::to_string(transition.seq) + "  " + style_.Bold(ShowState(state, style_));
    if (!type) {
      return out + style_.Dim("  fires no mission type") + "\n";
    }
    out += "  fires " + std::string(api::ToString(*type)) + "\n";
    const std::string key = std::to_string(transition.seq);
    const auto& matches = job_.status.matches;
    const auto match = std::find_if(matches.begin(), matches.end(),
                                    [&](const api::JobMatch& m) { return m.key == key; });
    if (match == matches.end()) {
      return out + "   The controller has not looked at it yet.\n";
    }
    for (const api::MatchedMission& mission : match->missions) {
      out += Covered(mission);
    }
    for (const ScopedMission& mission : missions_) {
      if (!IsIn(*match, mission)) {
        out += NotCovered(mission, *match, *type);
      }
    }
    if (match->left_out) {
      out += "   " + std::to_string(*match->left_out) +
             " more covered it and got no Dispatch: the record of a job has room for " +
             std::to_string(matching::kMostRecorded) + " missions.\n";
    } else if (match->missions.empty()) {
      out +=
          "   So no Dispatch came of it. A mission that is declared later does not fire for it.\n";
    }
    return out;
  }

  static bool IsIn(const api::JobMatch& match, const ScopedMission& mission) {
    return std::any_of(match.missions.begin(), match.missions.end(), [&](const auto& entry) {
      return entry.kind == mission.ref.kind && entry.id == mission.ref.id;
    });
  }

  std::string Covered(const api::MatchedMission& mission) const {
    const auto dispatch =
        FindTyped<api::Dispatch>(view_, job_.metadata.namespace_name, mission.dispatch);
    const std::string name = Show({.kind = mission.kind,
                                   .namespace_name = mission.namespace_name,
                                   .name = mission.name,
                                   .id = mission.id});
    std::string out = "   " + style_.In(Colour::kGreen, "✓") + "  " + HarmlessLine(name) +
                      " covered it → Dispatch " + HarmlessLine(mission.dispatch);
    if (dispatch) {
      out += "  " + ShowState(api::ToString(dispatch->status.phase), style_);
      out +=
          dispatch->status.reason.empty() ? "" : " (" + HarmlessLine(dispatch->status.reason) + ")";
    } else {
      out += mission.created ? "  (cleaned up)" : "  (about to be created)";
    }
    return out + "\n";
  }

  std::string NotCovered(const ScopedMission& mission, const api::JobMatch& match,
                         api::MissionType type) const {
    std::string why;
    if (mission.spec.mission_type != type) {
      why = "its type is " + std::string(api::ToString(mission.spec.mission_type));
    } else if (!Covers(mission, place_)) {
      why = "its scope is " + ScopeOf(mission);
    } else if (mission.spec.is_disabled) {
      why = "it is disabled";
    } else if (match.left_out) {
      why = "the record had no room for it, or it came after the transition";
    } else {
      why = "it was declared, enabled or changed after the transition";
    }
    return "   " + style_.In(Colour::kRed, "✗") + "  " +
           style_.Dim(HarmlessLine(Show(mission.ref) + ": " + why)) + "\n";
  }

  const api::ModuleJob& job_;
  const View& view_;
  const Style& style_;
  const Place place_;
  std::vector<ScopedMission> missions_;
};

}  // namespace

std::string ExplainJob(const api::ModuleJob& job, const View& view, const Context& context) {
  return Explainer(job, view, context).Explain();
}

}  // namespace midwatch::cli
