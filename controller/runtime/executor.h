#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "controller/env/actor.h"
#include "controller/env/inbox.h"
#include "controller/env/kube_client.h"
#include "controller/env/log.h"
#include "controller/runtime/indexed_view.h"
#include "controller/runtime/informer.h"
#include "controller/runtime/leadership.h"
#include "controller/runtime/operation.h"
#include "controller/runtime/plan.h"

namespace midwatch {

/// The resource and name that a Write is about.
struct WriteTarget {
  const ResourceType* type;
  ObjectKey key;
};
WriteTarget TargetOf(const Write& write);

/// Carries plans out: starts their effects, feeds the answers into the view, reads back what must
/// be read before the key may be planned again, and says how each plan ended. Writes of resources
/// that the view does not follow (Events) are allowed. Part of the Worker, whose header states the
/// guarantees. One thread at a time; completions may come on any thread.
class Executor {
 public:
  struct Ports {
    KubeClient& client;
    Waker& waker;
    Log& log;
    IndexedView& view;
    const std::map<std::string, OperationRunner*>& operations;
    const Leadership* leadership;
    std::function<Informer&(std::string_view resource)> informer;
  };

  using OperationName = std::pair<std::string, std::string>;  ///< Start::operation, Start::name.

  struct Ticket {
    std::size_t controller = 0;
    ObjectKey key;
    std::string field_manager;  ///< For writes that name none.
    std::optional<std::uint64_t> term;
    MonoTime planned;
  };
  struct Outcome {
    Ticket ticket;
    std::optional<MonoTime> wake_at;
    bool asked = false;    ///< A question was answered: plan again at once.
    bool dropped = false;  ///< Leadership was lost on the way.
    std::optional<Error> failure;
    std::vector<WriteFailure> failures;  ///< Of a plan that keeps going, the first kMaxFailures.
    bool wrote = false;                  ///< It had effects.
    bool started = false;                ///< One of them an operation.
  };
  struct OperationEnd {
    std::size_t controller = 0;
    ObjectKey key;
    OperationName operation;
    Result<void> result;
  };

  /// A write that others may have counted on (InFlight) and that was not made, or not for certain.
  struct Unmade {
    std::size_t controller = 0;
    ObjectKey planned;  ///< Whose plan it was.
    ResourceType type;
    Object assumed;
  };

  explicit Executor(Ports ports);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  void Begin(Ticket ticket, Plan plan);
  /// Takes in one answer, or starts one read or effect. False: there was nothing to do.
  bool Step(Now now);
  std::optional<Outcome> TakeOutcome();
  std::optional<OperationEnd> TakeOperationEnd();
  std::optional<Unmade> TakeUnmade();

  std::optional<MonoTime> NextWake() const;
  std::size_t active() const { return plans_.size(); }
  std::vector<Object> InFlight(std::string_view resource);
  /// Whether starting it would be no second start.
  bool IsRunning(const Start& start) const {
    return running_.contains({start.operation, start.name});
  }

  /// Whether an operation that the key started has not ended.
  bool AwaitsOperation(std::size_t controller, const ObjectKey& key) const {
    return awaiting_.contains({controller, key});
  }

  static constexpr std::size_t kWindow = 64;
  static constexpr std::size_t kMaxFailures = 1'000;
  static constexpr Duration kReadBackBase = std::chrono::milliseconds(50);
  static constexpr Duration kReadBackLimit = std::chrono::seconds(5);

 private:
  using EffectId = std::pair<std::uint64_t, std::size_t>;  // Plan and position.
  struct Question {                                        // What was known when a read began.
    std::int64_t seen = 0;   // The object's version, 0 if it was not known.
    std::int64_t fresh = 0;  // FreshTo of its resource.
  };
  struct EffectState {
    std::optional<Question> question;  // A read is running.
    std::optional<Error> unknown;      // The outcome must be read back.
    int read_failures = 0;
    std::optional<Object> assumed;  // By whoever asked InFlight.
    bool made = false;
  };
  struct Active {
    Ticket ticket;
    Plan plan;
    std::vector<EffectState> effects;
    std::size_t next = 0;
    std::size_t waiting = 0;
    bool queued = false;  // In runnable_.
    Outcome outcome;
  };
  using Plans = std::map<std::uint64_t, Active>;
  struct WriteAnswer {
    EffectId id;
    Result<Object> result;
  };
  struct ReadAnswer {
    EffectId id;
    Result<Object> result;
  };
  struct Unrecorded {
    Error error;
  };
  using Item = std::variant<WriteAnswer, ReadAnswer, OperationEnd, Unrecorded>;

  bool TakeItem(Now now);
  bool StartDueRead(Now now);
  bool StartNextEffect(Now now);
  bool CheckRefreshes();
  void StartEffect(EffectId id, Active& active, Now now);
  void StartWrite(EffectId id, const Write& write, const std::string& field_manager);
  void StartOperation(Active& active, const Start& start);
  void SendRecords(const Active& active);
  void StartRead(EffectId id, EffectState& state, GetRequest request);
  void OnWrite(EffectId id, Active& active, const Result<Object>& result, Now now);
  void OnRead(EffectId id, Active& active, const Result<Object>& result, Now now);
  void OnConfirmed(const GetRequest& get, const Question& question, const Result<Object>& result,
                   Now now);
  void FeedWritten(const Write& write, const Object& object, Now now);
  void Failed(Active& active, const Error& error);
  void WriteFailed(Active& active, const Write& write, const Error& error);
  void EffectEnded(EffectId id);
  void EndAssumption(EffectId id, const Active& active);
  void MakeRunnable(std::uint64_t id, Active& active);
  GetRequest ReadOf(const Active& active, std::size_t position) const;
  std::optional<Object> Assume(const Write& write) const;

  Ports ports_;
  std::shared_ptr<Inbox<Item>> inbox_;
  Plans plans_;
  std::uint64_t next_plan_ = 1;
  std::deque<std::uint64_t> runnable_;
  std::set<std::pair<MonoTime, EffectId>> due_reads_;
  struct Refreshing {
    std::uint64_t number;
    EffectId id;
  };
  std::map<std::string, std::deque<Refreshing>, std::less<>> refreshing_;  // By resource.
  std::map<std::string, std::set<EffectId>, std::less<>> writing_;  // By resource: not answered.
  std::deque<Outcome> outcomes_;
  std::deque<OperationEnd> operation_ends_;
  std::deque<Unmade> unmade_;
  std::map<OperationName, int> running_;                       // How many ends are awaited.
  std::multiset<std::pair<std::size_t, ObjectKey>> awaiting_;  // By whom.
};

}  // namespace midwatch
