#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace midwatch {

using MetricLabels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Counters, gauges and histograms by name (Prometheus conventions: `midwatch_…_total`,
/// `…_seconds`). Labels must come from small closed sets. Thread-safe.
class Metrics {
 public:
  virtual ~Metrics() = default;
  virtual void Count(std::string_view name, MetricLabels labels, double by = 1) = 0;
  virtual void Set(std::string_view name, MetricLabels labels, double value) = 0;
  virtual void Observe(std::string_view name, MetricLabels labels, double value) = 0;
};

/// Drops everything.
class NoMetrics final : public Metrics {
 public:
  void Count(std::string_view, MetricLabels, double) override {}
  void Set(std::string_view, MetricLabels, double) override {}
  void Observe(std::string_view, MetricLabels, double) override {}
};

}  // namespace midwatch
