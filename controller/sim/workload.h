#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/sim/model.h"
#include "controller/sim/requests.h"
#include "controller/sim/scheduler.h"

namespace midwatch::sim {

/// Something that people, pipelines or machines do.
enum class WorkKind : std::uint8_t {
  kJob,         ///< A pipeline reports a job from start to end.
  kMission,     ///< A mission appears, changes, is disabled or goes away (f07, f22).
  kAssignment,  ///< A grant appears or is withdrawn.
  kAgent,       ///< An Agent is suspended, resumed, or changed.
  kStack,       ///< A namespace joins another Stack.
  kCancel,      ///< Somebody cancels a Dispatch.
  kDelete,      ///< Somebody deletes a job, a Dispatch or a Run (f24).
  kHost,        ///< An agent process is drained or started.
  kNamespace,   ///< A namespace is deleted with all that stands in it, and made again (f25).
  kCommit,      ///< Somebody pushes to a repository (f26).
  kByHand,      ///< Somebody meddles with what comes from git.
};

struct WorkItem {
  SimTime at = 0;
  WorkKind kind = WorkKind::kJob;
  std::uint64_t seed = 0;  ///< Everything else about it.
};

/// The reference density of the design: 20 Modules, 4 Agents with 2 instances, 200 jobs an hour.
struct Density {
  int modules = 20;
  int namespaces = 4;
  int agents = 4;
  int instances = 2;
  int jobs_per_hour = 200;
  int changes_per_hour = 16;
  int commits_per_hour = 12;
};

/// What happens in [from, to), in order. Jobs that begin near the end are short.
std::vector<WorkItem> DrawWork(const Density& density, SimTime from, SimTime to,
                               fakes::SeededRandom random);

/// Carries work items out.
class Workload {
 public:
  struct World {
    Scheduler& scheduler;
    Requests& requests;
    const Model& model;
    std::string log_digest;  ///< What the jobs say is their log.
  };

  Workload(World world, Density density);

  /// Namespaces, Stacks, Modules, Agents, grants, missions.
  void CreateTopology(fakes::SeededRandom random);
  /// All kinds but those that a host or a repository is concerned with.
  void Do(const WorkItem& item);
  /// Deletes the jobs all of whose Dispatches have ended.
  void CleanUp();
  static std::string AgentName(int agent) { return "agent-" + std::to_string(agent); }
  static constexpr std::string_view kAgentNamespace = "agents";

 private:
  void DoJob(std::uint64_t seed);
  void DoMission(fakes::SeededRandom random);
  void DoAssignment(fakes::SeededRandom random);
  void DoAgent(fakes::SeededRandom random);
  void DoCancel(fakes::SeededRandom random);
  void DoDelete(fakes::SeededRandom random);
  void DoNamespace(fakes::SeededRandom random);
  void CreateNamespace(int space);
  void CreateModules(int space);
  Json MissionBody(int slot, fakes::SeededRandom& random) const;
  Json AssignmentBody(int slot, fakes::SeededRandom& random) const;
  std::string NamespaceOf(int module) const;

  World world_;
  Requests& requests_;
  Density density_;
};

}  // namespace midwatch::sim
