#pragma once

#include <memory>

#include "controller/base/result.h"
#include "controller/cli/options.h"
#include "controller/env/clock.h"
#include "controller/env/log.h"

namespace midwatch::cmd {

/// The log that the options ask for, on standard error.
Result<std::unique_ptr<Log>> OpenLog(const cli::LogOptions& options, const Clock& clock);

}  // namespace midwatch::cmd
