#include "tests/bench/latencies.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace midwatch::bench {

std::int64_t Nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

std::string Latencies::Json(std::string_view name) const {
  std::vector<std::int64_t> sorted = all_;
  std::sort(sorted.begin(), sorted.end());
  const auto rank = [&](double share) {
    if (sorted.empty()) {
      return 0.0;
    }
    const double wanted = std::ceil(share * static_cast<double>(sorted.size()));
    return static_cast<double>(sorted[static_cast<std::size_t>(std::max(wanted, 1.0)) - 1]) / 1e6;
  };
  std::array<char, 256> out{};
  const std::string prefix(name);
  std::snprintf(out.data(), out.size(), R"("%s_p50_ms":%.3f,"%s_p99_ms":%.3f,"%s_max_ms":%.3f)",
                prefix.c_str(), rank(0.5), prefix.c_str(), rank(0.99), prefix.c_str(), rank(1));
  return out.data();
}

}  // namespace midwatch::bench
