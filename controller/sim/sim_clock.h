#pragma once

#include <cstdint>

#include "controller/env/clock.h"

namespace midwatch::sim {

/// The one time that is real in the virtual world, in microseconds since it began. No part of
/// Midwatch sees it.
using SimTime = std::int64_t;

/// What a clock of the virtual world starts from: 2026-03-02T00:00:00Z.
inline constexpr std::int64_t kSimEpoch = 1'772'409'600'000'000;

/// The clocks of one machine. Both run up to 4.5 % too fast or too slow, as its one oscillator does
/// (so that two machines differ by less than the 10 % that the design allows); civil time may jump,
/// the monotone one starts at any value.
class SimClock final : public Clock {
 public:
  /// `now` is the world's time and outlives the clock. `drift_ppm` in ±45,000.
  SimClock(const SimTime& now, std::int64_t drift_ppm, std::int64_t mono_start)
      : now_(now), drift_ppm_(drift_ppm), mono_start_(mono_start), booted_(now) {}

  Now Read() const override {
    const std::int64_t mono = Mono(now_);
    return {WallTime{kSimEpoch + booted_ + (mono - mono_start_) + wall_offset_}, MonoTime{mono}};
  }
  void JumpWall(Duration by) { wall_offset_ += by.count(); }
  void SetWallOffset(Duration offset) { wall_offset_ = offset.count(); }

  /// The first moment at which this machine's monotone clock shows `mono` or more.
  SimTime WhenMono(MonoTime mono) const {
    const std::int64_t elapsed = mono.micros - mono_start_;
    if (elapsed <= 0) {
      return booted_;
    }
    const std::int64_t rate = 1'000'000 + drift_ppm_;
    SimTime at = booted_ + static_cast<SimTime>(static_cast<double>(elapsed) * 1e6 /
                                                static_cast<double>(rate));
    while (Mono(at) < mono.micros) {
      ++at;
    }
    return at;
  }

 private:
  std::int64_t Mono(SimTime at) const {
    const std::int64_t elapsed = at - booted_;
    // In two parts, so that a year of microseconds does not overflow.
    return mono_start_ + elapsed + elapsed / 1'000'000 * drift_ppm_ +
           elapsed % 1'000'000 * drift_ppm_ / 1'000'000;
  }

  const SimTime& now_;
  std::int64_t drift_ppm_;
  std::int64_t mono_start_;
  SimTime booted_;
  std::int64_t wall_offset_ = 0;
};

}  // namespace midwatch::sim
