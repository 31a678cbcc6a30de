#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/apiserver/api.h"
#include "controller/apiserver/storage.h"
#include "controller/env/metrics.h"
#include "controller/manifest/manifest_schemas.h"
#include "controller/runtime/worker.h"
#include "controller/sim/network.h"
#include "controller/sim/scheduler.h"
#include "controller/sim/virtual_disk.h"
#include "controller/sim/virtual_git.h"

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
  const manifest::ManifestSchemas& schemas;
  const GitHosting& git;
  Tuning tuning;
  std::string plant;
  SimKubeClient::Acknowledged acknowledged;
  std::function<void()> on_fatal;  ///< The server must crash and recover; called in a step of it.
};

/// Whether the reconcilers may act. It can be taken away in the middle of a plan, and given back as
/// another term (f14).
class SimLeadership final : public Leadership {
 public:
  std::optional<std::uint64_t> Term(MonoTime) const override {
    return leads_ ? std::optional(term_) : std::nullopt;
  }
  void Lose() { leads_ = false; }
  void Win() {
    term_ += leads_ ? 0 : 1;
    leads_ = true;
  }

 private:
  bool leads_ = true;
  std::uint64_t term_ = 1;
};

/// A process with the reconcilers, each group with a Worker of its own as in production: part of
/// the server, or a process of its own (f15).
class ControllerProcess {
 public:
  struct World {
    const Installation& installation;
    const SimClock& clock;
    const LinkWeather& weather;
    const Leadership& leadership;
  };

  ControllerProcess(const World& world, std::string name, fakes::SeededRandom random);
  ~ControllerProcess();

  bool Idle(MonoTime now) const;
  void Freeze(bool frozen);
  /// After the leadership has changed.
  void Wake();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
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
  void Lead(bool leads);
  DiskWeather& disk_weather() { return disk_weather_; }
  const Installation& installation() const { return installation_; }

 private:
  struct Life;

  Installation installation_;
  fakes::SeededRandom random_;
  SimClock clock_;
  LinkWeather weather_;  ///< Between reconcilers and API.
  DiskWeather disk_weather_;
  SimLeadership leadership_;
  std::uint64_t boots_ = 0;
  std::unique_ptr<Life> life_;
};

}  // namespace midwatch::sim
