#pragma once

#include <optional>
#include <string_view>

#include "controller/object/json.h"

namespace midwatch {

/// Reads the JSON that machines write, several times as fast as the general parser: nothing if the
/// text has an error, repeats a member, crosses a limit, or is otherwise out of the ordinary; then
/// the general parser has the word. Whatever is read here, that one would read as the same value.
std::optional<Json> ReadQuickly(std::string_view text, const JsonLimits& limits);

}  // namespace midwatch
