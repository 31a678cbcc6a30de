#pragma once

#include <string>
#include <string_view>

#include "controller/api/dispatch.h"
#include "controller/runtime/reconciler.h"

namespace midwatch::dispatch {

/// The one index over Dispatches: every way in which a change elsewhere reaches the Dispatches that
/// it can affect. Values are made by the functions of namespace `value`.
inline constexpr std::string_view kIndex = "dispatches";
/// Over Runs: by the UID of their Dispatch.
inline constexpr std::string_view kRunsByDispatch = "runs-by-dispatch";
/// Over AgentInstances and AgentAssignments: by `namespace/agent`.
inline constexpr std::string_view kInstancesByAgent = "instances-by-agent";
inline constexpr std::string_view kAssignmentsByAgent = "assignments-by-agent";
/// Over ModuleJobs: by Module, in it the newest first (`value::JobsOf` begins the values).
inline constexpr std::string_view kJobsByModule = "jobs-by-module";

namespace value {

// Not terminal.
std::string OfMission(const ObjectKey& mission);
std::string OfJob(std::string_view namespace_name, std::string_view job);
// Pending or Parked. An agent is `namespace/name`.
std::string WaitingFor(std::string_view agent);
std::string WaitingFor(std::string_view agent, std::string_view namespace_name,
                       std::string_view module);
std::string WaitingForIn(std::string_view agent, std::string_view namespace_name);
std::string WaitingWith(std::string_view agent, std::string_view reason);
std::string WaitingIn(std::string_view namespace_name);
std::string WaitingForLock(std::string_view namespace_name, std::string_view lock);
/// Begins the values of those that wait for a slot; what follows ranks them: priority, age, name.
std::string WaitingForSlot(std::string_view agent, std::string_view sidecar);
// Assigned or Running.
std::string On(std::string_view agent_namespace, std::string_view instance);

// A ModuleJob.
std::string JobsOf(std::string_view namespace_name, std::string_view module);

}  // namespace value

std::vector<IndexDefinition> IndexDefinitions();

/// Where a Dispatch stands among those that wait for the same slots: smaller goes first.
std::string Rank(const api::Dispatch& dispatch);

/// `namespace/name` of the Agent that shall do, or does, the work.
std::string AgentOf(const api::Dispatch& dispatch);

}  // namespace midwatch::dispatch
