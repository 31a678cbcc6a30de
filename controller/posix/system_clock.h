#pragma once

#include "controller/env/clock.h"

namespace midwatch::posix {

/// CLOCK_REALTIME and CLOCK_BOOTTIME. The latter is the same for every process of the host, and
/// goes on while it is suspended.
class SystemClock final : public Clock {
 public:
  Now Read() const override;
};

MonoTime BootTime();

}  // namespace midwatch::posix
