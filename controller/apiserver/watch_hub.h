#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "controller/apiserver/durable_state.h"
#include "controller/env/inbox.h"

namespace midwatch::apiserver {

/// One watch: a place in the change log, and who is told. The change log is its queue: a watch that
/// falls out of the log is ended with kExpired.
struct WatchState {
  const ResourceInfo* resource = nullptr;
  Selection selection;
  std::shared_ptr<WatchSink> sink;
  bool bookmarks = false;
  std::vector<VersionPtr> initial;  ///< The state to begin with; sent first.
  std::size_t initial_sent = 0;
  bool ends_initial = false;  ///< A bookmark is due after `initial`.
  std::int64_t cursor = 0;    ///< Everything up to here was sent or did not concern it.
  MonoTime next_bookmark;
  std::atomic<std::uint64_t> progress_asked = 0;  ///< By the watcher's thread.
  std::uint64_t progress_told = 0;

  std::recursive_mutex calls;  ///< Held during calls of the sink; a sink may end its own watch.
  std::atomic<bool> ended = false;  ///< Set under `calls`.
};

/// Feeds changes to watches, in steps of the storage's thread.
class WatchHub {
 public:
  /// Changes and initial objects handed to one watch in one step.
  static constexpr std::size_t kSlice = 256;

  WatchHub(const DurableState& state, Waker& waker, Duration bookmark_interval,
           std::size_t max_watches);
  ~WatchHub();

  /// Any thread. kTooManyRequests beyond the bound; kExpired if the version is too old or not
  /// reached yet.
  Result<std::unique_ptr<WatchHandle>> Start(const WatchCall& call, Selection selection,
                                             std::shared_ptr<WatchSink> sink);

  // The storage's thread.

  /// Serves one watch. False: every watch has what there is.
  bool Step(Now now);
  bool Idle() const;
  std::optional<MonoTime> NextWake() const;
  std::size_t size() const { return count_->load(); }

 private:
  using StatePtr = std::shared_ptr<WatchState>;
  class Handle;

  bool Behind(const WatchState& watch) const;
  bool Deliver(WatchState& watch, Now now);
  void SendInitial(WatchState& watch, WatchSink& sink);
  bool SendChanges(WatchState& watch, WatchSink& sink, Now now);
  void SendBookmark(WatchState& watch, WatchSink& sink, Now now);

  const DurableState& state_;
  const Duration bookmark_interval_;
  const std::size_t max_watches_;
  /// Shared with callers of Start, handles and sinks; nothing in it but wakes the hub: something is
  /// to be looked at that the change log does not show.
  const std::shared_ptr<Inbox<StatePtr>> arrived_;
  const std::function<void()> wake_;                       // For a sink that has room again.
  const std::shared_ptr<std::atomic<std::size_t>> count_;  // Shared with the handles.
  std::vector<StatePtr> watches_;
  std::vector<StatePtr> ended_;  // Since the last step.
  std::size_t next_ = 0;         // Round robin.
  /// Up to here no watch was found to lack anything: all are not looked through again before there
  /// is news, or a bookmark is due.
  std::int64_t settled_ = -1;
  std::optional<MonoTime> bookmark_due_;
};

/// The event that a change is to a selection, or nothing.
std::optional<WatchEvent> EventOf(const Change& change, const Selection& selection);

}  // namespace midwatch::apiserver
