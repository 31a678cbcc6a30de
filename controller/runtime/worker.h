#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/env/actor.h"
#include "controller/env/kube_client.h"
#include "controller/env/log.h"
#include "controller/env/metrics.h"
#include "controller/env/random.h"
#include "controller/runtime/indexed_view.h"
#include "controller/runtime/informer.h"
#include "controller/runtime/leadership.h"
#include "controller/runtime/operation.h"
#include "controller/runtime/reconciler.h"
#include "controller/runtime/work_queue.h"

namespace midwatch {

struct WorkerOptions {
  BackoffLimits backoff;
  /// Looks at everything this often; what it finds to do is a bug (`midwatch_sweep_found_total`).
  /// Zero: never.
  Duration sweep_interval = std::chrono::minutes(10);
  /// Plans that may be carried out at the same time; each is another key.
  std::size_t max_active_plans = 256;
  /// By resource (`runs.midwatch.dev`); a resource that is not named is followed whole.
  std::map<std::string, InformerScope> scopes;
  /// Resources that reconcilers read without being woken by them.
  std::vector<ResourceType> also_follow;
  std::map<std::string, OperationRunner*> operations;  ///< By Start::operation. Not owned.
  const Leadership* leadership = nullptr;              ///< Not owned; null: always leading.
};

/// The shell around a set of Controllers: owns their informers, view and queues, plans one key per
/// Step, and carries the plans out.
///
/// Flow of a Step, the first that there is to do: take in one answer; start one effect; take in one
/// watch event; plan one key. Nothing is planned before all informers have synced.
///
/// Guarantees
/// - A key is not planned again while its plan is carried out. Effects start in order, each after
///   the one before has succeeded; those of an `independent` plan up to kWindow at a time.
/// - The first failure ends the plan and requeues the key as its RetryClass says: kNever when an
///   input changes, kBackoff later, kReadFirst after the object was read into the view
///   (kOutcomeUnknown: however long that takes, and nothing is planned for the key before).
/// - With `keep_going` a failed write ends nothing; the failures are in the view for the next plan
///   of the key, which follows after back-off.
/// - An answer is in the view before anything else is planned.
/// - Of a write that was assumed (View::InFlight) and then not made, the triggers are told as of a
///   change from what was assumed to what is there.
/// - A key whose plans write again and again is held back (pace.h).
/// - A plan made in a term of leadership that is over is dropped.
/// - When civil time jumps against the monotone clock (by more than kClockJump between two steps),
///   every key that waits for a time is looked at again: its wake time may have been counted from
///   civil time.
///
/// One thread at a time; completions may come on any thread.
class Worker final : public Actor {
 public:
  struct Ports {
    KubeClient& client;
    Waker& waker;
    Random& random;
    Metrics& metrics;
    Log& log;
  };

  Worker(Ports ports, std::vector<Controller> controllers, WorkerOptions options = {});
  ~Worker() override;

  bool Step(Now now) override;
  std::optional<MonoTime> NextWake() const override;

  bool synced() const;
  /// No key is ready, no plan is being carried out: only time or the world can change something.
  bool idle(MonoTime now) const;
  const View& view() const;

  /// Effects of an independent plan that are in flight together.
  static constexpr std::size_t kWindow = 64;
  static constexpr Duration kClockJump = std::chrono::seconds(2);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace midwatch
