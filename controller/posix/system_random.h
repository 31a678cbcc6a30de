#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "controller/env/random.h"

namespace midwatch::posix {

/// OpenSSL's generator, asked for many values at once; ends the process if the system has no
/// entropy. What was drawn is forgotten, and streams do not depend on each other: a fork is another
/// one like it.
class SystemRandom final : public Random {
 public:
  std::uint64_t Next() override;
  std::unique_ptr<Random> Fork(std::string_view name) override;

 private:
  std::array<std::uint64_t, 64> ready_{};
  std::size_t left_ = 0;  ///< So many of `ready_` were not drawn.
};

}  // namespace midwatch::posix
