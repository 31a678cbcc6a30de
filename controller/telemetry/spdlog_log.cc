#include "controller/telemetry/spdlog_log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <cstdio>

#include "controller/base/control_character.h"
#include "controller/base/text.h"
#include "controller/object/json.h"

namespace midwatch::telemetry {
namespace {

struct LevelRow {
  std::string_view json;
  std::string_view console;
  std::string_view colour;
  spdlog::level::level_enum spdlog;
};
// In the order of LogLevel.
constexpr std::array kLevels = {LevelRow{"debug", "DEBUG", "\x1b[2m", spdlog::level::debug},
                                LevelRow{"info", "INFO ", "\x1b[32m", spdlog::level::info},
                                LevelRow{"warn", "WARN ", "\x1b[33m", spdlog::level::warn},
                                LevelRow{"error", "ERROR", "\x1b[31m", spdlog::level::err}};
constexpr std::string_view kPlain = "\x1b[0m";

const LevelRow& RowOf(LogLevel level) { return kLevels.at(static_cast<std::size_t>(level)); }

/// Also what JSON would let through and a terminal obeys is escaped.
void AppendMember(std::string_view name, std::string_view value, std::string& out) {
  AppendJsonString(name, out);
  out += ':';
  std::string quoted;
  AppendJsonString(Utf8Prefix(value, kMaxLogValue), quoted);
  for (std::string_view rest = quoted; !rest.empty();) {
    const auto control = ControlAt(rest);
    std::array<char, 8> escape{};
    if (control) {
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(control->code));
    }
    out += control ? std::string_view(escape.data()) : rest.substr(0, 1);
    rest.remove_prefix(control ? control->size : 1);
  }
}

std::string JsonLine(WallTime time, LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string out = "{";
  AppendMember("time", FormatMicroTime(time), out);
  out += ',';
  AppendMember("level", RowOf(level).json, out);
  out += ',';
  AppendMember("message", message, out);
  for (const LogField& field : fields) {
    out += ',';
    AppendMember(field.name, field.value, out);
  }
  return out + "}";
}

/// A text for a terminal: nothing in it moves the cursor.
std::string Tame(std::string_view text) {
  std::string out;
  for (text = Utf8Prefix(text, kMaxLogValue); !text.empty();) {
    const auto control = ControlAt(text);
    out += control ? ' ' : text.front();
    text.remove_prefix(control ? control->size : 1);
  }
  return out;
}

/// Quoted where a reader could not tell where it ends.
std::string ConsoleValue(std::string_view value) {
  const std::string_view shown = Utf8Prefix(value, kMaxLogValue);
  const bool plain =
      shown.find_first_of(" =\"\\") == std::string_view::npos && Tame(shown) == shown;
  return plain ? std::string(shown) : Quote(shown);
}

std::string ConsoleLine(const LogOptions& options, WallTime time, LogLevel level,
                        std::string_view message, std::initializer_list<LogField> fields) {
  constexpr std::size_t kClockBegin = 11;  // Behind `2026-11-21T`,
  constexpr std::size_t kClockSize = 12;   // up to milliseconds.
  const LevelRow& row = RowOf(level);
  std::string out = FormatMicroTime(time).substr(kClockBegin, kClockSize) + " ";
  out += options.colour ? std::string(row.colour) + std::string(row.console) + std::string(kPlain)
                        : std::string(row.console);
  out += " " + Tame(message);
  for (const LogField& field : fields) {
    if (!field.value.empty()) {  // A person sees that nothing is said.
      out += " " + std::string(field.name) + "=" + ConsoleValue(field.value);
    }
  }
  return out;
}

}  // namespace

std::string FormatLogLine(const LogOptions& options, WallTime time, LogLevel level,
                          std::string_view message, std::initializer_list<LogField> fields) {
  return options.form == LogForm::kJson ? JsonLine(time, level, message, fields)
                                        : ConsoleLine(options, time, level, message, fields);
}

struct SpdlogLog::Impl {
  LogOptions options;
  const Clock& clock;
  std::unique_ptr<spdlog::logger> logger;
};

SpdlogLog::SpdlogLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SpdlogLog::~SpdlogLog() = default;

Result<std::unique_ptr<SpdlogLog>> SpdlogLog::Open(const LogOptions& options, const Clock& clock) {
  try {
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    }
    auto logger = std::make_unique<spdlog::logger>("midwatch", std::move(sink));
    // Lines come formatted: spdlog's own pattern does not escape.
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    logger->set_level(RowOf(options.least).spdlog);
    logger->flush_on(spdlog::level::warn);
    auto impl = std::make_unique<Impl>(Impl{options, clock, std::move(logger)});
    return std::unique_ptr<SpdlogLog>(new SpdlogLog(std::move(impl)));
  } catch (const spdlog::spdlog_ex& e) {
    return Fail(ErrorCode::kUnavailable, "log: " + std::string(e.what()));
  }
}

void SpdlogLog::Write(LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields) {
  const LevelRow& row = RowOf(level);
  if (!impl_->logger->should_log(row.spdlog)) {
    return;
  }
  const std::string line =
      FormatLogLine(impl_->options, impl_->clock.Read().wall, level, message, fields);
  impl_->logger->log(row.spdlog, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace midwatch::telemetry
