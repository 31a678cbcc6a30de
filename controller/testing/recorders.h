#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "controller/env/actor.h"
#include "controller/env/log.h"
#include "controller/env/metrics.h"

namespace midwatch::fakes {

/// Counts how often it was woken.
class CountingWaker final : public Waker {
 public:
  void Wake() override { ++count_; }
  int count() const { return count_; }

 private:
  std::atomic<int> count_ = 0;
};

/// Keeps the values of metrics, by name and labels: `midwatch_x_total{controller=dispatch}`.
/// Thread-safe.
class RecordingMetrics final : public Metrics {
 public:
  void Count(std::string_view name, MetricLabels labels, double by) override {
    const std::scoped_lock lock(mutex_);
    values_[Series(name, labels)] += by;
  }
  void Set(std::string_view name, MetricLabels labels, double value) override {
    const std::scoped_lock lock(mutex_);
    values_[Series(name, labels)] = value;
  }
  /// Keeps the last value, and under `<series>#count` how many there were.
  void Observe(std::string_view name, MetricLabels labels, double value) override {
    const std::scoped_lock lock(mutex_);
    const std::string series = Series(name, labels);
    values_[series] = value;
    values_[series + "#count"] += 1;
  }
  /// 0 if there is none.
  double Value(const std::string& series) const {
    const std::scoped_lock lock(mutex_);
    const auto found = values_.find(series);
    return found == values_.end() ? 0 : found->second;
  }

 private:
  static std::string Series(std::string_view name, MetricLabels labels) {
    std::string out(name);
    if (labels.size() == 0) {
      return out;
    }
    char separator = '{';
    for (const auto& [label, value] : labels) {
      out.append(1, separator).append(label).append("=").append(value);
      separator = ',';
    }
    return out + "}";
  }

  mutable std::mutex mutex_;
  std::map<std::string, double> values_;
};

/// Keeps lines: `WARN message name=value`. Thread-safe.
class RecordingLog final : public Log {
 public:
  void Write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    constexpr std::string_view kNames[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    std::string line(kNames[static_cast<std::size_t>(level)]);
    line.append(" ").append(message);
    for (const LogField& field : fields) {
      line.append(" ").append(field.name).append("=").append(field.value);
    }
    const std::scoped_lock lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> lines() const {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace midwatch::fakes
