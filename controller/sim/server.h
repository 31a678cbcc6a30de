#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/apiserver/api.h"
#include "controller/apiserver/storage.h"
#include "controller/env/metrics.h"
#include "controller/runtime/worker.h"
#include "controller/sim/network.h"
#include "controller/sim/scheduler.h"
#include "controller/sim/virtual_disk.h"

namespace midwatch::sim {

/// What an installation is tuned to; the seed chooses (f35).
struct Tuning {
  std::size_t max_active_plans = 256;
  std::size_t log_max_changes = 50'000;
  Duration sweep_interval = std::chrono::minutes(10);
};

/// What its parts share that survives crashes.
struct Installation {
  Scheduler& scheduler;
  VirtualDisk& disk;
  Endpoint& endpoint;
  Metrics& metrics;
  Log& log;
  const apiserver::ResourceRegistry& registry;
  Tuning tuning;
  std::string plant;
  SimKubeClient::Acknowledged acknowledged;
  std::function<void()> on_fatal;  ///< The server must crash and recover; called in a step of it.
};

/// A process with the reconcilers: part of the server, or one of its own (f15).
class ControllerProcess {
 public:
  ControllerProcess(const Installation& installation, std::string name, const SimClock& clock,
                    const LinkWeather& weather, fakes::SeededRandom random);
  ~ControllerProcess();

  bool Idle(MonoTime now) const { return worker_->idle(now); }
  void Freeze(bool frozen) { seat_.Freeze(frozen); }

 private:
  struct Reconcilers;
  std::unique_ptr<Reconcilers> reconcilers_;
  std::vector<std::unique_ptr<Reconciler>> spoilt_;
  fakes::SeededRandom random_;
  SimKubeClient client_;
  Scheduler::Seat seat_;
  std::unique_ptr<Worker> worker_;
};

/// `midwatch serve` as a process: real storage over a virtual journal, the API, and the
/// reconcilers.
class Server {
 public:
  Server(Installation installation, fakes::SeededRandom random);
  ~Server();

  void Boot();
  /// kill -9 or the power: nothing is told to anybody.
  void Crash();
  bool up() const { return life_ != nullptr; }
  bool Idle() const;
  void FreezeController(bool frozen);

  SimClock& clock() { return clock_; }
  LinkWeather& weather() { return weather_; }
  DiskWeather& disk_weather() { return disk_weather_; }
  const Installation& installation() const { return installation_; }
  std::uint64_t boots() const { return boots_; }

 private:
  struct Life;

  Installation installation_;
  fakes::SeededRandom random_;
  SimClock clock_;
  LinkWeather weather_;  ///< Between reconcilers and API.
  DiskWeather disk_weather_;
  std::uint64_t boots_ = 0;
  std::unique_ptr<Life> life_;
};

}  // namespace midwatch::sim
