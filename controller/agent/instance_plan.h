#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "controller/base/time.h"

namespace midwatch::agent {

/// A Lease is renewed this many times in its duration.
inline constexpr int kRenewals = 3;
/// How long the API may take to answer a call of an agent with that Lease: a renewal that goes
/// nowhere, as over a connection that died without a word, leaves time for others over new ones.
inline Duration AnswerWithin(Duration lease) {
  return std::max<Duration>(lease / (2 * kRenewals), std::chrono::seconds(2));
}
/// What the controller waits longer than we do. After it this incarnation is lost for certain.
inline constexpr Duration kLeaseGrace = std::chrono::seconds(10);
/// After a failure; doubled with each one in a row, up to the time between two renewals.
inline constexpr Duration kFirstBackOff = std::chrono::milliseconds(250);

/// What this process knows about its incarnation.
struct InstanceState {
  std::string name;                           ///< Random.
  Duration lease = std::chrono::seconds(30);  ///< How long a renewal holds.
  std::string uid;                            ///< Of the AgentInstance; empty: not registered.
  std::string instance_version;
  std::string lease_version;     ///< Empty: there is no Lease yet.
  std::string lease_uid;         ///< One of another UID is not ours, whatever it says.
  bool lease_unknown = false;    ///< A renewal failed so that the Lease must be read first.
  bool busy = false;             ///< A request is on its way.
  std::optional<MonoTime> sent;  ///< When the last renewal, or the Lease's creation, was sent.
  std::optional<MonoTime> acknowledged;  ///< When the last one that was acknowledged was *sent*.
  std::optional<MonoTime> retry_at;      ///< After a failure: not before.
  bool drain = false;                    ///< It should say that it is draining.
  bool said_draining = false;
  bool lost = false;   ///< The controller says so, or it was deleted.
  bool leave = false;  ///< All work has ended: it should go.
  bool gone = false;   ///< It has been deleted.
};

enum class InstanceAction : std::uint8_t {
  kNothing,
  kRegister,  ///< Create the AgentInstance.
  kCreateLease,
  kReadLease,
  kRenew,
  kSayDraining,
  kLeave,      ///< Delete the AgentInstance.
  kStartOver,  ///< This incarnation is lost: take another name.
};

struct InstanceDecision {
  InstanceAction action = InstanceAction::kNothing;
  std::optional<MonoTime> wake_at;
};

/// What to do about the registration next. One request at a time; first rule that applies wins.
InstanceDecision PlanOwnInstance(const InstanceState& state, Now now);

/// Until when sidecars may live: the Lease's duration after the last acknowledged renewal was sent.
/// None: there was none, and nothing may be started.
std::optional<MonoTime> AliveUntil(const InstanceState& state);

}  // namespace midwatch::agent
