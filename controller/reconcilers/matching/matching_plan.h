#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/api/dispatch.h"
#include "controller/api/module_job.h"
#include "controller/reconcilers/scope/occurrence.h"
#include "controller/reconcilers/scope/scope.h"

namespace midwatch::matching {

/// Missions in the record of one job, over all of its transitions: of the longest names they and
/// their results still fit into one object. What covers a transition beyond it is counted in the
/// record and gets no Dispatch.
inline constexpr std::size_t kMostRecorded = 512;

/// What the decision about one job rests on.
struct World {
  Place place;
  std::vector<ScopedMission> missions;  ///< Every mission whose scope holds the place.
  /// The view of missions and namespaces is at least as new as the job's present version.
  bool fresh = false;
  /// That are about a job of this name, whoever asked for them, or have a name that the record has.
  std::vector<api::Dispatch> dispatches;
};

/// What shall be done about one job, in this order.
struct Decision {
  bool refresh = false;  ///< Missions or namespaces must be read again before anything is matched.
  api::ModuleJobStatus status;
  std::vector<api::Dispatch> create;
};

/// The mission type that a state fires, if any.
std::optional<api::MissionType> FiredBy(api::JobState state);

/// The name of the Dispatch of one (Module, job, transition, mission).
std::string DispatchName(const api::ModuleJob& job, std::string_view key,
                         std::string_view mission_id);

/// Whether a transition is not recorded yet, or a Dispatch not marked as created: otherwise nothing
/// is decided upon missions.
bool AsksForMissions(const api::ModuleJob& job);

/// Records which missions each transition fires, once, and creates a Dispatch for every entry that
/// is not marked as created.
Decision PlanMatching(const api::ModuleJob& job, const World& seen, WallTime now);

/// What a new status has to tell: each transition that missions listen to, when it is recorded.
std::vector<Occurrence> OccurrencesOf(const api::ModuleJobStatus& before,
                                      const api::ModuleJobStatus& after);

}  // namespace midwatch::matching
