#include "controller/reconcilers/status/status_plan.h"

#include "controller/base/text.h"
#include "controller/reconcilers/scope/conditions.h"

namespace midwatch::status {
namespace {

/// Ready, unless the Agent or the scope that an object names is missing.
Aspect Ready(const std::string& agent, bool agent_exists, const std::string& missing_scope) {
  if (!agent_exists) {
    return {"Ready", false, "AgentNotFound", "there is no Agent " + Quote(agent)};
  }
  if (!missing_scope.empty()) {
    return {"Ready", false, "ScopeNotFound", "there is no " + missing_scope};
  }
  return {"Ready", true, "InOrder"};
}

}  // namespace

api::AgentStatus PlanAgent(const api::Agent& agent,
                           const std::vector<api::AgentInstance>& instances, WallTime now) {
  api::AgentStatus out = agent.status;
  out.observed_generation = agent.metadata.generation;
  out.active = !agent.spec.suspend;
  std::int64_t connected = 0;
  std::int64_t capacity = 0;
  std::int64_t live_runs = 0;
  for (const api::AgentInstance& instance : instances) {
    live_runs += instance.status.live_runs.value_or(0);
    if (instance.status.connected) {
      ++connected;
      capacity += instance.spec.capacity;
    }
  }
  out.connected_instances = connected;
  out.capacity = capacity;
  out.live_runs = live_runs;
  SetCondition(out.conditions, {"Ready", true, "InOrder"}, now);
  SetCondition(out.conditions,
               {"Connected", connected > 0, connected > 0 ? "InstanceConnected" : "NoInstance"},
               now);
  return out;
}

api::AgentAssignmentStatus PlanAssignment(const api::AgentAssignment& assignment, bool agent_exists,
                                          const std::string& missing_scope, WallTime now) {
  api::AgentAssignmentStatus out = assignment.status;
  out.observed_generation = assignment.metadata.generation;
  SetCondition(out.conditions, Ready(assignment.spec.agent_ref.name, agent_exists, missing_scope),
               now);
  return out;
}

api::MissionStatus PlanMission(const api::MissionSpec& spec, const api::MissionStatus& old,
                               const MissionFacts& facts, WallTime now) {
  api::MissionStatus out = old;
  out.observed_generation = facts.generation;
  out.active = !spec.is_disabled;
  const std::string agent = spec.agent_ref.namespace_name + "/" + spec.agent_ref.name;
  SetCondition(out.conditions, Ready(agent, facts.agent_exists, facts.missing_scope), now);
  return out;
}

}  // namespace midwatch::status
