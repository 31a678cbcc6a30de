#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "controller/object/json.h"
#include "controller/telemetry/prometheus_metrics.h"
#include "controller/telemetry/spdlog_log.h"

namespace midwatch::telemetry {
namespace {

constexpr WallTime kNoon{1'772'452'800'123'456};

class FixedClock final : public Clock {
 public:
  Now Read() const override { return {kNoon, {}}; }
};

struct LineCase {
  const char* name;
  LogOptions options;
  LogLevel level;
  std::string message;
  std::string value;
  std::string line;
};
class LogLineTest : public testing::TestWithParam<LineCase> {};

TEST_P(LogLineTest, IsOneLineWhateverIsInIt) {
  const LineCase& c = GetParam();
  EXPECT_EQ(FormatLogLine(c.options, kNoon, c.level, c.message, {{"key", c.value}}), c.line);
}

const LogOptions kConsole{.form = LogForm::kConsole};
const LogOptions kColour{.form = LogForm::kConsole, .colour = true};

INSTANTIATE_TEST_SUITE_P(
    Lines, LogLineTest,
    testing::Values(
        LineCase{
            "Json",
            {},
            LogLevel::kInfo,
            "started",
            "v",
            R"({"time":"2026-03-02T12:00:00.123456Z","level":"info","message":"started","key":"v"})"},
        LineCase{
            "JsonEscapes",
            {},
            LogLevel::kError,
            "a\n\"b\"",
            "\x1b[31m",
            R"({"time":"2026-03-02T12:00:00.123456Z","level":"error","message":"a\n\"b\"","key":"\u001b[31m"})"},
        LineCase{"JsonMendsUtf8",
                 {},
                 LogLevel::kWarn,
                 "a\xff",
                 "",
                 "{\"time\":\"2026-03-02T12:00:00.123456Z\",\"level\":\"warn\",\"message\":"
                 "\"a\xef\xbf\xbd\",\"key\":\"\"}"},
        LineCase{"Console", kConsole, LogLevel::kInfo, "started", "v",
                 "12:00:00.123 INFO  started key=v"},
        LineCase{"ConsoleQuotes", kConsole, LogLevel::kWarn, "a\nb\x1b[2J", "x y=\"z\"",
                 "12:00:00.123 WARN  a b [2J key=\"x y=\\\"z\\\"\""},
        LineCase{"ConsoleTamesC1", kConsole, LogLevel::kWarn, "a\u009b2J\u202eé", "x\u009b",
                 "12:00:00.123 WARN  a 2J é key=\"x\\u009b\""},
        LineCase{"ConsoleLeavesOutWhatIsEmpty", kConsole, LogLevel::kDebug, "m", "",
                 "12:00:00.123 DEBUG m"},
        LineCase{"ConsoleColour", kColour, LogLevel::kError, "m", "v",
                 "12:00:00.123 \x1b[31mERROR\x1b[0m m key=v"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(LogLine, LongValuesAreCut) {
  const std::string line =
      FormatLogLine({}, kNoon, LogLevel::kInfo, "m", {{"key", std::string(100'000, 'x')}});
  EXPECT_LT(line.size(), kMaxLogValue + 200);
  EXPECT_TRUE(ParseJson(line));
}

TEST(SpdlogLog, WritesWholeLinesOfTheLevelsAsked) {
  const std::string file = testing::TempDir() + "midwatch_log_test.jsonl";
  std::remove(file.c_str());
  const FixedClock clock;
  auto log = SpdlogLog::Open({.file = file}, clock);
  ASSERT_TRUE(log);
  (*log)->Write(LogLevel::kDebug, "not this", {});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        (*log)->Info("hello {}", {{"i", std::to_string(i)}});
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  (*log)->Fault("last");
  std::ifstream in(file);
  std::string line;
  int count = 0;
  while (std::getline(in, line)) {
    EXPECT_TRUE(ParseJson(line)) << line;
    ++count;
  }
  EXPECT_EQ(count, 401) << "a fault is flushed at once";
  EXPECT_FALSE(SpdlogLog::Open({.file = "/proc/nowhere/log"}, clock));
}

TEST(PrometheusMetrics, ShowsWhatWasCounted) {
  PrometheusMetrics metrics;
  metrics.Count("midwatch_x_total", {{"code", "2xx"}}, 2);
  metrics.Count("midwatch_x_total", {{"code", "2xx"}}, 1);
  metrics.Count("midwatch_x_total", {{"code", "4\"x\n"}}, 1);
  metrics.Set("midwatch_connections", {}, 7);
  metrics.Observe("midwatch_sync_seconds", {}, 0.02);
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("# TYPE midwatch_x_total counter\nmidwatch_x_total{code=\"2xx\"} 3\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("midwatch_x_total{code=\"4\\\"x\\n\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("midwatch_connections 7\n"), std::string::npos);
  EXPECT_NE(text.find("midwatch_sync_seconds_bucket{le=\"0.03\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("midwatch_sync_seconds_count 1\n"), std::string::npos);
}

TEST(PrometheusMetrics, WhatCannotBeAMetricIsDroppedAndCounted) {
  PrometheusMetrics metrics;
  metrics.Count("bad name", {}, 1);
  metrics.Count("ok", {{"bad-label", "x"}}, 1);
  metrics.Count("twice", {}, 1);
  metrics.Set("twice", {}, 5);
  metrics.Set("twice", {{"a", "b"}}, 5);
  metrics.Count("twice", {}, -5);
  for (std::size_t i = 0; i < kMaxSeriesPerMetric + 5; ++i) {
    metrics.Count("many", {{"i", std::to_string(i)}}, 1);
  }
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("midwatch_metrics_dropped_total{reason=\"name\"} 2\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("midwatch_metrics_dropped_total{reason=\"kind\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("midwatch_metrics_dropped_total{reason=\"series\"} 5\n"), std::string::npos);
  EXPECT_NE(text.find("twice 1\n"), std::string::npos);
}

}  // namespace
}  // namespace midwatch::telemetry
