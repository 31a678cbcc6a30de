#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/sim/agent_host.h"
#include "controller/sim/checkers.h"
#include "controller/sim/faults.h"
#include "controller/sim/git_work.h"
#include "controller/sim/hosts.h"
#include "controller/sim/server.h"
#include "controller/sim/simulation.h"
#include "controller/sim/workload.h"

namespace midwatch::sim {

/// What an API server and git sync make of the definitions: costly, and the same for every world.
struct Kinds {
  apiserver::ResourceRegistry registry;
  manifest::ManifestSchemas schemas;
};

/// Everything that exists in one run, and how faults act upon it.
class World {
 public:
  World(const Scenario& scenario, const Kinds& kinds);
  ~World();

  /// The server, the topology, the agents.
  void Begin();
  void Do(const WorkItem& item);
  void Do(const Fault& fault);
  /// Ends every fault and brings everything up.
  void Heal();
  /// Lets the world run until `end`, or until a checker fails.
  bool RunUntil(SimTime end);

  bool Idle() const { return server_->Idle() && requests_.open() == 0; }
  /// Restarts the server: whatever it does then is a second look at the same world.
  void Restart();
  /// Changes of anything but heartbeats so far.
  std::uint64_t changes() const { return changes_; }
  /// Dispatches that waited as long as they may, so far.
  std::uint64_t expired() const { return expired_; }

  Trace trace;
  Scheduler scheduler;
  Checkers checkers;
  SidecarTruth truth;
  std::size_t runs = 0;
  std::string last_change;

  Workload& workload() { return *workload_; }
  const VirtualDisk& disk() const { return disk_; }

 private:
  class TraceLog;

  Installation MakeInstallation(const Kinds& kinds);
  void OnRow(const JournalRow& row);
  const api::Run* FindRun(const std::string& uid) const;
  void CrashServer(Duration down);
  void During(Duration lasts, std::function<void()> end);
  void DeleteHeartbeatOf(const AgentHost& agent);
  void DoAgentFault(const Fault& fault, fakes::SeededRandom random);
  void DoServerFault(const Fault& fault, fakes::SeededRandom random);
  void DoWeather(const Fault& fault);
  void DoGitFault(const Fault& fault);
  void Poison(fakes::SeededRandom random);
  void RestartLoop(int times, fakes::SeededRandom random);
  void TendAgents();
  void Tick();
  void Say(std::string_view text) { trace.Line(scheduler.now(), text); }

  const Scenario& scenario_;
  fakes::SeededRandom random_;
  NoMetrics metrics_;
  std::unique_ptr<TraceLog> log_;
  VirtualDisk disk_;
  VirtualStore store_;
  Endpoint endpoint_;
  LinkWeather fair_;
  SimKubeClient user_;
  Requests requests_;
  GitHosting git_;
  GitWork git_work_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Workload> workload_;
  std::vector<std::unique_ptr<AgentHost>> agents_;
  LinkWeather second_weather_;
  SimLeadership second_leadership_;
  std::unique_ptr<ControllerProcess> second_;  // f15
  std::uint64_t changes_ = 0;
  std::uint64_t expired_ = 0;
  std::uint64_t healed_ = 0;  // Faults that began before the last Heal do not end again.
  enum class Armed : std::uint8_t { kNo, kAnyRow, kChild };
  Armed armed_ = Armed::kNo;
  Duration armed_delay_{};
};

}  // namespace midwatch::sim
