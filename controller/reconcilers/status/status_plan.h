#pragma once

#include <string>
#include <vector>

#include "controller/api/agent.h"
#include "controller/api/agent_assignment.h"
#include "controller/api/agent_instance.h"
#include "controller/api/missions.h"
#include "controller/base/time.h"

namespace midwatch::status {

/// An Agent is Ready as soon as it was looked at; whether anybody is there is the condition
/// Connected.
api::AgentStatus PlanAgent(const api::Agent& agent,
                           const std::vector<api::AgentInstance>& instances, WallTime now);

/// An assignment is Ready if its Agent and its scope exist. `missing_scope`: `Stack "shop"`; empty
/// if it is there.
api::AgentAssignmentStatus PlanAssignment(const api::AgentAssignment& assignment, bool agent_exists,
                                          const std::string& missing_scope, WallTime now);

/// What a mission's status rests on.
struct MissionFacts {
  std::int64_t generation = 0;
  bool agent_exists = false;
  std::string missing_scope = {};  ///< As of PlanAssignment.
};

/// A mission is Ready if its Agent and its scope exist.
api::MissionStatus PlanMission(const api::MissionSpec& spec, const api::MissionStatus& old,
                               const MissionFacts& facts, WallTime now);

}  // namespace midwatch::status
