#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace midwatch {

using Duration = std::chrono::microseconds;

/// Civil time: what cron, people and timestamps in objects use. It may jump.
struct WallTime {
  std::int64_t unix_micros = 0;

  friend auto operator<=>(const WallTime&, const WallTime&) = default;
  friend WallTime operator+(WallTime t, Duration d) { return {t.unix_micros + d.count()}; }
  friend WallTime operator-(WallTime t, Duration d) { return {t.unix_micros - d.count()}; }
  friend Duration operator-(WallTime a, WallTime b) {
    return Duration{a.unix_micros - b.unix_micros};
  }
};

/// Time since an arbitrary instant of this process (CLOCK_BOOTTIME): what leases and timeouts use.
/// It never goes back and means nothing to another process.
struct MonoTime {
  std::int64_t micros = 0;

  friend auto operator<=>(const MonoTime&, const MonoTime&) = default;
  friend MonoTime operator+(MonoTime t, Duration d) { return {t.micros + d.count()}; }
  friend MonoTime operator-(MonoTime t, Duration d) { return {t.micros - d.count()}; }
  friend Duration operator-(MonoTime a, MonoTime b) { return Duration{a.micros - b.micros}; }
};

/// The instant of one decision, on both clocks.
struct Now {
  WallTime wall;
  MonoTime mono;
};

/// `2026-11-21T06:57:00Z`, the form of metav1.Time; fractions are cut.
std::string FormatTime(WallTime time);
/// `2026-11-21T06:57:00.123456Z`, the form of metav1.MicroTime.
std::string FormatMicroTime(WallTime time);
/// RFC 3339 with any offset and up to nine fractional digits (cut to micros).
Result<WallTime> ParseTime(std::string_view text);

/// Go's duration syntax, as in manifests: `90s`, `1h30m`, `250ms`. No negative durations.
Result<Duration> ParseDuration(std::string_view text);
/// The inverse of ParseDuration: `1h30m0s`.
std::string FormatDuration(Duration duration);
/// The age as kubectl prints it: `45s`, `3m20s`, `61m`, `5h`, `3d4h`, `400d` (apimachinery
/// HumanDuration).
std::string FormatAge(Duration age);

}  // namespace midwatch
