#pragma once

#include <string_view>

namespace midwatch::cmd {

/// Of this program (semver.org).
inline constexpr std::string_view kVersion = MIDWATCH_VERSION;

}  // namespace midwatch::cmd
