#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/sim/hosts.h"
#include "controller/sim/network.h"
#include "controller/sim/scheduler.h"

namespace midwatch::sim {

/// What a virtual agent is told about itself and about how its sidecars behave.
struct AgentSetup {
  std::string namespace_name;
  std::string agent;
  std::string host;
  std::vector<std::string> sidecars = {"scripted"};
  std::int64_t capacity = 2;
  Duration shortest_work = std::chrono::seconds(5);
  Duration longest_work = std::chrono::minutes(3);
  std::uint64_t fails = 50;  ///< Per mille of sidecars that crash.
  std::uint64_t hangs = 5;   ///< Per mille that never end by themselves.
};

/// Bugs that are planted into agents to see whether the checkers notice.
struct AgentPlants {
  bool ignores_stop = false;  ///< Goes on although stopRequested.
  bool no_watchdog = false;   ///< Sidecars survive the Lease.
  bool starts_unacknowledged = false;
};

/// The protocol between controller and agent as design.md 4.4 states it, played by one host:
/// registration, Lease, acknowledging, sidecars, both clocks of silence with the watchdog. It
/// stands where an agent process runs; its process may crash or freeze while the host's watchdog
/// goes on.
class VirtualAgent {
 public:
  struct World {
    Scheduler& scheduler;
    Endpoint& endpoint;
    SidecarTruth& truth;
    SimKubeClient::Acknowledged acknowledged;
    AgentPlants plants;
  };

  VirtualAgent(World world, AgentSetup setup, fakes::SeededRandom random);
  ~VirtualAgent();

  /// Starts the process: a new instance. It must be down.
  void Boot();
  /// kill -9: the watchdog kills the sidecars.
  void Crash();
  /// SIGTERM: takes nothing new, ends when its work has ended.
  void Drain();
  void Freeze(bool frozen);
  bool up() const { return process_ != nullptr; }
  /// It has drained, or has lost its Lease, and wants to end.
  bool finished() const;

  LinkWeather& weather() { return weather_; }
  SimClock& clock() { return clock_; }
  const AgentSetup& setup() const { return setup_; }

 private:
  class Process;

  World world_;
  AgentSetup setup_;
  fakes::SeededRandom random_;
  SimClock clock_;
  LinkWeather weather_;
  std::uint64_t boots_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace midwatch::sim
