#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace midwatch::http {

/// What each caller has under way, over all its connections. Thread-safe.
class CallerShares {
 public:
  struct Share {
    std::atomic<std::size_t> requests = 0;  ///< Streams too.
    std::atomic<std::size_t> streams = 0;
    std::atomic<std::size_t> body_bytes = 0;
    std::atomic<std::size_t> answer_bytes = 0;
  };

  /// The share of the caller of that name: one and the same while anybody holds it.
  std::shared_ptr<Share> Of(const std::string& caller);
  /// Callers that are remembered.
  std::size_t Size() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<Share>> shares_;
};

/// Takes one of `most`; false: there is none left, and nothing was taken.
bool TakeOne(std::atomic<std::size_t>& taken, std::size_t most);

/// How many bytes of answers may wait to be sent.
struct AnswerLimits {
  std::size_t all = 0;
  std::size_t per_caller = 0;
};

/// The bytes of one answer that are not sent yet, counted with the others of its caller, and with
/// everybody's, until they are given back or this is gone. Whatever its size, an answer is taken
/// where no other waits. Thread-safe.
class AnswerHold {
 public:
  enum class Outcome : std::uint8_t { kTaken, kCallerUsedUp, kUsedUp };

  /// `all` counts everybody's. No share: somebody unknown, counted there alone.
  AnswerHold(std::shared_ptr<std::atomic<std::size_t>> all,
             std::shared_ptr<CallerShares::Share> share, const AnswerLimits& limits)
      : all_(std::move(all)), share_(std::move(share)), limits_(limits) {}
  AnswerHold(const AnswerHold&) = delete;
  AnswerHold& operator=(const AnswerHold&) = delete;
  ~AnswerHold() { Give(bytes_); }

  /// `always`: also beyond the limits. Nothing was taken unless kTaken.
  Outcome Take(std::size_t bytes, bool always);
  void Give(std::size_t bytes);

 private:
  const std::shared_ptr<std::atomic<std::size_t>> all_;
  const std::shared_ptr<CallerShares::Share> share_;
  const AnswerLimits limits_;
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace midwatch::http
