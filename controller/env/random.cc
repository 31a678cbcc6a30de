#include "controller/env/random.h"

#include <array>
#include <cstdio>

namespace midwatch {

std::uint64_t Random::Below(std::uint64_t bound) {
  // Rejects the few values that would make the lower results more likely.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t value = Next();
  while (value >= limit) {
    value = Next();
  }
  return value % bound;
}

std::string Random::Uuid() {
  const std::uint64_t high = (Next() & ~0xF000ULL) | 0x4000ULL;
  const std::uint64_t low = (Next() & ~(3ULL << 62U)) | (2ULL << 62U);
  std::array<char, 37> out{};
  std::snprintf(out.data(), out.size(), "%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(high >> 32U), static_cast<unsigned>(high >> 16U & 0xFFFFU),
                static_cast<unsigned>(high & 0xFFFFU), static_cast<unsigned>(low >> 48U),
                static_cast<unsigned long long>(low & 0xFFFFFFFFFFFFULL));
  return out.data();
}

std::string Random::NameSuffix(std::size_t length) {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (std::size_t i = 0; i < length; ++i) {
    out += kAlphabet[Below(kAlphabet.size())];
  }
  return out;
}

}  // namespace midwatch
