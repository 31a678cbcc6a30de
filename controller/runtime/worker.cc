#include "controller/runtime/worker.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <set>
#include <unordered_map>
#include <utility>

#include "controller/base/check.h"
#include "controller/base/error_table.h"
#include "controller/runtime/executor.h"
#include "controller/runtime/pace.h"

namespace midwatch {
namespace {

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

class Worker::Impl {
 public:
  Impl(Ports ports, std::vector<Controller> controllers, WorkerOptions options);

  bool Step(Now now);
  std::optional<MonoTime> NextWake() const;
  bool synced() const { return live_; }
  bool Idle(MonoTime now) const;
  const View& view() const { return view_; }

 private:
  struct Source {  // One followed resource.
    Index* index;
    std::unique_ptr<Informer> informer;
    std::vector<std::size_t> primary_of;  // Controllers.
    std::vector<std::pair<std::size_t, const Trigger*>> triggers;
  };
  struct Lane {  // One controller.
    Controller controller;
    std::string field_manager;
    WorkQueue queue;
    std::unordered_map<ObjectKey, int, ObjectKeyHash> questions;  // Asked in a row.
    std::set<ObjectKey> hopeless;  // Failed in a way that another try does not mend.
    Pace writes;
  };
  struct First {  // An object of the start, to be told to the controllers.
    std::size_t source;
    Object object;
  };

  Source& SourceFor(const ResourceType& type);
  void OnChange(std::size_t source, const Change& change, QueueLane lane);
  bool StepInformers(Now now);
  bool GoLive(Now now);
  bool TellFirst();
  void TellEverything();
  void CheckTerm(Now now);
  void CheckClock(Now now);
  void ScheduleSweep(MonoTime now);
  bool Sweep(Now now);
  bool PlanOne(Now now);
  void PlanKey(std::size_t controller, const WorkQueue::Taken& taken, Now now);
  bool HoldBack(Lane& lane, const ObjectKey& key, const Plan& plan, Now now);
  void CountSweepFind(const Lane& lane, const WorkQueue::Taken& taken, const Plan& plan);
  void TakeOutcomes(Now now);
  void TellUnmade(const Executor::Unmade& unmade);
  void Finish(const Executor::Outcome& outcome, Now now);
  void FinishWell(Lane& lane, const ObjectKey& key, const Executor::Outcome& outcome, Now now);
  void FinishFailed(Lane& lane, const ObjectKey& key, const Error& error, Now now);
  bool MayPlan() const {
    return live_ && executor_.active() < options_.max_active_plans &&
           (options_.leadership == nullptr || term_.has_value());
  }

  static constexpr std::size_t kFirstPerStep = 64;
  /// Questions in a row after which a key waits as after a failure: it does not come to a decision.
  static constexpr int kMaxQuestions = 8;
  /// In a row: from there on it is no longer a writer that came first once.
  static constexpr int kConflictsToWarn = 4;

  Ports ports_;
  WorkerOptions options_;
  IndexedView view_;
  std::vector<Source> sources_;
  std::map<std::string, std::size_t, std::less<>> source_of_;
  std::vector<Lane> lanes_;
  Executor executor_;
  std::size_t next_source_ = 0;
  std::size_t next_lane_ = 0;
  bool live_ = false;
  std::deque<First> first_;
  std::optional<std::uint64_t> term_;
  std::optional<MonoTime> sweep_at_;
  std::optional<std::int64_t> clock_offset_;  // Civil less monotone time, in microseconds.
  MonoTime now_;                              // Of the present Step, for the listeners.
};

Worker::Impl::Impl(Ports ports, std::vector<Controller> controllers, WorkerOptions options)
    : ports_(ports),
      options_(std::move(options)),
      executor_({ports.client, ports.waker, ports.log, view_, options_.operations,
                 options_.leadership, [this](std::string_view resource) -> Informer& {
                   const auto found = source_of_.find(resource);
                   MIDWATCH_CHECK(found != source_of_.end());
                   return *sources_[found->second].informer;
                 }}) {
  lanes_.reserve(controllers.size());
  for (Controller& controller : controllers) {
    std::string manager = "midwatch-" + controller.name;
    lanes_.push_back(
        {std::move(controller), std::move(manager), WorkQueue(options_.backoff), {}, {}, {}});
  }
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const Controller& controller = lanes_[i].controller;
    SourceFor(controller.primary).primary_of.push_back(i);
    for (const Trigger& trigger : controller.triggers) {
      SourceFor(trigger.source).triggers.emplace_back(i, &trigger);
    }
  }
  for (const ResourceType& type : options_.also_follow) {
    SourceFor(type);
  }
  for (const Lane& lane : lanes_) {
    for (const IndexDefinition& definition : lane.controller.indexes) {
      view_.Define(definition);
    }
  }
  view_.SetInFlight([this](std::string_view resource) { return executor_.InFlight(resource); });
}

Worker::Impl::Source& Worker::Impl::SourceFor(const ResourceType& type) {
  const std::string resource = type.Resource();
  const auto [at, added] = source_of_.emplace(resource, sources_.size());
  if (added) {
    Index& index = view_.Add(type);
    index.SetListener([this, source = at->second](const Change& change) {
      if (live_) {
        OnChange(source, change, QueueLane::kNormal);
      }
    });
    const auto scope = options_.scopes.find(resource);
    auto informer = std::make_unique<Informer>(
        Informer::Ports{ports_.client, ports_.waker, ports_.random, ports_.metrics, ports_.log},
        index, scope == options_.scopes.end() ? InformerScope() : scope->second);
    sources_.push_back({&index, std::move(informer), {}, {}});
  }
  return sources_[at->second];
}

void Worker::Impl::OnChange(std::size_t source, const Change& change, QueueLane lane) {
  const Source& from = sources_[source];
  for (const std::size_t controller : from.primary_of) {
    const Object& any = change.after ? change.after : change.before;
    lanes_[controller].queue.Add(KeyOf(change.type, any), now_, lane);
  }
  for (const auto& [controller, trigger] : from.triggers) {
    for (const ObjectKey& key : trigger->affected(change, view_)) {
      lanes_[controller].queue.Add(key, now_, lane);
    }
  }
}

bool Worker::Impl::Step(Now now) {
  now_ = now.mono;
  CheckClock(now);
  if (executor_.Step(now)) {
    TakeOutcomes(now);
    return true;
  }
  CheckTerm(now);
  return StepInformers(now) || GoLive(now) || TellFirst() || Sweep(now) || PlanOne(now);
}

bool Worker::Impl::StepInformers(Now now) {
  for (std::size_t tried = 0; tried < sources_.size(); ++tried) {
    const std::size_t at = next_source_;
    next_source_ = (next_source_ + 1) % sources_.size();
    if (sources_[at].informer->Step(now)) {
      return true;
    }
  }
  return false;
}

bool Worker::Impl::GoLive(Now now) {
  if (live_ || !std::all_of(sources_.begin(), sources_.end(),
                            [](const Source& source) { return source.informer->synced(); })) {
    return false;
  }
  live_ = true;
  TellEverything();
  ScheduleSweep(now.mono);
  ports_.log.Info("view is complete", {{"resources", std::to_string(sources_.size())}});
  return true;
}

void Worker::Impl::TellEverything() {
  first_.clear();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    for (Object& object : sources_[i].index->List({})) {
      first_.push_back({i, std::move(object)});
    }
  }
}

bool Worker::Impl::TellFirst() {
  for (std::size_t i = 0; i < kFirstPerStep && !first_.empty(); ++i) {
    const First first = std::move(first_.front());
    first_.pop_front();
    const Change change{sources_[first.source].index->type(), Object(), first.object};
    OnChange(first.source, change, QueueLane::kBackground);
  }
  return !first_.empty();
}

void Worker::Impl::CheckTerm(Now now) {
  if (options_.leadership == nullptr) {
    return;
  }
  const std::optional<std::uint64_t> term = options_.leadership->Term(now.mono);
  if (term == term_) {
    return;
  }
  term_ = term;
  // What another leader has begun and what was missed meanwhile stands in the objects.
  if (term && live_) {
    TellEverything();
  }
}

void Worker::Impl::CheckClock(Now now) {
  const std::int64_t offset = now.wall.unix_micros - now.mono.micros;
  const std::int64_t jump = offset - clock_offset_.value_or(offset);
  clock_offset_ = offset;
  if (std::abs(jump) > kClockJump.count()) {
    ports_.log.Warn("the clock was set", {{"by", std::to_string(jump / 1'000'000) + "s"}});
    for (Lane& lane : lanes_) {
      lane.queue.ReleaseWaiting(now.mono);
    }
  }
}

void Worker::Impl::ScheduleSweep(MonoTime now) {
  if (options_.sweep_interval > Duration::zero()) {
    const auto interval = static_cast<std::uint64_t>(options_.sweep_interval.count());
    const auto jitter = static_cast<std::int64_t>(ports_.random.Below(interval / 10 + 1));
    sweep_at_ = now + options_.sweep_interval + Duration(jitter);
  }
}

bool Worker::Impl::Sweep(Now now) {
  if (!sweep_at_ || now.mono < *sweep_at_) {
    return false;
  }
  for (Lane& lane : lanes_) {
    const Index& index = view_.GetIndex(lane.controller.primary.Resource());
    for (const Object& object : index.List({})) {
      lane.queue.Add(KeyOf(lane.controller.primary, object), now.mono, QueueLane::kSweep);
    }
  }
  ScheduleSweep(now.mono);
  return true;
}

bool Worker::Impl::PlanOne(Now now) {
  if (!MayPlan()) {
    return false;
  }
  for (std::size_t tried = 0; tried < lanes_.size(); ++tried) {
    const std::size_t at = next_lane_;
    next_lane_ = (next_lane_ + 1) % lanes_.size();
    if (const std::optional<WorkQueue::Taken> taken = lanes_[at].queue.Take(now.mono)) {
      PlanKey(at, *taken, now);
      return true;
    }
  }
  return false;
}

void Worker::Impl::PlanKey(std::size_t controller, const WorkQueue::Taken& taken, Now now) {
  Lane& lane = lanes_[controller];
  const std::string& name = lane.controller.name;
  ports_.metrics.Set("midwatch_workqueue_depth", {{"name", name}},
                     static_cast<double>(lane.queue.ready()));
  ports_.metrics.Observe("midwatch_workqueue_queue_duration_seconds", {{"name", name}},
                         Seconds(now.mono - taken.queued));
  Result<Plan> plan = lane.controller.reconciler->Reconcile(taken.key, view_, now);
  Executor::Ticket ticket{controller, taken.key, lane.field_manager, term_, now.mono};
  if (plan && HoldBack(lane, taken.key, *plan, now)) {
    return;
  }
  if (plan && !plan->effects.empty()) {
    CountSweepFind(lane, taken, *plan);
    executor_.Begin(std::move(ticket), *std::move(plan));
    return;
  }
  Executor::Outcome outcome;
  outcome.ticket = std::move(ticket);
  if (plan) {
    outcome.wake_at = plan->wake_at;
  } else {
    outcome.failure = plan.error();
  }
  Finish(outcome, now);
}

/// Two processes that see different things, or somebody else's controller, could otherwise write an
/// object in turns as fast as the store takes it.
bool Worker::Impl::HoldBack(Lane& lane, const ObjectKey& key, const Plan& plan, Now now) {
  if (std::none_of(plan.effects.begin(), plan.effects.end(),
                   [](const Effect& it) { return std::holds_alternative<Write>(it); })) {
    return false;
  }
  const MonoTime allowed = lane.writes.AllowedAt(key);
  if (allowed <= now.mono) {
    lane.writes.Note(key, now.mono);
    return false;
  }
  lane.queue.AddAt(key, allowed);
  lane.queue.Done(key, now.mono);
  return true;
}

void Worker::Impl::CountSweepFind(const Lane& lane, const WorkQueue::Taken& taken,
                                  const Plan& plan) {
  // A key in back-off, or one that cannot succeed, has something to do without anybody having
  // missed it; and an operation that is running is asked for again.
  const bool asked = std::all_of(plan.effects.begin(), plan.effects.end(), [&](const Effect& it) {
    const auto* start = std::get_if<Start>(&it);
    return start != nullptr && executor_.IsRunning(*start);
  });
  if (taken.lane != QueueLane::kSweep || taken.failures > 0 || asked ||
      lane.hopeless.contains(taken.key)) {
    return;
  }
  ports_.metrics.Count("midwatch_sweep_found_total", {{"controller", lane.controller.name}});
  ports_.log.Fault("the sweep found something to do: a trigger or a wake time is missing",
                   {{"controller", lane.controller.name},
                    {"key", taken.key.ToString()},
                    {"effects", std::to_string(plan.effects.size())}});
}

/// What was decided upon a write that was then not made is decided again. The key whose plan it was
/// comes again as its failure says.
void Worker::Impl::TellUnmade(const Executor::Unmade& unmade) {
  const auto found = source_of_.find(unmade.type.Resource());
  if (found == source_of_.end()) {
    return;
  }
  const Source& source = sources_[found->second];
  const Object& assumed = unmade.assumed;
  const Object stored = source.index->Find(assumed.namespace_name(), assumed.name());
  for (const auto& [controller, trigger] : source.triggers) {
    for (const ObjectKey& key : trigger->affected({unmade.type, assumed, stored}, view_)) {
      if (controller != unmade.controller || key != unmade.planned) {
        lanes_[controller].queue.Add(key, now_);
      }
    }
  }
}

void Worker::Impl::TakeOutcomes(Now now) {
  while (const std::optional<Executor::Unmade> unmade = executor_.TakeUnmade()) {
    TellUnmade(*unmade);
  }
  while (const std::optional<Executor::Outcome> outcome = executor_.TakeOutcome()) {
    Finish(*outcome, now);
  }
  while (const std::optional<Executor::OperationEnd> end = executor_.TakeOperationEnd()) {
    WorkQueue& queue = lanes_[end->controller].queue;
    if (end->result) {
      if (!executor_.AwaitsOperation(end->controller, end->key)) {
        queue.Forget(end->key);
      }
      queue.Add(end->key, now.mono);
    } else {
      queue.AddRateLimited(end->key, now.mono);
    }
  }
}

void Worker::Impl::Finish(const Executor::Outcome& outcome, Now now) {
  Lane& lane = lanes_[outcome.ticket.controller];
  const ObjectKey& key = outcome.ticket.key;
  const std::string& name = lane.controller.name;
  std::string_view result = "success";
  if (outcome.dropped) {
    result = "dropped";
    lane.queue.Add(key, now.mono);
  } else if (outcome.failure) {
    result = "error";
    FinishFailed(lane, key, *outcome.failure, now);
  } else if (!outcome.failures.empty()) {
    result = "error";
    FinishFailed(lane, key, {ErrorCode::kUnavailable, outcome.failures.front().error.message}, now);
  } else {
    FinishWell(lane, key, outcome, now);
  }
  if (outcome.wrote && !outcome.dropped) {
    view_.SetFailures(key, outcome.failures);
  }
  if (outcome.wake_at && result == "success") {  // Otherwise the failure says when.
    lane.queue.AddAt(key, *outcome.wake_at);
  }
  lane.queue.Done(key, now.mono);
  ports_.metrics.Count("midwatch_reconcile_total", {{"controller", name}, {"result", result}});
  ports_.metrics.Observe("midwatch_reconcile_time_seconds", {{"controller", name}},
                         Seconds(now.mono - outcome.ticket.planned));
}

void Worker::Impl::FinishWell(Lane& lane, const ObjectKey& key, const Executor::Outcome& outcome,
                              Now now) {
  lane.hopeless.erase(key);
  if (!outcome.asked) {
    lane.questions.erase(key);
    // Whether it goes well is known when its operations have ended.
    if (!outcome.started && !executor_.AwaitsOperation(outcome.ticket.controller, key)) {
      lane.queue.Forget(key);
    }
  } else if (++lane.questions[key] <= kMaxQuestions) {
    lane.queue.Add(key, now.mono, QueueLane::kUrgent);
  } else {
    ports_.log.Warn("a reconciler asks again and again",
                    {{"controller", lane.controller.name}, {"key", key.ToString()}});
    lane.queue.AddRateLimited(key, now.mono);
  }
}

void Worker::Impl::FinishFailed(Lane& lane, const ObjectKey& key, const Error& error, Now now) {
  const std::string& name = lane.controller.name;
  ports_.metrics.Count("midwatch_reconcile_errors_total", {{"controller", name}});
  // What was not found may come (a namespace), or the view was behind.
  const bool terminal =
      RowOf(error.code).retry == RetryClass::kNever && error.code != ErrorCode::kNotFound;
  if (terminal) {
    ports_.metrics.Count("midwatch_terminal_reconcile_errors_total", {{"controller", name}});
    lane.hopeless.insert(key);
    lane.queue.Forget(key);
  } else {
    ports_.metrics.Count("midwatch_workqueue_retries_total", {{"name", name}});
    lane.queue.AddRateLimited(key, now.mono);
  }
  // Somebody else wrote first: the next plan knows of it.
  const bool raced = error.code == ErrorCode::kConflict || error.code == ErrorCode::kAlreadyExists;
  const bool harmless = raced && lane.queue.Failures(key) < kConflictsToWarn;
  const LogLevel level = terminal   ? LogLevel::kError
                         : harmless ? LogLevel::kDebug
                                    : LogLevel::kWarn;
  ports_.log.Write(level, "plan failed",
                   {{"controller", name}, {"key", key.ToString()}, {"error", error.message}});
}

std::optional<MonoTime> Worker::Impl::NextWake() const {
  std::optional<MonoTime> next = executor_.NextWake();
  const auto consider = [&](std::optional<MonoTime> time) {
    if (time && (!next || *time < *next)) {
      next = time;
    }
  };
  for (const Source& source : sources_) {
    consider(source.informer->NextWake());
  }
  consider(sweep_at_);
  if (MayPlan()) {
    for (const Lane& lane : lanes_) {
      consider(lane.queue.NextDue());
    }
  }
  return next;
}

bool Worker::Impl::Idle(MonoTime now) const {
  return live_ && first_.empty() && executor_.active() == 0 &&
         std::none_of(lanes_.begin(), lanes_.end(),
                      [&](const Lane& lane) { return lane.queue.HasReady(now); });
}

Worker::Worker(Ports ports, std::vector<Controller> controllers, WorkerOptions options)
    : impl_(std::make_unique<Impl>(ports, std::move(controllers), std::move(options))) {}
Worker::~Worker() = default;

bool Worker::Step(Now now) { return impl_->Step(now); }
std::optional<MonoTime> Worker::NextWake() const { return impl_->NextWake(); }
bool Worker::synced() const { return impl_->synced(); }
bool Worker::idle(MonoTime now) const { return impl_->Idle(now); }
const View& Worker::view() const { return impl_->view(); }

}  // namespace midwatch
