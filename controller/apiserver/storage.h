#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/apiserver/requests.h"
#include "controller/env/actor.h"
#include "controller/env/clock.h"
#include "controller/env/journal.h"
#include "controller/env/log.h"
#include "controller/env/metrics.h"
#include "controller/env/random.h"

namespace midwatch::apiserver {

struct StorageOptions {
  // The change log that watches and pages read from: whichever bound is met first.
  std::size_t log_max_changes = 50'000;
  std::size_t log_max_bytes = std::size_t{32}
                              << 20;  ///< Of versions that are no longer the newest.
  Duration log_max_age = std::chrono::minutes(15);

  std::size_t max_object_bytes = std::size_t{1} << 20;  ///< As stored; kTooLarge beyond it.
  std::size_t max_queued_writes = 10'000;               ///< kTooManyRequests beyond it.
  std::size_t max_watches = 10'000;                     ///< kTooManyRequests beyond it.
  Duration event_ttl = std::chrono::hours(1);
  Duration bookmark_interval = std::chrono::minutes(1);

  /// Created if they are missing, and never deleted.
  std::vector<std::string> namespaces = {"default", "kube-system", "kube-public",
                                         "midwatch-system"};
  /// Called once, on the storage's thread, when a commit's outcome is unknown: the process must end
  /// and recover. What was in flight is answered kOutcomeUnknown, later writes kUnavailable.
  std::function<void(const Error&)> on_fatal;
};

/// What Storage needs from outside. All outlive it.
struct StorageWorld {
  const ResourceRegistry& registry;
  Journal& journal;
  const Clock& clock;
  Random& random;  ///< Used by the storage alone.
  Log& log;
  Metrics& metrics;
  Waker& waker;  ///< Of the thread that steps it.
};

/// The objects of the API, their versions and their changes. One resourceVersion sequence over all.
///
/// Flow: a write is prepared on the caller's thread against the durable head, queued, checked by
/// compare-and-swap against the *proposed* head (and prepared again if that has moved on), and
/// given to the journal; when it is durable it becomes visible, is answered, and goes to the
/// watches. Reads and watches see only what is durable. A batch that fails fails everything
/// proposed after it.
///
/// Also here, because they must hold whoever writes: finalizers and deletion, owner references with
/// garbage collection, the life of namespaces, Events that expire. They run in steps of this actor,
/// as writes of its own.
///
/// Step and NextWake: one thread. Everything else: any thread.
class Storage final : public Actor {
 public:
  Storage(const StorageWorld& world, StorageOptions options);
  ~Storage() override;

  /// Loads the journal; to be called once, before anything else. Parses nothing.
  Result<void> Open();

  bool Step(Now now) override;
  std::optional<MonoTime> NextWake() const override;

  /// Without authorisation: that is Api's, and `admit` may be empty.
  void Write(WriteCall call, Admission admit, WriteDone done);

  /// The newest durable version, or nullptr.
  VersionPtr Find(const ResourceInfo& resource, std::string_view namespace_name,
                  std::string_view name) const;
  Result<ListAnswer> List(const ListCall& call, const Selection& selection) const;
  Result<std::unique_ptr<WatchHandle>> Watch(const WatchCall& call, Selection selection,
                                             std::shared_ptr<WatchSink> sink);

  /// The newest durable revision.
  std::int64_t Revision() const;
  /// Nothing is queued, in flight or left to clean up: for tests and a graceful stop.
  bool Idle() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace midwatch::apiserver
