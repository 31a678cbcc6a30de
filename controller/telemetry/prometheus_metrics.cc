#include "controller/telemetry/prometheus_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>
#include <variant>
#include <vector>

namespace midwatch::telemetry {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

bool IsName(std::string_view name, bool colons) {
  const auto legal = [colons](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colons && c == ':');
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), legal) &&
         (name[0] < '0' || name[0] > '9');
}

std::map<std::string, std::string> LabelsOf(MetricLabels labels) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : labels) {
    out.emplace(name, value);
  }
  return out;
}

std::vector<double> BucketsFor(std::string_view name) {
  if (name.ends_with("_seconds")) {
    return {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300};
  }
  return {1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
}

/// Series are found by their text: the registry's own look-up compares maps.
std::string SeriesKey(std::string_view name, MetricLabels labels) {
  std::string key(name);
  for (const auto& [label, value] : labels) {
    key.append(1, '\0').append(label).append(1, '\1').append(value);
  }
  return key;
}

}  // namespace

struct PrometheusMetrics::Impl {
  struct Metric {
    std::variant<Family<Counter>*, Family<Gauge>*, Family<Histogram>*> family;
    std::size_t series = 0;
  };

  template <typename Kind>
  Family<Kind>* MakeFamily(const std::string& name) {
    if constexpr (std::is_same_v<Kind, Counter>) {
      return &prometheus::BuildCounter().Name(name).Register(registry);
    } else if constexpr (std::is_same_v<Kind, Gauge>) {
      return &prometheus::BuildGauge().Name(name).Register(registry);
    } else {
      return &prometheus::BuildHistogram().Name(name).Register(registry);
    }
  }

  /// The series, made where it is missing; nullptr if it is dropped. Under the lock.
  template <typename Kind>
  Kind* Find(std::string_view name, MetricLabels labels) {
    const std::string key = SeriesKey(name, labels);
    if (const auto found = series.find(key); found != series.end()) {
      Kind* const* kind = std::get_if<Kind*>(&found->second);
      return kind != nullptr ? *kind : Drop<Kind>("kind");
    }
    return Make<Kind>(std::string(name), labels, key);
  }

  template <typename Kind>
  Kind* Make(const std::string& name, MetricLabels labels, const std::string& key) {
    const bool legal = IsName(name, true) &&
                       std::all_of(labels.begin(), labels.end(),
                                   [](const auto& label) { return IsName(label.first, false); });
    if (!legal) {
      return Drop<Kind>("name");
    }
    auto metric = metrics.find(name);
    if (metric == metrics.end()) {
      metric = metrics.emplace(name, Metric{MakeFamily<Kind>(name)}).first;
    }
    auto* const* family = std::get_if<Family<Kind>*>(&metric->second.family);
    if (family == nullptr) {
      return Drop<Kind>("kind");
    }
    if (metric->second.series >= kMaxSeriesPerMetric) {
      return Drop<Kind>("series");
    }
    ++metric->second.series;
    Kind* made = nullptr;
    if constexpr (std::is_same_v<Kind, Histogram>) {
      made = &(*family)->Add(LabelsOf(labels), BucketsFor(name));
    } else {
      made = &(*family)->Add(LabelsOf(labels));
    }
    series.emplace(key, made);
    return made;
  }

  template <typename Kind>
  Kind* Drop(const std::string& reason) {
    dropped->Add({{"reason", reason}}).Increment();
    return nullptr;
  }

  mutable std::mutex mutex;
  prometheus::Registry registry;
  Family<Counter>* dropped = MakeFamily<Counter>("midwatch_metrics_dropped_total");
  std::unordered_map<std::string, Metric> metrics;
  std::unordered_map<std::string, std::variant<Counter*, Gauge*, Histogram*>> series;
};

PrometheusMetrics::PrometheusMetrics() : impl_(std::make_unique<Impl>()) {}
PrometheusMetrics::~PrometheusMetrics() = default;

void PrometheusMetrics::Count(std::string_view name, MetricLabels labels, double by) {
  const std::lock_guard lock(impl_->mutex);
  if (Counter* counter = impl_->Find<Counter>(name, labels); counter != nullptr && by >= 0) {
    counter->Increment(by);
  }
}

void PrometheusMetrics::Set(std::string_view name, MetricLabels labels, double value) {
  const std::lock_guard lock(impl_->mutex);
  if (Gauge* gauge = impl_->Find<Gauge>(name, labels); gauge != nullptr) {
    gauge->Set(value);
  }
}

void PrometheusMetrics::Observe(std::string_view name, MetricLabels labels, double value) {
  const std::lock_guard lock(impl_->mutex);
  if (Histogram* histogram = impl_->Find<Histogram>(name, labels); histogram != nullptr) {
    histogram->Observe(value);
  }
}

std::string PrometheusMetrics::Text() const {
  const std::lock_guard lock(impl_->mutex);
  auto families = impl_->registry.Collect();
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  for (prometheus::MetricFamily& family : families) {
    std::sort(family.metric.begin(), family.metric.end(),
              [](const auto& a, const auto& b) { return a.label < b.label; });
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace midwatch::telemetry
