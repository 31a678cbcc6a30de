#pragma once

#include <cstdint>
#include <string_view>

namespace midwatch::store {

/// A 64-bit checksum for accidents, not against forgers: any change within one aligned group of
/// eight bytes is always noticed, others but for one in 2^64. Its value is part of the file format.
class Checksum {
 public:
  void Add(std::string_view bytes);  ///< With its length, so that "ab","c" is not "a","bc".
  void Add(std::int64_t number);
  std::int64_t value() const { return static_cast<std::int64_t>(state_); }

 private:
  void Mix(std::uint64_t word);

  std::uint64_t state_ = 0x6d69647761746368;  // "midwatch"
};

}  // namespace midwatch::store
