#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/agent.h"
#include "controller/api/agent_instance.h"
#include "controller/api/dispatch.h"
#include "controller/api/module_job.h"
#include "controller/api/run.h"
#include "controller/base/time.h"
#include "controller/reconcilers/scope/scope.h"

namespace midwatch::dispatch {

/// What is known of an object that the decision rests on.
enum class Presence : std::uint8_t {
  kNotSeen,  ///< Not in the view; nothing may be concluded from that yet.
  kAbsent,   ///< A consistent read has confirmed that it does not exist.
  kEnding,   ///< It is being deleted.
  kPresent,
};

/// The versions of the protocol between controller and agent that this controller speaks.
inline constexpr std::int64_t kProtocolVersion = 1;

/// A connected instance of the Agent that is not draining.
struct Candidate {
  std::string name;
  std::vector<api::OfferedSidecar> sidecars;
  std::vector<std::int64_t> protocol_versions;
  std::int64_t capacity = 0;
  std::int64_t load = 0;   ///< Live Runs and assumed assignments.
  MonoTime idle_since;     ///< When its number of Runs last changed.
  bool outranked = false;  ///< Other work that waits for its slots goes first.
};

/// The Lease that keeps a second Run of one (job, mission type) away.
struct Lock {
  std::string name;    ///< Of the Lease, in the Dispatch's namespace.
  std::string holder;  ///< `namespace/name` of the Run that holds it; empty: free.
};

/// Everything that the decision about one Dispatch rests on.
struct World {
  Presence job_presence = Presence::kNotSeen;
  std::optional<api::ModuleJob> job;
  bool record_marked = true;  ///< No job's record will have this Dispatch created once more.

  /// kPresent only if the mission has the id that the Dispatch comes from.
  Presence mission_presence = Presence::kNotSeen;
  std::optional<ScopedMission> mission;
  bool mission_matches = false;  ///< It still has this type and covers the job.

  std::optional<api::Agent> agent;
  bool authorised = false;  ///< The Agent may work at this place.
  std::vector<Candidate> candidates;
  bool any_draining = false;  ///< An instance is connected, but takes no new work.

  Lock lock;

  Presence run_presence = Presence::kNotSeen;  ///< Of the current Run (status.run).
  Presence run_space = Presence::kNotSeen;     ///< Of the namespace that it is, or shall be, in.
  std::optional<api::Run> run;
  std::optional<MonoTime> run_observed;  ///< When its present version was first seen.
  std::optional<Now> dispatch_observed;  ///< When the Dispatch's was.
  bool instance_lost = false;            ///< The current Run's instance is gone for certain.
  bool instance_seen = true;             ///< It is there, or that it is not was confirmed.
  std::vector<api::Run> runs;            ///< All Runs of this Dispatch, ended ones included.
};

}  // namespace midwatch::dispatch
