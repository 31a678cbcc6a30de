#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "controller/env/clock.h"
#include "controller/env/log.h"

namespace midwatch::telemetry {

enum class LogForm : std::uint8_t {
  kJson,     ///< `{"time":"…Z","level":"info","message":"…","name":"value"}`
  kConsole,  ///< `12:00:00.123 INFO  message name=value`
};

struct LogOptions {
  LogForm form = LogForm::kJson;
  LogLevel least = LogLevel::kInfo;  ///< Below it nothing is written.
  bool colour = false;               ///< kConsole only.
  std::string file = {};             ///< Appended to; empty: standard error.
};

inline constexpr std::size_t kMaxLogValue =
    8192;  ///< Bytes of one value or message; the rest is cut.

/// One line as it is written, without the line feed. Pure.
std::string FormatLogLine(const LogOptions& options, WallTime time, LogLevel level,
                          std::string_view message, std::initializer_list<LogField> fields);

/// The Log of production, on spdlog. Synchronous: what was logged before a crash is there.
/// Thread-safe.
class SpdlogLog final : public Log {
 public:
  /// The clock outlives it. kUnavailable: the file cannot be opened.
  static Result<std::unique_ptr<SpdlogLog>> Open(const LogOptions& options, const Clock& clock);
  ~SpdlogLog() override;

  void Write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override;

 private:
  struct Impl;
  explicit SpdlogLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace midwatch::telemetry
