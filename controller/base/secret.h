#pragma once

#include <utility>

namespace midwatch {

/// A value that must not reach a log, an error, an event or a metric: it has no formatter and no
/// stream operator, so printing one does not compile. `Reveal` marks each place that really uses
/// it.
template <typename T>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}

  const T& Reveal() const { return value_; }

 private:
  T value_;
};

}  // namespace midwatch
