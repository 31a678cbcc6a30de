#pragma once

#include <memory>
#include <string>

#include "controller/env/metrics.h"

namespace midwatch::telemetry {

inline constexpr std::size_t kMaxSeriesPerMetric =
    1000;  ///< Label values beyond it are dropped and counted.
inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

/// The Metrics of production, on prometheus-cpp. A metric comes into being when it is first used,
/// as what it is used as; use as anything else is dropped. Drops are counted in
/// `midwatch_metrics_dropped_total{reason}`. Histograms of names that end in `_seconds` have
/// buckets from 0.1 ms to 5 min, others from 1 to 1e9. Thread-safe.
class PrometheusMetrics final : public Metrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;

  void Count(std::string_view name, MetricLabels labels, double by) override;
  void Set(std::string_view name, MetricLabels labels, double value) override;
  void Observe(std::string_view name, MetricLabels labels, double value) override;

  /// All of it in the text format of Prometheus, by name.
  std::string Text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace midwatch::telemetry
