#pragma once

#include <string_view>

namespace midwatch::cmd {

extern const std::string_view kVersion;  ///< Of this program (semver.org).

}  // namespace midwatch::cmd
