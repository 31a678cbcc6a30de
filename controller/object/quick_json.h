#pragma once

#include <optional>
#include <string_view>

#include "controller/object/json.h"

namespace midwatch {

/// Reads JSON through simdjson, several times as fast as the general parser: nothing if the text
/// has an error, repeats a member, crosses a limit or has an integer beyond int64; then the general
/// parser has the word, whose errors name line, column and cause. Whatever is read here, that one
/// would read as the same value.
std::optional<Json> ReadQuickly(std::string_view text, const JsonLimits& limits);

}  // namespace midwatch
