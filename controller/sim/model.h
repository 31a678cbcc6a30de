#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/api/agent.h"
#include "controller/api/agent_assignment.h"
#include "controller/api/agent_instance.h"
#include "controller/api/dispatch.h"
#include "controller/api/git_source.h"
#include "controller/api/lease.h"
#include "controller/api/missions.h"
#include "controller/api/module_job.h"
#include "controller/api/report.h"
#include "controller/api/run.h"
#include "controller/env/journal.h"

namespace midwatch::sim {

/// A scoped Mission, whichever kind it is.
struct ModelMission {
  api::MissionKind kind = {};
  ObjectMeta metadata;
  api::MissionSpec spec;

  /// Its annotation, else its UID.
  std::string Id() const;
};

/// What is known of an object of a kind that a repository may declare.
struct ModelDeclarable {
  ObjectMeta metadata;
  std::string says;  ///< The field that git declares and people meddle with.

  /// Identity of the GitSource that it belongs to; empty: nobody's.
  std::string Owner() const;
  std::string Mark() const;
};

/// What is durable, as structs, by `namespace/name`: what the checkers compare with. It follows the
/// journal row by row and shares no code with the reconcilers.
class Model {
 public:
  void Apply(const JournalRow& row);

  std::map<std::string, api::Agent> agents;
  std::map<std::string, api::AgentAssignment> assignments;
  std::map<std::string, api::AgentInstance> instances;
  std::map<std::string, api::Dispatch> dispatches;
  std::map<std::string, api::ModuleJob> jobs;
  std::map<std::string, api::Run> runs;
  std::map<std::string, api::Report> reports;
  std::map<std::string, api::Lease> locks;       ///< The Leases called `lock-…`.
  std::map<std::string, ModelMission> missions;  ///< By kind, `|`, namespace/name.
  std::map<std::string, api::GitSource> git_sources;
  /// Modules, assignments and missions.
  std::map<ObjectKey, ModelDeclarable> declarables;
  std::map<std::string, std::string> stacks;  ///< Namespace → the Stack it has joined.

  /// Scope and type fit, and it is neither disabled nor going away.
  bool Covers(const ModelMission& mission, const api::ModuleJob& job, api::MissionType type) const;
  /// Whether `assignment` or the Agent itself allows work in that namespace and Module.
  bool Authorised(const api::Agent& agent, const std::string& namespace_name,
                  const std::string& module) const;
  static bool Grants(const api::AgentAssignment& assignment, const std::string& stack,
                     const std::string& namespace_name, const std::string& module);

 private:
  void ApplyDeclarable(const JournalRow& row, const Json& body);
};

/// The mission type that a transition into this state fires, if any.
std::optional<api::MissionType> FiredBy(api::JobState state);
bool IsTerminal(api::DispatchPhase phase);
/// `namespace/name`
std::string PathOf(const ObjectMeta& meta);

}  // namespace midwatch::sim
