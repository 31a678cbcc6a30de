#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "controller/env/actor.h"
#include "controller/env/clock.h"

namespace midwatch {

/// A Waker that a thread can wait for.
class Signal final : public Waker {
 public:
  void Wake() override;
  /// Returns when woken since the last return, when `timeout` has passed, or when stop is
  /// requested.
  void Wait(std::stop_token stop, Duration timeout);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool woken_ = false;
};

/// The thread that drives one Actor in production: steps it until there is nothing to do, then
/// waits for its signal or its NextWake. Destroying it stops and joins.
class Pump {
 public:
  /// All three outlive the pump.
  Pump(std::string name, Actor& actor, Signal& signal, const Clock& clock);
  ~Pump() = default;
  void Stop();  ///< Asks the thread to end after the present step, and joins it.

  /// Longest wait: a suspended machine's timers are late by no more than this after it woke.
  static constexpr Duration kMaxWait = std::chrono::seconds(5);

 private:
  void Run(std::stop_token stop);

  std::string name_;
  Actor& actor_;
  Signal& signal_;
  const Clock& clock_;
  std::jthread thread_;  // Last: starts when everything else is there.
};

}  // namespace midwatch
