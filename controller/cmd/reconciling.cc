#include "controller/cmd/reconciling.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/api/embedded_document.h"
#include "controller/cmd/driven.h"
#include "controller/cmd/parallel.h"
#include "controller/git/worker_git_client.h"
#include "controller/manifest/manifest_schemas.h"
#include "controller/posix/process_runner.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/gitsource/git_fetch_operation.h"
#include "controller/reconcilers/gitsource/gitsource_reconciler.h"
#include "controller/reconcilers/gitsource/sync_news.h"
#include "controller/reconcilers/instance/instance_reconciler.h"
#include "controller/reconcilers/matching/matching_reconciler.h"
#include "controller/reconcilers/status/status_reconciler.h"
#include "controller/runtime/queued_kube_client.h"
#include "controller/runtime/worker.h"

namespace midwatch::cmd {
namespace {

void Append(std::vector<ResourceType>& all, std::vector<ResourceType> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

struct Reconciling::Parts {
  explicit Parts(const World& outside) : world(outside), sync_news(outside.log) {}

  Result<void> Start(const Settings& settings) {
    StartDispatching();
    return StartGit(settings);
  }

  void StartDispatching() {
    std::vector<Controller> controllers = {matching::MakeController(matching_reconciler),
                                           dispatch::MakeController(dispatch_reconciler),
                                           instance::MakeController(instance_reconciler)};
    for (Controller& controller : status::MakeControllers(status_reconciler)) {
      controllers.push_back(std::move(controller));
    }
    WorkerOptions options;
    Append(options.also_follow, matching::Resources());
    Append(options.also_follow, dispatch::Resources());
    Append(options.also_follow, instance::Resources());
    Append(options.also_follow, status::Resources());
    StartWorker(dispatching, dispatch_writes, std::move(controllers), std::move(options));
  }

  Result<void> StartGit(const Settings& settings) {
    MIDWATCH_ASSIGN(auto found, manifest::ManifestSchemas::FromCrds(api::EmbeddedDefinitions()));
    schemas.emplace(std::move(found));
    git.emplace(processes, git::WorkerOptions{.cache_directory = settings.git_directory,
                                              .allow_file = settings.allow_file_urls});
    auto& operation = fetching.Make(gitsource::GitFetchOperation::Ports{.git = *git,
                                                                        .client = world.client,
                                                                        .clock = world.clock,
                                                                        .waker = fetching.signal(),
                                                                        .metrics = world.metrics,
                                                                        .cache = snapshots,
                                                                        .schemas = *schemas,
                                                                        .for_each = InParallel});
    fetching.Run(world.clock);
    git_reconciler.emplace(gitsource::GitSourceReconciler::Options{
        .installation_namespace = settings.installation_namespace,
        .schemas = &*schemas,
        .cache = &snapshots});
    WorkerOptions options;
    options.also_follow = git_reconciler->Resources();
    options.operations.emplace(gitsource::kGitFetch, &operation);
    options.operations.emplace(gitsource::kSyncNews, &sync_news);
    StartWorker(syncing, git_writes, {gitsource::MakeController(*git_reconciler)},
                std::move(options));
    return {};
  }

  /// One assignment may let thousands of Dispatches go on, one commit may bring thousands of
  /// objects: they are validated beside the planning.
  void StartWorker(Driven<Worker>& worker, Driven<QueuedKubeClient>& writes,
                   std::vector<Controller> controllers, WorkerOptions options) {
    auto& client = writes.Make(world.client, writes.signal());
    writes.Run(world.clock);
    randoms.push_back(world.random.Fork("worker-" + std::to_string(randoms.size())));
    worker.Make(Worker::Ports{client, worker.signal(), *randoms.back(), world.metrics, world.log},
                std::move(controllers), std::move(options));
    worker.Run(world.clock);
  }

  const World world;
  std::vector<std::unique_ptr<Random>> randoms;
  matching::MatchingReconciler matching_reconciler;
  dispatch::DispatchReconciler dispatch_reconciler;
  instance::InstanceReconciler instance_reconciler;
  status::StatusReconciler status_reconciler;
  std::optional<manifest::ManifestSchemas> schemas;
  gitsource::SnapshotCache snapshots;
  posix::PosixProcessRunner processes;
  std::optional<git::WorkerGitClient> git;
  std::optional<gitsource::GitSourceReconciler> git_reconciler;
  gitsource::SyncNewsLog sync_news;
  Driven<gitsource::GitFetchOperation> fetching{"git-fetch"};
  Driven<QueuedKubeClient> dispatch_writes{"dispatch-writes"};
  Driven<QueuedKubeClient> git_writes{"git-writes"};
  Driven<Worker> dispatching{"dispatching"};
  Driven<Worker> syncing{"git-sync"};
};

Reconciling::Reconciling(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Reconciling::~Reconciling() = default;

Result<std::unique_ptr<Reconciling>> Reconciling::Start(const World& world,
                                                        const Settings& settings) {
  auto parts = std::make_unique<Parts>(world);
  MIDWATCH_TRY(parts->Start(settings));
  return std::unique_ptr<Reconciling>(new Reconciling(std::move(parts)));
}

}  // namespace midwatch::cmd
