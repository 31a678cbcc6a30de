#pragma once

#include <cstdint>
#include <optional>

#include "controller/base/time.h"

namespace midwatch {

/// Whether this process may act. A number that grows with each time it became the leader; none
/// while it is not. One thread at a time. Standalone has none: the lock on the data directory is
/// its leadership.
class Leadership {
 public:
  virtual ~Leadership() = default;
  virtual std::optional<std::uint64_t> Term(MonoTime now) const = 0;
};

}  // namespace midwatch
