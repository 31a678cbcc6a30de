#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/env/actor.h"
#include "controller/env/clock.h"
#include "controller/env/git_client.h"
#include "controller/env/inbox.h"
#include "controller/env/kube_client.h"
#include "controller/env/metrics.h"
#include "controller/manifest/repository.h"
#include "controller/reconcilers/gitsource/fetch_spec.h"
#include "controller/reconcilers/gitsource/snapshot_cache.h"
#include "controller/runtime/operation.h"

namespace midwatch::gitsource {

/// The operation `git-fetch`: reads the Secret with the login, fetches, checks what is new, and
/// leaves a FetchOutcome in the cache. A failed fetch is an outcome too, so `done` never fails:
/// when to try again is the planner's decision.
///
/// Start may be called by any thread; Step by one, which does the checking (some 30 µs a file).
class GitFetchOperation final : public OperationRunner, public Actor {
 public:
  struct Ports {
    GitClient& git;
    KubeClient& client;
    const Clock& clock;
    Waker& waker;
    Metrics& metrics;
    SnapshotCache& cache;
    const manifest::ManifestSchemas& schemas;
    manifest::ForEach for_each = manifest::InOrder;  ///< How files are checked.
  };

  explicit GitFetchOperation(Ports ports);
  ~GitFetchOperation() override;

  void Start(std::string name, Json spec, std::function<void(Result<void>)> done) override;
  bool Step(Now now) override;
  std::optional<MonoTime> NextWake() const override { return std::nullopt; }

 private:
  using Done = std::function<void(Result<void>)>;
  struct Asked {
    std::string name;
    FetchSpec spec;
    Done done;
  };
  struct SecretRead {
    std::string name;
    Result<Object> secret;
  };
  struct Fetched {
    std::string name;
    Result<GitSnapshot> result;
  };
  using Item = std::variant<Asked, SecretRead, Fetched>;

  struct Running {
    FetchSpec spec;
    std::vector<Done> done;
    GitRemote remote;
    MonoTime started;
    std::shared_ptr<const FetchOutcome> before;  // Of the same fingerprint, or null.
    std::optional<FetchOutcome> outcome;         // Set while the commit in force is read as well.
    bool forgotten = false;                      // The source is gone: nothing of it is kept.
  };

  void On(Asked asked, Now now);
  void Forget(const Asked& asked);
  void On(SecretRead read, Now now);
  void On(Fetched fetched, Now now);
  void Fetch(const std::string& name, const Running& running, const Snapshot* known);
  void OnNewest(const std::string& name, Running& running, Result<GitSnapshot> result);
  std::shared_ptr<const Snapshot> Load(const Running& running, const GitSnapshot& fetched,
                                       const Snapshot* before);
  void Finish(const std::string& name, FetchOutcome outcome, Now now);
  void Store(const Running& running, FetchOutcome outcome, Now now);

  Ports ports_;
  std::shared_ptr<Inbox<Item>> inbox_;
  std::map<std::string, Running> running_;
};

}  // namespace midwatch::gitsource
