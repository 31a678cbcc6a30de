#pragma once

#include <optional>

#include "controller/api/agent_instance.h"
#include "controller/api/lease.h"
#include "controller/base/time.h"

namespace midwatch::instance {

/// How long an agent's heartbeat counts, if its Lease does not say.
inline constexpr Duration kLeaseDuration = std::chrono::seconds(30);
/// The longest that is believed: a tenth of it is within the grace.
inline constexpr Duration kLongestLease = std::chrono::seconds(60);
/// How much longer the controller waits than the agent does: by then the agent's sidecars are dead,
/// even if the two clocks run apart by a tenth.
inline constexpr Duration kGrace = std::chrono::seconds(10);
/// How long a lost instance stays to be looked at.
inline constexpr Duration kKeepLost = std::chrono::hours(1);

/// What the decision about one instance rests on.
struct World {
  std::optional<api::Lease> lease;         ///< Its heartbeat, if it has begun.
  std::optional<MonoTime> lease_observed;  ///< When the heartbeat's present version was first seen.
  bool lease_absent = false;               ///< A consistent read has confirmed that there is none.
  std::optional<MonoTime> object_observed;  ///< When the instance's was.
  std::int64_t live_runs = 0;
  bool is_given_run = false;  ///< A plan in flight creates one for it.
};

struct Decision {
  bool hold =
      false;  ///< Put our finalizer on the instance: it may not vanish while it can hold Runs.
  bool let_go = false;         ///< Remove it.
  bool forget = false;         ///< Delete the instance.
  bool confirm_lease = false;  ///< Read whether there really is no heartbeat; nothing else happens.
  bool take_lease = false;     ///< Become the Lease's holder, before the status says anything.
  api::AgentInstanceStatus status;
  std::optional<MonoTime> wake_at = {};
};

/// Whether the instance is connected, by the controller's own clock: silence is counted from when a
/// renewal was seen, never by comparing timestamps. An instance that was lost never comes back.
///
/// The view may be old (another leader's, or of a process that was stopped for a while), so silence
/// is proved first: the Lease is taken by a write that holds only for the renewal that was seen
/// last. Was there another one, it is refused, and nobody is lost; and a renewal that comes later
/// is refused, and its agent learns it.
///
/// A Lease that somebody has deleted cannot be taken, and its agent may live for as long as it
/// said. So it is not known whether the instance is connected, and it gets no more work; it is lost
/// once the longest Lease that is believed would have ended, counted from when that was written.
Decision PlanInstance(const api::AgentInstance& instance, const World& seen, Now now);

}  // namespace midwatch::instance
