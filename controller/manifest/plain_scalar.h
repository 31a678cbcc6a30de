#pragma once

#include <string_view>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch::manifest {

/// The value of a plain (unquoted) YAML scalar as kubectl understands it: the table of
/// sigs.k8s.io/yaml's goyaml.v2 (YAML 1.1 booleans, `_` in numbers, `0o14` and `014` octal, no base
/// 60, dates stay text), then JSON (`1e3` and `1.0` become integers). kInvalid for `.inf` and
/// `.nan`, which JSON cannot say.
Result<Json> ResolvePlainScalar(std::string_view text);

}  // namespace midwatch::manifest
