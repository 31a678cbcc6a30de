#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/env/actor.h"
#include "controller/env/inbox.h"
#include "controller/env/kube_client.h"
#include "controller/env/log.h"
#include "controller/env/metrics.h"
#include "controller/env/random.h"
#include "controller/runtime/index.h"

namespace midwatch {

/// Which part of a resource is followed.
struct InformerScope {
  std::string namespace_name;  ///< Empty: all.
  std::string label_selector;
  std::string field_selector;
};

/// Keeps an Index like the API: lists a resource page by page, then watches it from the list's
/// version.
///
/// Flow
///
///   state     | what happens                                       | next
///   ----------|----------------------------------------------------|-----------------------------
///   kListDue  | asks for the first page                            | kListing
///   kListing  | a page came, more follow: asks for them            | kListing
///             | the last page came: Index::Replace                 | kWatchDue
///             | 410 (the list outlived the log)                    | kListDue; kBackoff if again
///             | any other error                                    | kBackoff
///   kWatchDue | opens the watch from the last version              | kWatching
///   kWatching | event: into the index; bookmark: FreshTo           | kWatching
///             | Refresh: asks for progress; cannot, or ListAgain   | kListDue
///             | 410                                                | kListDue; kBackoff if again
///             | the stream ended, or too much is queued            | kWatchDue if it was healthy
///             |                                                    | (kHealthyWatch), else
///             kBackoff
///   kBackoff  | its time comes                                     | kListDue or kWatchDue
///
/// Guarantees: `synced` once the first list is in; after that the index is never empty for want of
/// a connection. Events that are not newer than what is known change nothing. A list that is older
/// than what was seen is not believed, until it is the kMaxOlderLists-th in a row: then the storage
/// has been restored from a backup. Assumes: watch events of one resource come in the order of
/// their versions (KubeClient).
class Informer final : public Actor {
 public:
  struct Ports {
    KubeClient& client;
    Waker& waker;
    Random& random;  ///< Owned by the caller; used for jitter only.
    Metrics& metrics;
    Log& log;
  };

  enum class State : std::uint8_t { kListDue, kListing, kWatchDue, kWatching, kBackoff };

  /// `index` outlives the informer.
  Informer(Ports ports, Index& index, InformerScope scope = {});
  ~Informer() override;

  bool Step(Now now) override;
  std::optional<MonoTime> NextWake() const override;

  /// Asks how far the API is, or lists again where it cannot be asked: then FreshTo is at least
  /// what it was at the call. Counts as done when `refreshes` has reached the returned number.
  std::uint64_t Refresh();
  /// Lists again: an event has not come.
  void ListAgain() { list_again_ = true; }
  std::uint64_t refreshes() const { return refreshed_; }

  bool synced() const { return synced_; }
  State state() const { return state_; }

  static constexpr std::int64_t kPageSize = 500;
  static constexpr int kMaxOlderLists = 5;
  /// Events that may wait to be taken in; beyond it the watch is dropped and opened again.
  static constexpr std::size_t kMaxQueuedEvents = 100'000;
  static constexpr Duration kBackoffBase = std::chrono::milliseconds(200);
  static constexpr Duration kBackoffLimit = std::chrono::seconds(30);
  /// A watch that lived this long, or brought something, is opened again at once.
  static constexpr Duration kHealthyWatch = std::chrono::seconds(5);

 private:
  class Sink;
  struct ListAnswer {
    std::uint64_t epoch;
    Result<ListResponse> page;
  };
  struct Event {
    std::uint64_t epoch;
    WatchEvent event;
  };
  struct End {
    std::uint64_t epoch;
    Error why;
  };
  using Item = std::variant<ListAnswer, Event, End>;

  bool Advance(Now now);
  void AskForPage();
  void OpenWatch(Now now);
  void TakePage(Result<ListResponse> page, Now now);
  void FinishList(std::int64_t version, Now now);
  void TakeEvent(const WatchEvent& event, Now now);
  void TakeEnd(const Error& why, Now now);
  void Relist(const Error& why, Now now);
  void BackOff(State then, Now now);
  void Restart(State next);

  Ports ports_;
  Index& index_;
  InformerScope scope_;
  std::shared_ptr<Inbox<Item>> inbox_;
  std::shared_ptr<Sink> sink_;
  std::unique_ptr<WatchHandle> watch_;

  State state_ = State::kListDue;
  State after_backoff_ = State::kListDue;
  MonoTime retry_at_;
  MonoTime watch_opened_;
  bool watch_brought_something_ = false;
  int failures_ = 0;
  int older_lists_ = 0;
  std::uint64_t epoch_ = 0;  // Of the present request: answers to earlier ones are dropped.
  std::string continue_token_;
  std::vector<Object> listed_;
  std::int64_t version_ = 0;  // Where the next watch starts.
  bool synced_ = false;
  bool list_again_ = false;
  std::uint64_t wanted_ = 0;    // Refreshes asked for.
  std::uint64_t promised_ = 0;  // Those which the running request answers.
  std::uint64_t refreshed_ = 0;
};

}  // namespace midwatch
