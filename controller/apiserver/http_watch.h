#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "controller/apiserver/http_accept.h"
#include "controller/apiserver/http_exchange.h"
#include "controller/apiserver/requests.h"
#include "controller/apiserver/table.h"
#include "controller/env/actor.h"
#include "controller/env/clock.h"
#include "controller/env/http_handler.h"

namespace midwatch::apiserver {

/// How the events of one watch are written.
struct WatchForm {
  Accepted accepted;
  TableForm table;         ///< Its resource also names the kind of bookmarks.
  bool bookmarks = false;  ///< The client asked for them.
  bool initial_events =
      false;  ///< A streaming list: the first bookmark says that the state is complete.
};

/// A watch as an HTTP body: one JSON object a line, as fast as its reader takes them. Lines that
/// come before the body is open are kept. Owners: the storage (as its sink), the stream's end and
/// the deadlines.
class HttpWatch final : public WatchSink {
 public:
  HttpWatch(WatchForm form, const Clock& clock);

  void OnEvent(const WatchEvent& event) override;
  bool HasRoom(const std::function<void()>& again) override;
  void OnEnd(const Error& why) override;

  /// Gives it the open body and the running watch. Once.
  void Attach(std::shared_ptr<HttpStream> stream, std::unique_ptr<WatchHandle> handle);
  /// The body is over: ends the watch.
  void Closed();
  /// Ends the body cleanly.
  void Finish();

 private:
  std::string Line(const WatchEvent& event);
  std::string BookmarkLine(const WatchEvent& event);
  void Send(std::string line);

  const WatchForm form_;
  const Clock& clock_;
  // Of the sink's calls, which come one at a time.
  bool columns_sent_ = false;
  bool in_state_;  // A streaming list whose state is not complete.
  std::mutex mutex_;
  std::shared_ptr<HttpStream> stream_;
  std::unique_ptr<WatchHandle> handle_;
  std::string waiting_;            // For the body to be open,
  std::function<void()> on_open_;  // and who waits likewise.
  bool ended_ = false;
  bool closed_ = false;
};

/// Ends watches when their time has come. Add and Remove may be called from any thread.
class WatchDeadlines final : public Actor {
 public:
  /// Both outlive it.
  WatchDeadlines(const Clock& clock, Waker& waker) : clock_(clock), waker_(waker) {}

  using Ticket = std::pair<MonoTime, std::uint64_t>;
  Ticket Add(std::weak_ptr<HttpWatch> watch, Duration timeout);
  /// The watch is over. Nothing if its time has come.
  void Remove(const Ticket& ticket);
  bool Step(Now now) override;
  std::optional<MonoTime> NextWake() const override;

 private:
  const Clock& clock_;
  Waker& waker_;
  mutable std::mutex mutex_;
  std::map<Ticket, std::weak_ptr<HttpWatch>> entries_;
  std::uint64_t next_ = 0;
};

/// How long the watch that is asked for may last, spread so that those which were begun together do
/// not end together. One of an Agent outlives its token by five minutes at most.
Result<Duration> ReadWatchTimeout(const HttpExchange& exchange);

/// Answers with the running watch as an open body, and sets it its deadline. kTooManyRequests: the
/// caller has as many streams as one may have, and is still to be answered.
Result<void> OpenWatch(HttpResponder& responder, const std::shared_ptr<HttpWatch>& watch,
                       std::unique_ptr<WatchHandle> handle, WatchDeadlines& deadlines,
                       Duration timeout);

}  // namespace midwatch::apiserver
