#pragma once

#include <optional>
#include <string_view>

namespace midwatch {

/// A character that steers a terminal or turns the direction of a text: C0, DEL, C1, the line and
/// paragraph separators, the marks, embeddings, overrides and isolates of bidirectional text.
struct ControlCharacter {
  char32_t code;
  std::size_t size;  ///< Its bytes.
};

/// The one that the text, UTF-8, begins with, if it begins with one.
std::optional<ControlCharacter> ControlAt(std::string_view text);

}  // namespace midwatch
