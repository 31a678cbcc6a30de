#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace midwatch::bench {

/// CLOCK_MONOTONIC, as Python's time.monotonic_ns().
std::int64_t Nanoseconds();

/// How long each of many took.
class Latencies {
 public:
  void Add(std::int64_t nanoseconds) { all_.push_back(nanoseconds); }
  std::size_t count() const { return all_.size(); }
  /// `"<name>_p50_ms":…,"<name>_p99_ms":…,"<name>_max_ms":…`, by nearest rank.
  std::string Json(std::string_view name) const;

 private:
  std::vector<std::int64_t> all_;
};

}  // namespace midwatch::bench
