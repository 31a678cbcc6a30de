#pragma once

#include <memory>
#include <string>

#include "controller/agent/agent_process.h"
#include "controller/sim/network.h"
#include "controller/sim/virtual_host.h"
#include "controller/sim/virtual_store.h"

namespace midwatch::sim {

/// Who works on a host, and with how many slots.
struct AgentSetup {
  std::string namespace_name;
  std::string agent;
  std::string host;
  std::int64_t capacity = 2;
  SidecarHabits habits;
};

/// A machine with `midwatch agent` on it: the real agent process over a virtual host. The process
/// crashes, freezes and drains; the host's watchdog goes on.
class AgentHost {
 public:
  struct World {
    Scheduler& scheduler;
    Endpoint& endpoint;
    VirtualStore& store;
    SidecarTruth& truth;
    Log& log;
    std::function<const api::Run*(const std::string& uid)> find_run;
    SimKubeClient::Acknowledged acknowledged;
  };

  AgentHost(World world, AgentSetup setup, fakes::SeededRandom random);
  ~AgentHost();

  /// Starts the process; it must be down.
  void Boot();
  /// kill -9.
  void Crash();
  /// f03: kill -9 right after a sidecar's next result was taken in; `down` later it starts again.
  void CrashAfterResult(Duration down) { crash_after_result_ = down; }
  /// SIGTERM.
  void Drain();
  void Freeze(bool frozen);
  bool up() const { return life_ != nullptr; }
  /// The process has drained and wants to end.
  bool finished() const;

  LinkWeather& weather() { return weather_; }
  SimClock& clock() { return clock_; }
  const AgentSetup& setup() const { return setup_; }

 private:
  struct Life;

  void OnResultTaken();

  World world_;
  AgentSetup setup_;
  fakes::SeededRandom random_;
  SimClock clock_;
  LinkWeather weather_;
  NoMetrics metrics_;
  std::uint64_t boots_ = 0;
  std::optional<Duration> crash_after_result_;
  VirtualHost host_;
  std::unique_ptr<Life> life_;
};

}  // namespace midwatch::sim
