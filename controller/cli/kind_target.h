#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/cli/options.h"

namespace midwatch::cli {

/// Which of the kinds a command understands was named (`dispatch`, `dp`,
/// `dispatches.midwatch.dev`); its first one if none was. kInvalid lists them.
Result<std::string> KindOf(const KindAndName& target, const std::vector<std::string>& kinds);

}  // namespace midwatch::cli
