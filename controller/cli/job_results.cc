#include "controller/cli/job_results.h"

#include <algorithm>
#include <map>
#include <optional>

#include "controller/api/dispatch.h"
#include "controller/api/reasons.h"
#include "controller/api/report.h"
#include "controller/base/text.h"
#include "controller/cli/live_list.h"
#include "controller/cli/report_text.h"
#include "controller/cli/state_word.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"

namespace midwatch::cli {
namespace {

/// How long a Dispatch is waited for that is parked for what does not pass by itself.
constexpr Duration kParkedPatience = std::chrono::seconds(10);

/// Capacity, locks and back-off pass; anything else somebody has to change.
bool IsParkedForLong(const api::Dispatch& dispatch) {
  namespace reason = api::dispatch_reason;
  const std::string& why = dispatch.status.reason;
  return dispatch.status.phase == api::DispatchPhase::kParked && why != reason::kAtCapacity &&
         why != reason::kLockHeld && why != reason::kRetryBackoff;
}

ListRequest Selecting(const ResourceType& type, const std::string& space, std::string fields) {
  return {.type = type,
          .namespace_name = space,
          .label_selector = {},
          .field_selector = std::move(fields),
          .continue_token = {},
          .resource_version = {}};
}

class Waiting {
 public:
  Waiting(const ReportedTransition& transition, ResultOutput output, Context& context,
          ApiSession& session)
      : transition_(transition),
        output_(output),
        context_(context),
        session_(session),
        jobs_(context, session,
              Selecting(api::ModuleJob::Type(), transition.namespace_name,
                        "metadata.name=" + transition.job)),
        dispatches_(context, session,
                    Selecting(api::Dispatch::Type(), transition.namespace_name,
                              "spec.moduleJobRef.name=" + transition.job)) {}

  void Run(Duration patience) {
    const MonoTime deadline = context_.Time().mono + patience;
    context_.WaitFor("waiting for the missions of the job", deadline,
                     [this] { return Interrupted() || LookAtMatch(); });
    if (!match_) {
      return Say(WhyNoMatch(patience));
    }
    if (match_->missions.empty()) {
      return Say("no mission of type " + std::string(api::ToString(match_->mission_type)) +
                 " covers this job; midwatch why modulejob/" + transition_.namespace_name + "/" +
                 transition_.job + " says which there are");
    }
    context_.WaitFor("waiting for " + std::string(api::ToString(match_->mission_type)), deadline,
                     [this] { return Interrupted() || NothingToWaitFor(); });
    for (const api::MatchedMission& mission : match_->missions) {
      PrintOne(mission);
    }
  }

 private:
  bool Interrupted() {
    interrupted_ = interrupted_ || context_.world.waiter.TakeSignal().has_value();
    return interrupted_;
  }

  bool LookAtMatch() {
    error_ = std::nullopt;
    if (const auto fresh = jobs_.Refresh(); !fresh) {
      error_ = fresh.error();
      return false;
    }
    for (const auto& [key, object] : jobs_.objects()) {
      const auto job = api::FromObject<api::ModuleJob>(object);
      for (const api::JobMatch& match : job ? job->status.matches : std::vector<api::JobMatch>{}) {
        if (match.key == std::to_string(transition_.seq)) {
          match_ = match;
        }
      }
    }
    return match_.has_value();
  }

  /// All have ended, or are parked for long and have been for a while.
  bool NothingToWaitFor() {
    if (!dispatches_.Refresh()) {
      return false;
    }
    for (const auto& [key, object] : dispatches_.objects()) {
      if (auto dispatch = api::FromObject<api::Dispatch>(object)) {
        known_.insert_or_assign(key.name, *std::move(dispatch));
      }
    }
    bool all_ended = true;
    bool all_stuck = true;
    for (const api::MatchedMission& mission : match_->missions) {
      const auto found = known_.find(mission.dispatch);
      const bool ended = found != known_.end() && dispatch::IsTerminal(found->second.status.phase);
      const bool stuck = found != known_.end() && IsParkedForLong(found->second);
      all_ended = all_ended && ended;
      all_stuck = all_stuck && (ended || stuck);
    }
    const MonoTime now = context_.Time().mono;
    stuck_since_ = all_stuck ? stuck_since_.value_or(now) : std::optional<MonoTime>();
    return all_ended || (all_stuck && now >= *stuck_since_ + kParkedPatience);
  }

  void Write(const std::string& text) { output_.to.Write(text); }
  void Say(const std::string& text) { Write(output_.style.Dim("midwatch:") + " " + text + "\n"); }

  std::string WhyNoMatch(Duration patience) const {
    if (error_) {
      return "the result cannot be read: " + Harmless(error_->message);
    }
    return interrupted_ ? "no longer waiting for results"
                        : "the controller has not looked at the job in " + FormatDuration(patience);
  }

  void PrintOne(const api::MatchedMission& mission) {
    const auto found = known_.find(mission.dispatch);
    if (found == known_.end()) {
      return Say("Dispatch " + mission.dispatch + " is about to be created");
    }
    const api::Dispatch& dispatch = found->second;
    if (dispatch.status.phase == api::DispatchPhase::kSucceeded && dispatch.status.report) {
      return PrintReport(dispatch, mission);
    }
    if (dispatch::IsTerminal(dispatch.status.phase)) {
      return PrintEnd(dispatch, mission);
    }
    PrintWaiting(dispatch, mission);
  }

  void PrintReport(const api::Dispatch& dispatch, const api::MatchedMission& mission) {
    const auto report =
        session_.GetAs<api::Report>(transition_.namespace_name, dispatch.status.report->name);
    if (!report) {
      return Say("the Report of " + dispatch.metadata.name +
                 " cannot be read: " + Harmless(report.error().message));
    }
    if (const std::string who = WhoAsked(mission); !who.empty()) {
      Say(who);
    }
    Write("\n" + ReportText(*report, output_.style, context_.Width()) + "\n");
  }

  /// Of several missions each result says whose it is.
  std::string WhoAsked(const api::MatchedMission& mission) const {
    return match_->missions.size() > 1
               ? "asked for by " +
                     HarmlessLine(std::string(api::ToString(mission.kind)) + " " + mission.name)
               : "";
  }

  std::string Head(const api::Dispatch& dispatch, const api::MatchedMission& mission) const {
    const std::string who = WhoAsked(mission);
    const std::string& reason = dispatch.status.reason;
    return std::string(api::ToString(dispatch.spec.mission_type)) + " by Agent " +
           dispatch.spec.agent_ref.namespace_name + "/" + dispatch.spec.agent_ref.name +
           (who.empty() ? "" : ", " + who) + ": " +
           ShowState(api::ToString(dispatch.status.phase), output_.style) +
           (reason.empty() ? "" : " (" + Harmless(reason) + ")");
  }

  void Explain(const std::string& text) { Write(Indented(Harmless(text), "  ", context_.Width())); }

  void PrintEnd(const api::Dispatch& dispatch, const api::MatchedMission& mission) {
    Say(Head(dispatch, mission));
    if (!dispatch.status.message.empty()) {
      Explain(dispatch.status.message);
    }
    if (dispatch.status.phase == api::DispatchPhase::kFailed) {
      SayWhereMore(dispatch);
    }
  }

  void PrintWaiting(const api::Dispatch& dispatch, const api::MatchedMission& mission) {
    Say(Head(dispatch, mission));
    const api::DispatchStatus& status = dispatch.status;
    if (!status.message.empty()) {
      Explain(status.message);
    }
    if (status.phase == api::DispatchPhase::kParked) {
      const std::string by = status.unparked_by.empty()
                                 ? std::string(dispatch::UnparkedBy(status.reason))
                                 : status.unparked_by;
      const WallTime now = context_.Time().wall;
      const bool later = status.not_before && *status.not_before > now;
      Explain("It goes on by itself when: " + by +
              (later ? ", in " + FormatAge(*status.not_before - now) : ""));
    }
    SayWhereMore(dispatch);
  }

  void SayWhereMore(const api::Dispatch& dispatch) {
    Explain("More: midwatch why -n " + transition_.namespace_name + " dispatch/" +
            dispatch.metadata.name);
  }

  const ReportedTransition& transition_;
  ResultOutput output_;
  Context& context_;
  ApiSession& session_;
  LiveList jobs_;
  LiveList dispatches_;
  std::optional<api::JobMatch> match_;
  std::map<std::string, api::Dispatch> known_;  // By name; what was seen stays.
  std::optional<Error> error_;
  std::optional<MonoTime> stuck_since_;
  bool interrupted_ = false;
};

}  // namespace

void WaitForResults(const ReportedTransition& transition, Duration patience, ResultOutput output,
                    Context& context, ApiSession& session) {
  Waiting(transition, output, context, session).Run(patience);
}

}  // namespace midwatch::cli
