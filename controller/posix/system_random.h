#pragma once

#include <memory>
#include <string_view>

#include "controller/env/random.h"

namespace midwatch::posix {

/// OpenSSL's generator; ends the process if the system has no entropy. Streams need no state, so a
/// fork is another one like it.
class SystemRandom final : public Random {
 public:
  std::uint64_t Next() override;
  std::unique_ptr<Random> Fork(std::string_view name) override;
};

}  // namespace midwatch::posix
