#include "controller/sim/trace.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <iterator>

namespace midwatch::sim {

void Trace::Mix(std::string_view bytes) {
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    Mix(word);
    bytes.remove_prefix(8);
  }
  std::uint64_t rest = bytes.size();
  for (const char c : bytes) {
    rest = rest << 8U | static_cast<unsigned char>(c);
  }
  Mix(rest);
}

void Trace::Line(SimTime at, std::string_view text) {
  Mix(static_cast<std::uint64_t>(at));
  Mix(text);
  lines_.emplace_back(at, text);
  if (lines_.size() > kKept) {
    lines_.pop_front();
  }
  if (verbose_) {
    std::printf("%s\n", Shown(lines_.back()).c_str());
  }
}

std::string Trace::Shown(const Kept& line) {
  return FormatSimTime(line.first) + "  " + line.second;
}

std::vector<std::string> Trace::Lines() const {
  std::vector<std::string> out;
  std::transform(lines_.begin(), lines_.end(), std::back_inserter(out), Shown);
  return out;
}

std::string FormatSimTime(SimTime at) {
  constexpr std::int64_t kSecond = 1'000'000;
  const std::int64_t seconds = at / kSecond;
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), "%lldd %02lld:%02lld:%02lld.%06lld",
                static_cast<long long>(seconds / 86400),
                static_cast<long long>(seconds / 3600 % 24),
                static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60),
                static_cast<long long>(at % kSecond));
  return out.data();
}

}  // namespace midwatch::sim
