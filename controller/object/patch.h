#pragma once

#include <cstddef>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch {

inline constexpr std::size_t kMaxJsonPatchOperations = 10'000;
/// What the `copy` and `add` operations of one JSON patch may add, as serialised bytes.
inline constexpr std::size_t kMaxJsonPatchGrowth = std::size_t{8} << 20;

/// Values that one JSON patch may shift or walk through: well under a second of work.
inline constexpr std::size_t kMaxJsonPatchWork = 20'000'000;

/// RFC 7386. Never fails: a patch that is no object replaces the target.
Json ApplyMergePatch(Json target, const Json& patch);

/// RFC 6902, all operations or none. kBadRequest: not a patch; kTooLarge: too many operations, too
/// much growth or work, or a result nested deeper than JsonLimits allow; kInvalid: a `test` failed
/// or a path does not exist. Messages name the operation.
Result<Json> ApplyJsonPatch(Json target, const Json& patch);

}  // namespace midwatch
