#include "controller/sim/server.h"

#include <utility>

#include "controller/base/check.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/gitsource/git_fetch_operation.h"
#include "controller/reconcilers/gitsource/gitsource_reconciler.h"
#include "controller/reconcilers/gitsource/sync_news.h"
#include "controller/reconcilers/instance/instance_reconciler.h"
#include "controller/reconcilers/matching/matching_reconciler.h"
#include "controller/reconcilers/status/status_reconciler.h"
#include "controller/sim/plants.h"

namespace midwatch::sim {

namespace {

void Append(std::vector<ResourceType>& all, const std::vector<ResourceType>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

/// Members in the order in which they need each other: a crash destroys the last first.
struct ControllerProcess::Parts {
  Parts(const World& from, const std::string& name, fakes::SeededRandom stream)
      : world(from),
        random(stream),
        git_random(stream.Stream("git sync")),
        client({world.installation.scheduler, world.installation.endpoint, world.weather,
                world.installation.acknowledged},
               apiserver::Identity::Controller(), stream.Stream("network")),
        git(world.installation.scheduler, world.installation.git, stream.Stream("git")),
        git_reconciler({.installation_namespace = "midwatch-system",
                        .schemas = &world.installation.schemas,
                        .cache = &snapshots}),
        fetch_seat(world.installation.scheduler, name + " git-fetch", world.clock),
        fetching({.git = git,
                  .client = client,
                  .clock = world.clock,
                  .waker = fetch_seat,
                  .metrics = world.installation.metrics,
                  .cache = snapshots,
                  .schemas = world.installation.schemas}),
        sync_news(world.installation.log),
        dispatch_seat(world.installation.scheduler, name, world.clock),
        sync_seat(world.installation.scheduler, name + " git-sync", world.clock) {
    WorkerOptions dispatch_options = Options();
    for (const auto& some : {matching::Resources(), dispatch::Resources(), instance::Resources(),
                             status::Resources()}) {
      Append(dispatch_options.also_follow, some);
    }
    dispatching = MakeWorker(dispatch_seat, random, Dispatching(), std::move(dispatch_options));
    WorkerOptions sync_options = Options();
    sync_options.also_follow = git_reconciler.Resources();
    sync_options.operations.emplace(gitsource::kGitFetch, &fetching);
    sync_options.operations.emplace(gitsource::kSyncNews, &sync_news);
    syncing = MakeWorker(sync_seat, git_random, {gitsource::MakeController(git_reconciler)},
                         std::move(sync_options));
    fetch_seat.Put(fetching);
    dispatch_seat.Put(*dispatching);
    sync_seat.Put(*syncing);
  }

  std::vector<Controller> Dispatching() const {
    std::vector<Controller> all = status::MakeControllers(status_reconciler);
    all.push_back(matching::MakeController(matching_reconciler));
    all.push_back(dispatch::MakeController(dispatch_reconciler));
    all.push_back(instance::MakeController(instance_reconciler));
    return all;
  }

  WorkerOptions Options() const {
    WorkerOptions options;
    options.max_active_plans = world.installation.tuning.max_active_plans;
    options.sweep_interval = world.installation.tuning.sweep_interval;
    options.leadership = &world.leadership;
    return options;
  }

  std::unique_ptr<Worker> MakeWorker(Waker& waker, Random& from, std::vector<Controller> all,
                                     WorkerOptions options) {
    return std::make_unique<Worker>(
        Worker::Ports{client, waker, from, world.installation.metrics, world.installation.log},
        PlantInto(std::move(all), world.installation.plant, spoilt), std::move(options));
  }

  const World world;
  matching::MatchingReconciler matching_reconciler;
  dispatch::DispatchReconciler dispatch_reconciler;
  instance::InstanceReconciler instance_reconciler;
  status::StatusReconciler status_reconciler;
  std::vector<std::unique_ptr<Reconciler>> spoilt;
  fakes::SeededRandom random;
  fakes::SeededRandom git_random;
  SimKubeClient client;
  VirtualGit git;
  gitsource::SnapshotCache snapshots;
  gitsource::GitSourceReconciler git_reconciler;
  Scheduler::Seat fetch_seat;
  gitsource::GitFetchOperation fetching;
  gitsource::SyncNewsLog sync_news;
  Scheduler::Seat dispatch_seat;
  Scheduler::Seat sync_seat;
  std::unique_ptr<Worker> dispatching;
  std::unique_ptr<Worker> syncing;
};

ControllerProcess::ControllerProcess(const World& world, std::string name,
                                     fakes::SeededRandom random)
    : parts_(std::make_unique<Parts>(world, name, random)) {}

ControllerProcess::~ControllerProcess() = default;

bool ControllerProcess::Idle(MonoTime now) const {
  return parts_->dispatching->idle(now) && parts_->syncing->idle(now);
}

void ControllerProcess::Freeze(bool frozen) {
  parts_->dispatch_seat.Freeze(frozen);
  parts_->sync_seat.Freeze(frozen);
}

void ControllerProcess::Wake() {
  parts_->dispatch_seat.Wake();
  parts_->sync_seat.Wake();
}

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
  life_->controller = std::make_unique<ControllerProcess>(
      ControllerProcess::World{installation_, clock_, weather_, leadership_}, "controller",
      stream.Stream("controller"));
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

void Server::Lead(bool leads) {
  if (leads) {
    leadership_.Win();
  } else {
    leadership_.Lose();
  }
  if (life_ != nullptr) {
    life_->controller->Wake();
  }
}

void Server::FreezeController(bool frozen) {
  if (life_ != nullptr) {
    life_->controller->Freeze(frozen);
  }
}

}  // namespace midwatch::sim
