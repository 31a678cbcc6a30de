#include "controller/cli/why_dispatch.h"

#include <algorithm>
#include <set>
#include <variant>

#include "controller/api/codec.h"
#include "controller/api/reasons.h"
#include "controller/api/run_ending.h"
#include "controller/base/text.h"
#include "controller/cli/state_word.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"

namespace midwatch::cli {
namespace {

using dispatch::Hindrance;
using dispatch::Rule;

std::string Show(const api::NamespacedRef& ref) {
  return HarmlessLine(ref.namespace_name + "/" + ref.name);
}

std::string Show(const api::ObjectRef& ref) {
  return ref.kind + " " + (ref.namespace_name.empty() ? "" : ref.namespace_name + "/") + ref.name;
}

std::string Capitalised(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  return text;
}

class Explainer {
 public:
  Explainer(const api::Dispatch& dispatch, const View& view, const Context& context)
      : dispatch_(dispatch), view_(view), context_(context), style_(context.out) {}

  std::string Explain() {
    out_ = Head();
    if (dispatch::IsTerminal(dispatch_.status.phase)) {
      ExplainEnd();
    } else if (dispatch::IsActive(dispatch_.status.phase)) {
      ExplainRun();
    } else {
      ExplainRules();
    }
    return std::move(out_);
  }

 private:
  std::string State() const { return ShowState(api::ToString(dispatch_.status.phase), style_); }

  std::string Ago(const std::optional<WallTime>& time) const {
    return time ? FormatAge(context_.Time().wall - *time) + " ago" : "some time ago";
  }

  std::string Head() const {
    const api::DispatchSpec& spec = dispatch_.spec;
    const std::string asked = spec.mission_ref
                                  ? std::string(api::ToString(spec.mission_ref->kind)) + " " +
                                        (spec.mission_ref->namespace_name.empty()
                                             ? ""
                                             : spec.mission_ref->namespace_name + "/") +
                                        spec.mission_ref->name
                                  : "somebody by hand";
    std::string out = style_.Bold(HarmlessLine("Dispatch " + dispatch_.metadata.namespace_name +
                                               "/" + dispatch_.metadata.name)) +
                      "  " + State();
    out +=
        dispatch_.status.reason.empty() ? "" : " (" + HarmlessLine(dispatch_.status.reason) + ")";
    return out + "\n" +
           Indented(
               HarmlessLine(std::string(api::ToString(spec.mission_type)) + " of job " +
                            spec.module_job_ref.name + ", asked for by " + asked + ", for Agent " +
                            spec.agent_ref.namespace_name + "/" + spec.agent_ref.name + "."),
               "  ", context_.Width()) +
           "\n";
  }

  void Sentence(const std::string& text) { out_ += Indented(text, "", context_.Width()); }

  void ExplainEnd() {
    const api::DispatchStatus& status = dispatch_.status;
    Sentence("It ended " + Ago(status.finished_at) + ": " +
             std::string(ResultWord(api::ToString(status.phase))) +
             (status.reason.empty() ? "" : ", " + HarmlessLine(status.reason)) + "." +
             (status.message.empty() ? "" : " " + Capitalised(HarmlessLine(status.message))) +
             (status.message.empty() || status.message.ends_with('.') ? "" : "."));
    if (status.report) {
      Sentence("Its Report: midwatch report -n " + dispatch_.metadata.namespace_name + " " +
               HarmlessLine(status.report->name));
    }
    if (status.phase == api::DispatchPhase::kFailed) {
      ExplainEarlierRuns();
      out_ += "\n";
    }
    Sentence("What has ended never changes; a retry of the job is a new ModuleJob.");
  }

  void ExplainRun() {
    const api::DispatchStatus& status = dispatch_.status;
    const std::string run = status.run ? Show(*status.run) : "?";
    const auto runs = dispatch::Observe(dispatch_, view_).runs;
    const auto current = std::find_if(runs.begin(), runs.end(), [&](const api::Run& one) {
      return status.run && one.metadata.name == status.run->name;
    });
    const bool started = current != runs.end() && current->status.started_at;
    Sentence("It is at work: Run " + run + " on instance " + HarmlessLine(status.instance) +
             ", attempt " + std::to_string(status.attempts) +
             (started ? ", started " + Ago(current->status.started_at) + "."
                      : ", whose sidecar is about to start."));
    if (status.run) {
      Sentence("Watch it: midwatch logs -f run/" + run);
    }
    ExplainEarlierRuns();
  }

  /// What became of its Runs that have ended without success.
  void ExplainEarlierRuns() {
    for (const api::Run& run : dispatch::Observe(dispatch_, view_).runs) {
      if (api::IsLost(run)) {
        ExplainRun(run, "Lost", "InstanceLost", run.spec.stop_requested->at);
        continue;
      }
      const api::RunStatus& status = run.status;
      if (status.phase == api::RunPhase::kFailed || status.phase == api::RunPhase::kCancelled) {
        ExplainRun(run, api::ToString(status.phase), status.reason, status.finished_at);
      }
    }
  }

  void ExplainRun(const api::Run& run, std::string_view state, const std::string& reason,
                  const std::optional<WallTime>& ended) {
    const api::RunStatus& status = run.status;
    const std::string name =
        Show(api::NamespacedRef{run.metadata.namespace_name, run.metadata.name});
    out_ += "\nAttempt " + std::to_string(run.spec.attempt) + ": Run " + name + "  " +
            ShowState(state, style_) + (reason.empty() ? "" : " (" + HarmlessLine(reason) + ")") +
            "  " + style_.Dim(Ago(ended)) + "\n";
    out_ += status.message.empty() ? ""
                                   : Indented(HarmlessLine(status.message), "  ", context_.Width());
    out_ += Indented("Its session: midwatch logs run/" + name, "  ", context_.Width());
  }

  void ExplainRules() {
    out_ += dispatch_.status.started_at
                ? "Before it may start again these must hold, in this order:\n\n"
                : "Before it may start these must hold, in this order:\n\n";
    const dispatch::World world = dispatch::Observe(dispatch_, view_);
    const Hindrance* stopped = nullptr;
    Hindrance kept;
    bool unsure = false;
    for (const Rule& rule : dispatch::StartRules()) {
      if (!rule.applies(dispatch_)) {
        continue;
      }
      if (stopped != nullptr || unsure) {
        out_ += "  " + style_.Dim("·  " + std::string(rule.holds)) + "\n";
        continue;
      }
      const auto look = rule.look(dispatch_, world, context_.Time());
      if (const auto* hindrance = std::get_if<Hindrance>(&look)) {
        kept = *hindrance;
        stopped = &kept;
        out_ += "  " + style_.In(Colour::kRed, "✗") + "  " + style_.Bold(rule.holds) + "\n";
        out_ += Indented(HarmlessLine(kept.message), "     ", context_.Width());
      } else if (const auto* about = std::get_if<dispatch::Unsure>(&look)) {
        unsure = true;
        out_ += "  " + style_.In(Colour::kYellow, "?") + "  " + std::string(rule.holds) + ": " +
                HarmlessLine(about->key.ToString()) + " could not be read\n";
      } else {
        out_ += "  " + style_.In(Colour::kGreen, "✓") + "  " + std::string(rule.holds) + "\n";
      }
    }
    out_ += "\n";
    stopped == nullptr ? ExplainFree(unsure) : ExplainHindrance(*stopped, world);
    ExplainEarlierRuns();
  }

  void ExplainFree(bool unsure) {
    if (!unsure) {
      Sentence("Nothing stands in its way: the controller assigns it now.");
    }
  }

  void ExplainHindrance(const Hindrance& hindrance, const dispatch::World& world) {
    if (hindrance.phase != api::DispatchPhase::kParked) {
      Sentence("So it will not start: it becomes " +
               std::string(ResultWord(api::ToString(hindrance.phase))) + ", " +
               std::string(hindrance.reason) + ".");
      return;
    }
    std::vector<std::string> blockers;
    for (const api::ObjectRef& ref : hindrance.blocked_on) {
      blockers.push_back(Show(ref));
    }
    Sentence("So it waits, parked as " + std::string(hindrance.reason) + SinceText() + ".");
    if (!blockers.empty()) {
      Sentence("Look at: " + HarmlessLine(Join(blockers, ", ")) + ".");
    }
    if (hindrance.reason == api::dispatch_reason::kSidecarUnavailable) {
      Sentence("Connected instances offer: " + HarmlessLine(SidecarsOf(world)) + ".");
    }
    Sentence(style_.Bold("It goes on by itself when: ") +
             std::string(dispatch::UnparkedBy(hindrance.reason)) + WhenText() + ".");
    if (dispatch_.spec.expire_after) {
      Sentence("It is cancelled if it has not started " +
               FormatDuration(*dispatch_.spec.expire_after) + " after it was created.");
    }
  }

  static std::string SidecarsOf(const dispatch::World& world) {
    std::set<std::string> names;
    for (const dispatch::Candidate& instance : world.candidates) {
      for (const api::OfferedSidecar& sidecar : instance.sidecars) {
        names.insert(sidecar.name + (sidecar.is_default ? " (default)" : ""));
      }
    }
    return Join(std::vector<std::string>(names.begin(), names.end()), ", ");
  }

  std::string SinceText() const {
    return dispatch_.status.phase == api::DispatchPhase::kParked && dispatch_.status.since
               ? " for " + FormatAge(context_.Time().wall - *dispatch_.status.since)
               : "";
  }

  /// When that is, where it is known.
  std::string WhenText() const {
    const auto& due = dispatch_.status.not_before;
    const WallTime now = context_.Time().wall;
    if (!due || dispatch_.status.phase != api::DispatchPhase::kParked) {
      return "";
    }
    return ", at " + FormatTime(*due) +
           (*due > now ? ", in " + FormatAge(*due - now) : ", which is now");
  }

  const api::Dispatch& dispatch_;
  const View& view_;
  const Context& context_;
  const Style& style_;
  std::string out_;
};

}  // namespace

std::string ExplainDispatch(const api::Dispatch& dispatch, const View& view,
                            const Context& context) {
  return Explainer(dispatch, view, context).Explain();
}

}  // namespace midwatch::cli
