#include "controller/cmd/log_of.h"

#include <unistd.h>

#include <utility>

#include "controller/telemetry/spdlog_log.h"

namespace midwatch::cmd {
namespace {

LogLevel LevelOf(const std::string& word) {
  return word == "debug"   ? LogLevel::kDebug
         : word == "warn"  ? LogLevel::kWarn
         : word == "error" ? LogLevel::kError
                           : LogLevel::kInfo;
}

}  // namespace

Result<std::unique_ptr<Log>> OpenLog(const cli::LogOptions& options, const Clock& clock) {
  const bool json = options.format == "json";
  MIDWATCH_ASSIGN(auto log,
                  telemetry::SpdlogLog::Open(
                      {.form = json ? telemetry::LogForm::kJson : telemetry::LogForm::kConsole,
                       .least = LevelOf(options.level),
                       .colour = !json && ::isatty(STDERR_FILENO) == 1},
                      clock));
  return std::unique_ptr<Log>(std::move(log));
}

}  // namespace midwatch::cmd
