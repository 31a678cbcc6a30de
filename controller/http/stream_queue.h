#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "controller/http/caller_shares.h"

namespace midwatch::http {

/// What was written to a streamed body and not yet taken by its connection. Bounded: a peer that
/// does not read is cut off. A piece written to an empty queue is always accepted whatever its size
/// and does not count. Thread-safe.
///
/// What it holds is also counted by `hold`, if there is one, together with what was taken last:
/// that is being sent. Beyond the limits there, it overflows too, unless it is empty and the piece
/// small.
class StreamQueue {
 public:
  static constexpr std::size_t kSmallPiece = std::size_t{16} << 10;

  explicit StreamQueue(std::size_t limit, std::shared_ptr<AnswerHold> hold = nullptr)
      : limit_(limit), hold_(std::move(hold)) {}

  enum class Outcome : std::uint8_t {
    kQueued,
    kQueuedWake,  ///< Queued, and the connection does not know yet that there is something.
    kClosed,      ///< Nothing is accepted any more.
    kOverflow,    ///< Over the limit: now closed, the connection has to be cut.
  };
  Outcome Push(std::string bytes);
  /// Whether less than half of the limit is held. False: `again` is called once, by the Take or
  /// Close after which it is.
  bool HasRoom(const std::function<void()>& again);
  /// No more pushes. True if the connection must be woken to end the body.
  bool End();
  /// Drops everything; pushes are refused from now on.
  void Close();

  /// Up to about `most` bytes, at least one piece if there is any.
  struct Taken {
    std::string bytes;
    bool ended = false;  ///< These are the last.
  };
  Taken Take(std::size_t most);

 private:
  Taken TakeLocked(std::size_t most, std::function<void()>& on_room);
  bool Hold(std::size_t bytes);
  void DropAll();

  const std::size_t limit_;
  const std::shared_ptr<AnswerHold> hold_;
  std::mutex mutex_;
  std::deque<std::string> pieces_;
  std::size_t held_ = 0;
  std::size_t taken_ = 0;    // Last, and counted until it is sent.
  std::size_t allowed_ = 0;  // Of held_, before it counts as overflow.
  std::function<void()> on_room_;
  bool woken_ = false;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace midwatch::http
