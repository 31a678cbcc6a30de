#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace midwatch::artifacts {

/// Calls that the store is given at once: what comes next waits for so many at most.
inline constexpr std::size_t kCallsAtOnce = 4;
/// What may wait, of one caller.
inline constexpr std::size_t kWaitingCallsOfOne = 256;
inline constexpr std::size_t kWaitingBytesOfOne = std::size_t{128} << 20;
/// And of all together.
inline constexpr std::size_t kWaitingCalls = 1024;
inline constexpr std::size_t kWaitingBytes = std::size_t{512} << 20;

/// Lets calls through to something slow, a few at once and by turns between their callers: who
/// makes a thousand does not hold up who makes one. Those of one caller keep their order. Held by
/// shared_ptr: turns outlive whoever gave them. Thread-safe.
class FairTurns : public std::enable_shared_from_this<FairTurns> {
 public:
  /// Lasts until it is let go.
  using Turn = std::shared_ptr<void>;
  using Call = std::function<void(Turn turn)>;

  explicit FairTurns(std::size_t at_once = kCallsAtOnce) : at_once_(at_once) {}

  /// Makes the call, now or later, from any thread. `bytes`: what it holds while it waits. False:
  /// too much waits already, of this caller or in all.
  bool Enter(const std::string& caller, std::size_t bytes, Call call);
  /// Forgets what waits; nothing enters any more.
  void Stop();

 private:
  struct Waiting {
    std::size_t bytes = 0;
    Call call;
  };
  struct Line {
    std::deque<Waiting> calls;
    std::size_t bytes = 0;
  };
  bool HasRoom(const std::string& caller, std::size_t bytes) const;
  Call Next();
  void Make(const Call& call);
  void Leave();

  const std::size_t at_once_;
  std::mutex mutex_;
  std::map<std::string, Line> lines_;  // Of those who wait.
  std::deque<std::string> order_;      // Whose turn is next; each of lines_ once.
  std::size_t under_way_ = 0;
  std::size_t waiting_ = 0;
  std::size_t bytes_ = 0;
  bool stopped_ = false;
};

}  // namespace midwatch::artifacts
