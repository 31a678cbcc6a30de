#pragma once

#include <string>
#include <vector>

#include "controller/cli/context.h"

namespace midwatch::cli {

/// What a program writes to its standard output, with the environment of this process. kInvalid if
/// it ends with anything but 0, kTimeout if it takes longer than `deadline`.
Result<std::string> OutputOf(const std::vector<std::string>& command, Duration deadline,
                             Context& context);

}  // namespace midwatch::cli
