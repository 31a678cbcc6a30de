#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "controller/env/actor.h"

namespace midwatch {

/// How completions and callbacks reach an Actor: they Push from any thread and return; the actor
/// takes in its steps. Shared by the actor and whatever may still call back; once the actor has
/// closed it (before it is destroyed), what arrives is dropped and nobody is woken.
template <typename T>
class Inbox {
 public:
  explicit Inbox(Waker& waker) : waker_(waker) {}

  /// False: it is closed.
  bool Push(T item) {
    const std::scoped_lock lock(mutex_);
    if (closed_) {
      return false;
    }
    arrived_.push_back(std::move(item));
    waiting_.store(true, std::memory_order_release);
    waker_.Wake();
    return true;
  }

  /// The oldest item. The actor's thread only.
  std::optional<T> Take() {
    if (taken_.empty() && waiting_.load(std::memory_order_acquire)) {
      const std::scoped_lock lock(mutex_);
      taken_.swap(arrived_);
      waiting_.store(false, std::memory_order_release);
    }
    if (taken_.empty()) {
      return std::nullopt;
    }
    std::optional<T> item(std::move(taken_.front()));
    taken_.pop_front();
    return item;
  }

  /// True if Take would give something. The actor's thread only.
  bool HasItem() const { return !taken_.empty() || waiting_.load(std::memory_order_acquire); }

  void Close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    arrived_.clear();
    waiting_.store(false, std::memory_order_release);
  }

 private:
  Waker& waker_;
  std::mutex mutex_;
  std::deque<T> arrived_;
  std::deque<T> taken_;
  std::atomic<bool> waiting_ = false;
  bool closed_ = false;
};

}  // namespace midwatch
