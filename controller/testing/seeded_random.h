#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "controller/env/random.h"

namespace midwatch::fakes {

/// A stream that depends on its seed alone (xoshiro256**, seeded by SplitMix64). A fork depends on
/// the seed and the fork's name, not on what was drawn before.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);

  std::uint64_t Next() override;
  std::unique_ptr<Random> Fork(std::string_view name) override;
  /// Fork as a value.
  SeededRandom Stream(std::string_view name) const;

  /// True with the given probability in thousandths.
  bool Chance(std::uint64_t per_mille) { return Below(1000) < per_mille; }
  /// Uniform in [low, high].
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(high - low) + 1));
  }

 private:
  std::uint64_t seed_;
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace midwatch::fakes
