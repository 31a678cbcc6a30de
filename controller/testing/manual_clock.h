#pragma once

#include <mutex>

#include "controller/env/clock.h"

namespace midwatch::fakes {

/// A clock that moves when the test says so. Thread-safe.
class ManualClock final : public Clock {
 public:
  /// 2026-03-02T12:00:00Z, a Monday, and one hour after start.
  ManualClock() : now_{WallTime{1'772'452'800'000'000}, MonoTime{3'600'000'000}} {}
  explicit ManualClock(Now start) : now_(start) {}

  Now Read() const override {
    const std::scoped_lock lock(mutex_);
    return now_;
  }
  /// Both clocks.
  void Advance(Duration by) {
    const std::scoped_lock lock(mutex_);
    now_ = Now{now_.wall + by, now_.mono + by};
  }
  /// Civil time alone, as when somebody sets the clock.
  void JumpWall(Duration by) {
    const std::scoped_lock lock(mutex_);
    now_.wall = now_.wall + by;
  }

 private:
  mutable std::mutex mutex_;
  Now now_;
};

}  // namespace midwatch::fakes
