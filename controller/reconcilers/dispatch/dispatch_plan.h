#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/reconcilers/dispatch/dispatch_world.h"

namespace midwatch::dispatch {

/// How long a Run may stay unacknowledged before it is withdrawn.
inline constexpr Duration kAcknowledgeWithin = std::chrono::seconds(15);
/// How much longer than its timeout a Run may go on before the controller asks it to stop itself.
inline constexpr Duration kTimeoutGrace = std::chrono::seconds(30);
/// The time that a Dispatch has used stands in its status (activeSeconds as of countedAt), and is
/// brought up to date this often while a Run works, and with whatever else is written there.
///
/// Exact: as long as one process looks and nobody else writes the Dispatch, time is counted by that
/// process's monotone clock, however its civil clock is set meanwhile. Bounded: what lies between
/// countedAt and the moment at which this process first saw the stored version (after a restart, a
/// change of leader, somebody's edit) is told by the civil clock of that moment alone, and believed
/// from nothing up to kCountEvery; so a clock that was set before, or a time in which no controller
/// looked, costs or gives at most that much a time. The agent's own limit (Run.spec.timeoutSeconds,
/// by its monotone clock) is not affected.
inline constexpr Duration kCountEvery = std::chrono::minutes(10);
/// A Run that was acknowledged and has not begun is counted from then on.
inline constexpr Duration kBeginWithin = std::chrono::seconds(30);
/// The wait before the second Run; doubles with each further one, up to kLongestBackoff.
inline constexpr Duration kFirstBackoff = std::chrono::seconds(10);
inline constexpr Duration kLongestBackoff = std::chrono::minutes(5);

/// Something stands in the way of starting.
struct Hindrance {
  api::DispatchPhase phase = api::DispatchPhase::kParked;  ///< kParked, kCancelled or kFailed.
  std::string_view reason;
  std::string message;
  std::vector<api::ObjectRef> blocked_on = {};
  std::optional<MonoTime> wake_at = {};
  std::optional<WallTime> not_before = {};
};

/// An object whose absence decides: to be read consistently first.
struct Unsure {
  ObjectKey key;
};

/// One rule that a Dispatch must pass to be assigned.
struct Rule {
  std::string_view name;   ///< `Authorisation`
  std::string_view holds;  ///< What is true when it passes, for `midwatch why`.
  std::variant<std::monostate, Hindrance, Unsure> (*look)(const api::Dispatch&, const World&, Now);
  /// Whether the rule is asked of it at all: what has started once does not ask for its mission.
  bool (*applies)(const api::Dispatch&) = [](const api::Dispatch&) { return true; };
};

/// The rules in the order in which they are looked at; the first that does not pass decides.
const std::vector<Rule>& StartRules();

/// How long it waits after its last Run, before the next.
Duration BackoffOf(const api::DispatchStatus& status);

/// What unparks a Dispatch with that reason, for people.
std::string_view UnparkedBy(std::string_view reason);

enum class LockChange : std::uint8_t {
  kNone,
  kAcquire,
  kRelease,
  kReleaseLast,  ///< Once the status is written: the Run that it was taken for will never be.
};

struct CreateRun {
  std::optional<api::StopReason>
      stopped;  ///< Created only so that nobody else can, stopped already.
};
struct StopRun {
  api::StopReason reason;
};
using RunChange = std::variant<std::monostate, CreateRun, StopRun>;

/// What shall be. Changes are carried out in the order of the members; the status is written
/// between acquiring the lock and creating the Run, so that at any crash the next decision sees
/// what to do.
///
/// A lock that was taken for a Run which was not assigned is given up by giving up the Run's
/// ordinal in the status first: should another process be about to assign that Run, one of the two
/// status writes is refused, and the lock stays with who was first.
struct Decision {
  std::vector<ObjectKey> confirm;           ///< If not empty, nothing else happens.
  bool hold = false;                        ///< Put our finalizer on the Dispatch first.
  std::optional<api::DispatchSpec> follow;  ///< The spec follows the mission, or is filled in.
  LockChange lock = LockChange::kNone;
  bool report = false;  ///< Create the Report from the current Run's result.
  api::DispatchStatus status;
  RunChange run;
  std::vector<api::Run> release;  ///< Runs known to have stopped: remove our finalizer.
  std::vector<api::Run> remove;   ///< Runs of a Dispatch that is being deleted.
  bool let_go = false;            ///< Remove our finalizer from the Dispatch.
  std::optional<MonoTime> wake_at;
};

/// Decides about one Dispatch: where it runs, why it waits, what came of it.
Decision PlanDispatch(const api::Dispatch& dispatch, const World& seen, Now now);

bool IsTerminal(api::DispatchPhase phase);
/// Assigned or Running: has a Run that may be alive.
bool IsActive(api::DispatchPhase phase);

/// Whether no process of the Run works any more or ever will: its agent said so, it was withdrawn
/// before it was acknowledged, or its instance is gone for certain.
bool HasStopped(const api::Run& run);

/// The name of the Dispatch's Run with that ordinal.
std::string RunName(const api::Dispatch& dispatch, std::int64_t ordinal);
/// The identity under which that Run holds the lock.
std::string LockHolder(const api::NamespacedRef& run);
/// Whether the holder is the Run of that name: it is one of its kind in every namespace, and the
/// Agent's may have changed since the lock was taken.
bool IsLockHolder(std::string_view holder, std::string_view run_name);
/// Whether the holder is a Run of this Dispatch, which waits, that will never be or may be next.
bool HoldsOwnLock(const api::Dispatch& dispatch, std::string_view holder);
/// The name of the Lease of a (job, mission type).
std::string LockName(const std::string& job, api::MissionType type);
/// The name of the Report of a Dispatch.
std::string ReportName(const api::Dispatch& dispatch);

/// The sidecar that an instance would run the Dispatch with, if it offers it.
std::optional<std::string> SidecarFor(const api::Dispatch& dispatch, const World& seen,
                                      const Candidate& candidate);
/// The instance that takes it: least loaded, then longest idle, then by name. None has a free slot
/// for it: nullptr.
const Candidate* ChooseInstance(const api::Dispatch& dispatch, const World& seen);

}  // namespace midwatch::dispatch
