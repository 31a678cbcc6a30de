#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace midwatch::http {

/// What each caller has under way, over all its connections. Thread-safe.
class CallerShares {
 public:
  struct Share {
    std::atomic<std::size_t> requests = 0;  ///< Streams too.
    std::atomic<std::size_t> streams = 0;
    std::atomic<std::size_t> body_bytes = 0;
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

}  // namespace midwatch::http
