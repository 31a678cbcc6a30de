#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace midwatch::cli {

enum class Colour : std::uint8_t { kNone, kRed, kGreen, kYellow, kBlue, kMagenta, kCyan };

/// Colours and weights of one output; without colour every function gives the text as it is.
/// Immutable value.
class Style {
 public:
  explicit Style(bool coloured = false) : coloured_(coloured) {}

  bool coloured() const { return coloured_; }
  std::string In(Colour colour, std::string_view text) const;
  std::string Bold(std::string_view text) const;
  std::string Dim(std::string_view text) const;

 private:
  std::string Wrap(std::string_view code, std::string_view text) const;
  bool coloured_;
};

/// Columns that the text takes on a terminal: combining and zero-width characters take none, East
/// Asian wide ones two, escape sequences none.
std::size_t DisplayWidth(std::string_view text);

/// The text with spaces behind it up to `width` columns.
std::string PadRight(std::string_view text, std::size_t width);

/// Breaks at spaces so that no line has more than `width` columns where that is possible; line
/// feeds of the text stay. At least one line.
std::vector<std::string> WrapText(std::string_view text, std::size_t width);

/// WrapText, each line behind `indent`, with line feeds at the ends.
std::string Indented(std::string_view text, std::string_view indent, std::size_t width);

/// Text from elsewhere made fit for a terminal: control characters but line feed and tab, and with
/// them escape sequences, become visible (`\x1b`, `\u202e`), bad UTF-8 becomes U+FFFD.
std::string Harmless(std::string_view text);

/// Harmless, and on one line: a line feed becomes `\n`, so that no line of it looks like ours.
std::string HarmlessLine(std::string_view text);

/// `1 error`, `3 errors`.
std::string Count(std::size_t number, std::string_view noun);

}  // namespace midwatch::cli
