#include "controller/reconcilers/dispatch/dispatch_plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/api/codec.h"
#include "controller/api/core.h"
#include "controller/api/names.h"
#include "controller/api/reasons.h"
#include "controller/api/run_ending.h"
#include "controller/base/digest.h"
#include "controller/base/text.h"
#include "controller/object/name_rules.h"
#include "controller/reconcilers/dispatch/report_plan.h"
#include "controller/reconcilers/scope/conditions.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::dispatch {
namespace {

namespace reason = api::dispatch_reason;
using api::DispatchPhase;
using api::RunPhase;
using api::StopReason;

/// Reasons of a Run's failure after which another attempt may well succeed.
constexpr std::array kRetried = {reason::kInstanceLost, reason::kDrained, reason::kSidecarFailed,
                                 reason::kInputUnavailable};

/// What the schema takes of a message. What an agent says may come with words of ours around it.
constexpr std::size_t kLongestMessage = 1024;  // Bytes.

/// Sets phase and reason; `since` moves only if one of them changes.
void Enter(api::DispatchStatus& status, DispatchPhase phase, std::string_view why,
           std::string_view message, Now now) {
  if (status.phase != phase || status.reason != why || !status.since) {
    status.since = now.wall;
  }
  status.phase = phase;
  status.reason = why;
  status.message = Utf8Prefix(message, kLongestMessage);
  status.blocked_on.clear();
  status.unparked_by.clear();
  status.not_before.reset();
}

/// A name that no other Dispatch gives: the UID keeps apart those of one name in two namespaces,
/// and of two times.
std::string NameOfOne(const api::Dispatch& dispatch, std::size_t longest_stem) {
  return std::string(NameStem(dispatch.metadata.name, longest_stem)) + "-" +
         ShortHash(dispatch.metadata.uid, 8);
}

/// One decision in the making.
class Planner {
 public:
  Planner(const api::Dispatch& dispatch, const World& seen, Now now)
      : dispatch_(dispatch), seen_(seen), now_(now) {
    decision_.status = dispatch.status;
    decision_.status.observed_generation = dispatch.metadata.generation;
  }

  Decision Plan() {
    const DispatchPhase phase = dispatch_.status.phase;
    if (IsTerminal(phase)) {
      PlanFinished();
    } else if (IsActive(phase)) {
      PlanActive();
    } else {
      PlanWaiting();
    }
    if (decision_.confirm.empty()) {
      ReleaseStopped();
    }
    SetConditions();
    return std::move(decision_);
  }

 private:
  api::DispatchStatus& status() { return decision_.status; }

  // -- What has not started, or waits for its next attempt.

  void PlanWaiting() {
    if (!dispatch_.metadata.HasFinalizer(api::finalizers::kDispatch) &&
        !dispatch_.metadata.IsBeingDeleted()) {
      decision_.hold = true;
    }
    FollowMission();
    if (decision_.hold || decision_.follow) {
      return;  // The next decision is made upon the changed Dispatch.
    }
    for (const Rule& rule : StartRules()) {
      if (!rule.applies(dispatch_)) {
        continue;
      }
      auto look = rule.look(dispatch_, seen_, now_);
      if (auto* unsure = std::get_if<Unsure>(&look)) {
        decision_.confirm.push_back(std::move(unsure->key));
        return;
      }
      if (auto* hindrance = std::get_if<Hindrance>(&look)) {
        Yield(std::move(*hindrance));
        return;
      }
    }
    Assign();
  }

  /// agentRef and sidecarName follow the mission until the first assignment; a manual Dispatch gets
  /// its Module from the job.
  void FollowMission() {
    api::DispatchSpec wanted = dispatch_.spec;
    if (seen_.mission && seen_.mission_matches && !dispatch_.status.started_at) {
      wanted.agent_ref = seen_.mission->spec.agent_ref;
      wanted.sidecar_name = seen_.mission->spec.sidecar_name;
    }
    if (!wanted.module_ref && seen_.job) {
      wanted.module_ref = seen_.job->spec.module_ref;
    }
    if (wanted != dispatch_.spec) {
      decision_.follow = std::move(wanted);
    }
  }

  void GiveUpOwnLock() {
    if (!HoldsOwnLock(dispatch_, seen_.lock.holder)) {
      return;
    }
    decision_.lock = LockChange::kReleaseLast;
    if (IsLockHolder(seen_.lock.holder, NextRun().name)) {
      ++status().run_ordinal;
    }
  }

  void Yield(Hindrance hindrance) {
    GiveUpOwnLock();
    if (hindrance.phase != DispatchPhase::kParked) {
      Finish(hindrance.phase, hindrance.reason, hindrance.message);
      return;
    }
    Enter(status(), DispatchPhase::kParked, hindrance.reason, hindrance.message, now_);
    status().blocked_on = std::move(hindrance.blocked_on);
    status().unparked_by = UnparkedBy(hindrance.reason);
    status().not_before = hindrance.not_before;
    decision_.wake_at = hindrance.wake_at;
    WakeAtExpiry();
  }

  void WakeAtExpiry() {
    const auto created = ParseTime(dispatch_.metadata.creation_timestamp);
    if (!dispatch_.spec.expire_after || dispatch_.status.started_at || !created) {
      return;
    }
    const Duration left = *created + *dispatch_.spec.expire_after - now_.wall;
    Wake(now_.mono + std::max(left, Duration{0}));
  }

  void Assign() {
    const Candidate* instance = ChooseInstance(dispatch_, seen_);
    const api::NamespacedRef run = NextRun();
    decision_.lock =
        seen_.lock.holder == LockHolder(run) ? LockChange::kNone : LockChange::kAcquire;
    status().agent_ref = dispatch_.spec.agent_ref;
    status().sidecar_name = SidecarFor(dispatch_, seen_, *instance).value_or("");
    status().instance = instance->name;
    status().lock = seen_.lock.name;
    status().run = run;
    ++status().run_ordinal;
    ++status().attempts;
    if (!status().started_at) {
      status().started_at = now_.wall;
    }
    Enter(status(), DispatchPhase::kAssigned, "", "assigned to instance " + instance->name, now_);
    decision_.run = CreateRun{};
  }

  // -- What has a Run.

  void PlanActive() {
    if (!seen_.run) {
      PlanMissingRun();
      return;
    }
    if (HasStopped(*seen_.run)) {
      Conclude(*seen_.run);
      return;
    }
    if (!seen_.instance_seen) {
      ConfirmInstance();
      return;
    }
    if (seen_.job_presence == Presence::kNotSeen) {
      ConfirmJob();
      return;
    }
    if (const auto stop = WhyStop(*seen_.run)) {
      decision_.run = StopRun{*stop};
      return;
    }
    Copy(*seen_.run);
  }

  /// Assigned comes before its Run: a crash between the two leaves it to be created here. It is
  /// created in any case, so that a create that is still on its way cannot start it later; unless
  /// its namespace takes nothing new, and so no Run of that name can ever be.
  void PlanMissingRun() {
    const std::string& space = status().run->namespace_name;
    if (seen_.run_presence == Presence::kNotSeen) {
      decision_.confirm.push_back(TypedKey<api::Run>(space, status().run->name));
    } else if (seen_.run_space == Presence::kNotSeen) {
      decision_.confirm.push_back(TypedKey<api::Namespace>("", space));
    } else if (seen_.run_space != Presence::kPresent) {
      ReleaseLockOf(status().run->name);
      Retry(reason::kInstanceLost, "the namespace " + space + " of its Agent was deleted");
    } else if (dispatch_.status.phase != DispatchPhase::kAssigned || IsUnwanted()) {
      decision_.run = CreateRun{.stopped = StopReason::kCancelled};
    } else if (!seen_.instance_seen) {
      ConfirmInstance();
    } else if (seen_.instance_lost) {
      decision_.run = CreateRun{.stopped = StopReason::kInstanceLost};
    } else {
      decision_.run = CreateRun{};
    }
  }

  void ConfirmInstance() {
    decision_.confirm.push_back(TypedKey<api::AgentInstance>(dispatch_.status.run->namespace_name,
                                                             dispatch_.status.instance));
  }

  bool IsAskedToEnd() const { return dispatch_.spec.cancel || dispatch_.metadata.IsBeingDeleted(); }
  bool IsJobGone() const {
    return seen_.job_presence == Presence::kAbsent || seen_.job_presence == Presence::kEnding;
  }
  bool IsUnwanted() const { return IsAskedToEnd() || IsJobGone(); }

  std::optional<StopReason> WhyStop(const api::Run& run) {
    const auto& asked = run.spec.stop_requested;
    if (seen_.instance_lost) {
      return StopReason::kInstanceLost;
    }
    if (asked) {
      return std::nullopt;
    }
    if (IsUnwanted() || run.metadata.IsBeingDeleted()) {
      return StopReason::kCancelled;
    }
    if (!seen_.run_observed) {
      return std::nullopt;
    }
    if (run.status.phase == RunPhase::kPending) {
      return Due(*seen_.run_observed + kAcknowledgeWithin, StopReason::kNotAcknowledged);
    }
    const Duration limit = dispatch_.spec.timeout + kTimeoutGrace;
    const Duration used = std::chrono::seconds(status().active_seconds) + SinceCounted();
    return status().counted_at ? Due(now_.mono + limit - used, StopReason::kTimedOut)
                               : std::nullopt;
  }

  /// What the current Run has used since `counted_at` (kCountEvery says how it is known).
  Duration SinceCounted() const {
    if (!dispatch_.status.counted_at) {
      return Duration::zero();
    }
    const Now observed = seen_.dispatch_observed.value_or(now_);
    const Duration before = observed.wall - *dispatch_.status.counted_at;
    return now_.mono - observed.mono + std::clamp(before, Duration::zero(), kCountEvery);
  }

  void AddSinceCounted() {
    status().active_seconds +=
        std::chrono::duration_cast<std::chrono::seconds>(SinceCounted()).count();
  }

  void Count(const api::Run& run) {
    if (!status().counted_at) {
      const bool slow = run.status.phase == RunPhase::kAcknowledged && seen_.run_observed &&
                        now_.mono < *seen_.run_observed + kBeginWithin;
      if (slow) {
        Wake(*seen_.run_observed + kBeginWithin);
      } else if (run.status.phase != RunPhase::kPending) {
        status().counted_at = now_.wall;
        Wake(now_.mono + kCountEvery);
      }
      return;
    }
    const Duration left = kCountEvery - SinceCounted();
    const bool is_written = status() != dispatch_.status;  // So that version is seen anew.
    if (left > Duration::zero() && !is_written) {
      Wake(now_.mono + left);
      return;
    }
    AddSinceCounted();
    status().counted_at = now_.wall;
    Wake(now_.mono + kCountEvery);
  }

  std::optional<StopReason> Due(MonoTime at, StopReason why) {
    if (now_.mono >= at) {
      return why;
    }
    Wake(at);
    return std::nullopt;
  }

  void Copy(const api::Run& run) {
    if (run.status.phase == RunPhase::kRunning && status().phase != DispatchPhase::kRunning) {
      Enter(status(), DispatchPhase::kRunning, "", "running on instance " + status().instance,
            now_);
    }
    Count(run);
  }

  // -- What has just stopped.

  void Conclude(const api::Run& run) {
    ReleaseLockOf(status().run->name);
    const bool lost = api::IsLost(run);
    AddActiveTime(run);
    if (!lost && run.status.phase == RunPhase::kSucceeded) {
      Succeed(run);
      return;
    }
    if (run.spec.stop_requested && run.status.phase != RunPhase::kFailed) {
      ConcludeStopped(run, run.spec.stop_requested->reason);
    } else if (lost) {
      ConcludeStopped(run, StopReason::kInstanceLost);
    } else {
      Retry(run.status.reason.empty() ? reason::kSidecarFailed : run.status.reason,
            run.status.message);
    }
  }

  void ConcludeStopped(const api::Run& run, StopReason why) {
    switch (why) {
      case StopReason::kCancelled:
        if (!IsAskedToEnd() && seen_.job_presence == Presence::kNotSeen) {
          ConfirmJob();
          return;
        }
        Finish(DispatchPhase::kCancelled, CancelReason(), CancelMessage());
        break;
      case StopReason::kTimedOut:
        Finish(DispatchPhase::kFailed, reason::kTimedOut,
               "it did not finish within " + FormatDuration(dispatch_.spec.timeout));
        break;
      case StopReason::kInstanceLost:
        if (run.status.phase == RunPhase::kPending && !IsUnwanted()) {
          WaitAgain("went silent before it took it");
        } else {
          Retry(reason::kInstanceLost, "instance " + dispatch_.status.instance + " went silent");
        }
        break;
      case StopReason::kNotAcknowledged:
        WaitAgain("did not take it in time");
        break;
    }
  }

  void ConfirmJob() {
    decision_.confirm.push_back(TypedKey<api::ModuleJob>(dispatch_.metadata.namespace_name,
                                                         dispatch_.spec.module_job_ref.name));
  }

  std::string_view CancelReason() const {
    return IsJobGone() && !IsAskedToEnd() ? reason::kJobDeleted : reason::kCancelRequested;
  }
  std::string CancelMessage() const {
    if (CancelReason() == reason::kJobDeleted) {
      return "the ModuleJob was deleted";
    }
    if (!IsAskedToEnd()) {
      return "somebody stopped or deleted its Run";
    }
    return dispatch_.spec.cancel_reason.empty() ? "somebody cancelled it"
                                                : dispatch_.spec.cancel_reason;
  }

  void Retry(std::string_view why, const std::string& message) {
    if (IsUnwanted()) {
      Finish(DispatchPhase::kCancelled, CancelReason(), CancelMessage());
      return;
    }
    const bool may_help = std::find(kRetried.begin(), kRetried.end(), why) != kRetried.end();
    if (!may_help || status().attempts >= dispatch_.spec.retry_limit) {
      Finish(DispatchPhase::kFailed, why, message);
      return;
    }
    BackOff("attempt " + std::to_string(status().attempts) + " ended with " + std::string(why) +
            ": " + message);
  }

  /// No sidecar ever saw it: that costs no attempt.
  void WaitAgain(const std::string& what_instance_did) {
    --status().attempts;
    BackOff("instance " + dispatch_.status.instance + " " + what_instance_did);
  }

  void BackOff(std::string_view message) {
    Enter(status(), DispatchPhase::kParked, reason::kRetryBackoff, message, now_);
    status().unparked_by = UnparkedBy(reason::kRetryBackoff);
    status().not_before = now_.wall + BackoffOf(status());
    Unassign();
  }

  void Unassign() {
    status().instance.clear();
    status().run.reset();
    status().agent_ref.reset();
    status().sidecar_name.clear();
    status().lock.clear();
  }

  /// An attempt that nobody saw at work has lasted as long as its agent says: two times of one
  /// clock.
  void AddActiveTime(const api::Run& run) {
    if (status().counted_at) {
      AddSinceCounted();
      status().counted_at.reset();
      return;
    }
    const auto& began = run.status.started_at;
    const auto& ended = run.status.finished_at;
    if (began && ended) {
      const auto said = std::chrono::duration_cast<std::chrono::seconds>(*ended - *began).count();
      status().active_seconds += std::clamp<std::int64_t>(said, 0, run.spec.timeout_seconds);
    }
  }

  void Succeed(const api::Run& run) {
    if (!run.status.result) {
      Finish(DispatchPhase::kFailed, reason::kOutputMissing, "the agent reported no result");
      return;
    }
    if (const auto report = MakeReport(dispatch_, run); !report) {
      Finish(DispatchPhase::kFailed, reason::kResultInvalid, report.error().message);
      return;
    }
    // It would be deleted with its Dispatch, and a namespace that is ending takes nothing new.
    if (!dispatch_.metadata.IsBeingDeleted()) {
      decision_.report = true;
      status().report = api::NameRef{.name = ReportName(dispatch_)};
    }
    status().result =
        api::DispatchResult{.digest = run.status.result->digest, .summary = run.status.message};
    status().usage = run.status.usage;
    Finish(DispatchPhase::kSucceeded, "", run.status.message);
  }

  void Finish(DispatchPhase phase, std::string_view why, std::string_view message) {
    Enter(status(), phase, why, message, now_);
    status().finished_at = now_.wall;
  }

  // -- What is over: nothing of it changes, only what it holds is given back.

  void PlanFinished() {
    if (!seen_.lock.holder.empty()) {
      ReleaseOwnLock();
    }
    if (!dispatch_.metadata.IsBeingDeleted()) {
      return;
    }
    decision_.remove = seen_.runs;
    if (!seen_.record_marked && seen_.job_presence == Presence::kNotSeen) {
      ConfirmJob();
      return;
    }
    decision_.let_go = dispatch_.metadata.HasFinalizer(api::finalizers::kDispatch) &&
                       seen_.runs.empty() && seen_.record_marked &&
                       decision_.lock == LockChange::kNone;
  }

  void ReleaseOwnLock() {
    for (const api::Run& run : seen_.runs) {
      if (HasStopped(run)) {
        ReleaseLockOf(run.metadata.name);
      }
    }
    const auto current = [&](const api::Run& run) {
      return run.metadata.name == RunName(dispatch_, dispatch_.status.run_ordinal);
    };
    if (std::none_of(seen_.runs.begin(), seen_.runs.end(), current)) {
      ReleaseLockOf(RunName(dispatch_, dispatch_.status.run_ordinal));
    }
    ReleaseLockOf(NextRun().name);
  }

  void ReleaseStopped() {
    for (const api::Run& run : seen_.runs) {
      if (HasStopped(run) && run.metadata.HasFinalizer(api::finalizers::kRun)) {
        decision_.release.push_back(run);
      }
    }
  }

  void ReleaseLockOf(const std::string& run_name) {
    if (IsLockHolder(seen_.lock.holder, run_name)) {
      decision_.lock = LockChange::kRelease;
    }
  }

  api::NamespacedRef NextRun() const {
    return {.namespace_name = dispatch_.spec.agent_ref.namespace_name,
            .name = RunName(dispatch_, dispatch_.status.run_ordinal + 1)};
  }

  void Wake(MonoTime at) {
    decision_.wake_at = decision_.wake_at ? std::min(*decision_.wake_at, at) : at;
  }

  /// kstatus: Ready once it has succeeded, Reconciling while something is still to come, Stalled
  /// when it has failed.
  void SetConditions() {
    const DispatchPhase phase = status().phase;
    const std::string_view word = api::ToString(phase);
    const std::string why = status().reason.empty() ? std::string(word) : status().reason;
    auto& all = status().conditions;
    SetCondition(all, {"Ready", phase == DispatchPhase::kSucceeded, why}, now_.wall);
    SetCondition(all, {"Reconciling", !IsTerminal(phase), why}, now_.wall);
    SetCondition(all, {"Stalled", phase == DispatchPhase::kFailed, why}, now_.wall);
  }

  const api::Dispatch& dispatch_;
  const World& seen_;
  const Now now_;
  Decision decision_;
};

}  // namespace

Decision PlanDispatch(const api::Dispatch& dispatch, const World& seen, Now now) {
  return Planner(dispatch, seen, now).Plan();
}

bool IsTerminal(DispatchPhase phase) {
  return phase == DispatchPhase::kSucceeded || phase == DispatchPhase::kFailed ||
         phase == DispatchPhase::kCancelled;
}

bool IsActive(DispatchPhase phase) {
  return phase == DispatchPhase::kAssigned || phase == DispatchPhase::kRunning;
}

bool HasStopped(const api::Run& run) {
  // Withdrawn: an agent acknowledges by compare-and-swap, and never a Run that must stop.
  return api::IsLost(run) || api::IsWithdrawn(run) ||
         (api::HasEnded(run.status.phase) && run.status.sidecar_stopped);
}

std::string RunName(const api::Dispatch& dispatch, std::int64_t ordinal) {
  constexpr std::size_t kLongestStem = 40;
  return NameOfOne(dispatch, kLongestStem) + "-" + std::to_string(ordinal);
}

std::string LockHolder(const api::NamespacedRef& run) {
  return run.namespace_name + "/" + run.name;
}

bool IsLockHolder(std::string_view holder, std::string_view run_name) {
  return holder.substr(holder.find('/') + 1) == run_name;
}

bool HoldsOwnLock(const api::Dispatch& dispatch, std::string_view holder) {
  const std::int64_t last = dispatch.status.run_ordinal;
  return !holder.empty() && (IsLockHolder(holder, RunName(dispatch, last + 1)) ||
                             (last > 0 && IsLockHolder(holder, RunName(dispatch, last))));
}

std::string LockName(const std::string& job, api::MissionType type) {
  return std::string(kLockPrefix) + ShortHash(job + "/" + std::string(api::ToString(type)), 20);
}

std::string ReportName(const api::Dispatch& dispatch) {
  constexpr std::size_t kLongestStem = 200;
  return NameOfOne(dispatch, kLongestStem);
}

}  // namespace midwatch::dispatch
