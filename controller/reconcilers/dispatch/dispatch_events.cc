#include "controller/reconcilers/dispatch/dispatch_events.h"

#include <algorithm>
#include <array>
#include <string>

#include "controller/api/codec.h"
#include "controller/api/reasons.h"

namespace midwatch::dispatch {
namespace {

namespace reason = api::dispatch_reason;
using api::DispatchPhase;

constexpr std::array kQueueing = {reason::kAtCapacity, reason::kLockHeld};
/// Reasons of parking that somebody wanted.
constexpr std::array kWanted = {reason::kMissionDisabled, reason::kAgentSuspended};

template <typename Reasons>
bool IsOneOf(const Reasons& reasons, const std::string& why) {
  return std::find(reasons.begin(), reasons.end(), why) != reasons.end();
}

bool IsWarning(const api::DispatchStatus& status) {
  if (status.phase == DispatchPhase::kParked) {
    return !IsOneOf(kWanted, status.reason);
  }
  return status.phase == DispatchPhase::kFailed;
}

std::string MessageOf(const api::DispatchStatus& status) {
  if (status.reason.empty() && status.message.empty() && status.report) {
    return "Report " + status.report->name + " holds the result";
  }
  std::string out = status.reason;
  out += out.empty() || status.message.empty() ? "" : ": ";
  return out + status.message;
}

}  // namespace

std::optional<Occurrence> OccurrenceOf(const api::DispatchStatus& before,
                                       const api::DispatchStatus& after) {
  const bool same = before.phase == after.phase && before.reason == after.reason;
  const bool parked = after.phase == DispatchPhase::kParked;
  const bool queues = parked && IsOneOf(kQueueing, after.reason);
  const bool waits_on =
      parked && before.phase == DispatchPhase::kParked && !IsOneOf(kQueueing, before.reason);
  const bool told_already =
      after.phase == DispatchPhase::kPending || after.phase == DispatchPhase::kRunning;
  if (same || queues || waits_on || told_already) {
    return std::nullopt;
  }
  return Occurrence{.warning = IsWarning(after),
                    .reason = std::string(api::ToString(after.phase)),
                    .message = MessageOf(after),
                    .which = after.reason + std::to_string(after.run_ordinal % kRunsTold)};
}

Occurrence OccurrenceOf(const api::Dispatch& dispatch, api::StopReason why) {
  const std::string word(api::ToString(why));
  return {.warning = why != api::StopReason::kCancelled,
          .reason = "StopRequested",
          .message = word + ": of Dispatch " + dispatch.metadata.namespace_name + "/" +
                     dispatch.metadata.name + ", instance " + dispatch.status.instance,
          .which = word};
}

}  // namespace midwatch::dispatch
