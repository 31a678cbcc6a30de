#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

namespace midwatch::http {

/// What was written to a streamed body and not yet taken by its connection. Bounded: a peer that
/// does not read is cut off. A piece written to an empty queue is always accepted whatever its size
/// and does not count. Thread-safe.
class StreamQueue {
 public:
  explicit StreamQueue(std::size_t limit) : limit_(limit) {}

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

  const std::size_t limit_;
  std::mutex mutex_;
  std::deque<std::string> pieces_;
  std::size_t held_ = 0;
  std::size_t allowed_ = 0;  // Of held_, before it counts as overflow.
  std::function<void()> on_room_;
  bool woken_ = false;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace midwatch::http
