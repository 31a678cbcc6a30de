#pragma once

#include "controller/base/time.h"

namespace midwatch {

/// The only source of time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now Read() const = 0;
};

}  // namespace midwatch
