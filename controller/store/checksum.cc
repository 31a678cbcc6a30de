#include "controller/store/checksum.h"

#include <cstring>

namespace midwatch::store {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file format is little-endian");

/// Odd, so that multiplying by it is a bijection.
constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;

}  // namespace

void Checksum::Mix(std::uint64_t word) {
  state_ = (state_ ^ word) * kFactor;
  state_ ^= state_ >> 32;
}

void Checksum::Add(std::int64_t number) { Mix(static_cast<std::uint64_t>(number)); }

void Checksum::Add(std::string_view bytes) {
  Mix(bytes.size());
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    Mix(word);
    bytes.remove_prefix(sizeof word);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes.data(), bytes.size());
  Mix(rest);
}

}  // namespace midwatch::store
