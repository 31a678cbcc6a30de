#pragma once

#include <cstdint>
#include <string_view>

#include "controller/base/result.h"

namespace midwatch::artifacts {

inline constexpr std::size_t kMaxArtifactBytes = std::size_t{64} << 20;
inline constexpr std::uint64_t kMaxLogBytes = std::uint64_t{64} << 20;
inline constexpr std::size_t kMaxAppendBytes = std::size_t{4} << 20;  ///< Of one append.
inline constexpr std::size_t kMaxReadBytes = std::size_t{4} << 20;    ///< Of one read of a log.
inline constexpr std::size_t kMaxLogName = 200;

/// The name of a session log, usually `runs/NAMESPACE/NAME`: segments of lower-case letters,
/// digits, `-` and `.`, that start with a letter or digit, joined by `/`. kInvalid otherwise.
Result<void> CheckLogName(std::string_view name);

/// kInvalid unless it is `sha256:` and 64 lower-case hexadecimal digits.
Result<void> CheckDigest(std::string_view digest);

}  // namespace midwatch::artifacts
