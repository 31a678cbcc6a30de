#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/sim/sim_clock.h"

namespace midwatch::sim {

/// What happened, as a hash over everything and the last lines for people. Two runs of one seed
/// have the same hash, or something in the system depends on what it must not.
class Trace {
 public:
  void Mix(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9FB21C651E98DF25ULL + (hash_ >> 29U);
  }
  void Mix(std::string_view bytes);

  /// Kept only if `verbose` or for the last kKept lines; always mixed.
  void Line(SimTime at, std::string_view text);
  void SetVerbose(bool verbose) { verbose_ = verbose; }

  std::uint64_t hash() const { return hash_; }
  /// The last lines.
  std::vector<std::string> Lines() const;

  static constexpr std::size_t kKept = 60;

 private:
  using Kept = std::pair<SimTime, std::string>;
  static std::string Shown(const Kept& line);

  std::uint64_t hash_ = 0x2545F4914F6CDD1DULL;
  bool verbose_ = false;
  std::deque<Kept> lines_;
};

/// `3d 04:05:06.000123`
std::string FormatSimTime(SimTime at);

}  // namespace midwatch::sim
