#include "controller/sim/server.h"

#include <utility>

#include "controller/base/check.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/instance/instance_reconciler.h"
#include "controller/reconcilers/matching/matching_reconciler.h"
#include "controller/reconcilers/status/status_reconciler.h"
#include "controller/sim/plants.h"

namespace midwatch::sim {

struct ControllerProcess::Reconcilers {
  matching::MatchingReconciler matching;
  dispatch::DispatchReconciler dispatch;
  instance::InstanceReconciler instance;
  status::StatusReconciler status;

  std::vector<Controller> Controllers() const {
    std::vector<Controller> all = status::MakeControllers(status);
    all.push_back(matching::MakeController(matching));
    all.push_back(dispatch::MakeController(dispatch));
    all.push_back(instance::MakeController(instance));
    return all;
  }
  static std::vector<ResourceType> Resources() {
    std::vector<ResourceType> all;
    for (const auto& some : {matching::Resources(), dispatch::Resources(), instance::Resources(),
                             status::Resources()}) {
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }
};

ControllerProcess::ControllerProcess(const Installation& installation, std::string name,
                                     const SimClock& clock, const LinkWeather& weather,
                                     fakes::SeededRandom random)
    : reconcilers_(std::make_unique<Reconcilers>()),
      random_(random),
      client_({installation.scheduler, installation.endpoint, weather, installation.acknowledged},
              apiserver::Identity::Controller(), random.Stream("network")),
      seat_(installation.scheduler, std::move(name), clock) {
  WorkerOptions options;
  options.max_active_plans = installation.tuning.max_active_plans;
  options.sweep_interval = installation.tuning.sweep_interval;
  options.also_follow = Reconcilers::Resources();
  worker_ = std::make_unique<Worker>(
      Worker::Ports{client_, seat_, random_, installation.metrics, installation.log},
      PlantInto(reconcilers_->Controllers(), installation.plant, spoilt_), std::move(options));
  seat_.Put(*worker_);
}

ControllerProcess::~ControllerProcess() = default;

/// Members in the order in which they need each other: a crash destroys the last first.
struct Server::Life {
  Life(Server& server, fakes::SeededRandom stream)
      : random(stream.Stream("storage")),
        journal({server.installation_.scheduler, server.installation_.disk, server.disk_weather_,
                 server.installation_.plant == "ack-early"},
                stream.Stream("journal")),
        seat(server.installation_.scheduler, "storage", server.clock_),
        storage({server.installation_.registry, journal, server.clock_, random,
                 server.installation_.log, metrics, seat},
                OptionsOf(server)),
        api(server.installation_.registry, storage) {}

  static apiserver::StorageOptions OptionsOf(Server& server) {
    apiserver::StorageOptions options;
    options.log_max_changes = server.installation_.tuning.log_max_changes;
    options.on_fatal = [&server](const Error&) { server.installation_.on_fatal(); };
    return options;
  }

  NoMetrics metrics;
  fakes::SeededRandom random;
  VirtualJournal journal;
  Scheduler::Seat seat;
  apiserver::Storage storage;
  apiserver::Api api;
  std::unique_ptr<ControllerProcess> controller;
};

Server::Server(Installation installation, fakes::SeededRandom random)
    : installation_(std::move(installation)),
      random_(random),
      clock_(installation_.scheduler.now(), random_.Between(-45'000, 45'000),
             random_.Between(1, 1'000'000'000'000)) {}

Server::~Server() { Crash(); }

void Server::Boot() {
  MIDWATCH_CHECK(life_ == nullptr);
  const fakes::SeededRandom stream = random_.Stream("life " + std::to_string(++boots_));
  life_ = std::make_unique<Life>(*this, stream);
  const Result<void> opened = life_->storage.Open();
  MIDWATCH_CHECK(opened.has_value());
  life_->seat.Put(life_->storage);
  installation_.endpoint.Up(life_->api);
  life_->controller = std::make_unique<ControllerProcess>(installation_, "controller", clock_,
                                                          weather_, stream.Stream("controller"));
}

void Server::Crash() {
  if (life_ == nullptr) {
    return;
  }
  life_->controller.reset();
  installation_.endpoint.Down();
  life_.reset();
}

bool Server::Idle() const {
  return life_ != nullptr && life_->storage.Idle() && life_->controller->Idle(clock_.Read().mono);
}

void Server::FreezeController(bool frozen) {
  if (life_ != nullptr) {
    life_->controller->Freeze(frozen);
  }
}

}  // namespace midwatch::sim
