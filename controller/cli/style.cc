#include "controller/cli/style.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iterator>

#include "controller/base/control_character.h"
#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

std::string_view CodeOf(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return {};
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kBlue:
      return "\x1b[34m";
    case Colour::kMagenta:
      return "\x1b[35m";
    case Colour::kCyan:
      return "\x1b[36m";
  }
  return {};
}

/// Decodes one character; a byte that begins none is one character of its own.
char32_t NextCharacter(std::string_view text, std::size_t& at) {
  const auto byte = static_cast<unsigned char>(text[at++]);
  if (byte < 0x80) {
    return byte;
  }
  const int more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0;
  char32_t out = more == 3 ? byte & 0x07U : more == 2 ? byte & 0x0FU : byte & 0x1FU;
  for (int i = 0; i < more && at < text.size(); ++i) {
    const auto next = static_cast<unsigned char>(text[at]);
    if ((next & 0xC0U) != 0x80U) {
      break;
    }
    out = (out << 6U) | (next & 0x3FU);
    ++at;
  }
  return out;
}

struct Range {
  char32_t first;
  char32_t last;
};
constexpr std::array kNoWidth = {Range{0x0300, 0x036F}, Range{0x200B, 0x200F},
                                 Range{0x20D0, 0x20FF}, Range{0xFE00, 0xFE0F},
                                 Range{0xFE20, 0xFE2F}};
constexpr std::array kWide = {
    Range{0x1100, 0x115F}, Range{0x2E80, 0xA4CF},   Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF}, Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},
    Range{0xFFE0, 0xFFE6}, Range{0x1F300, 0x1FAFF}, Range{0x20000, 0x3FFFD}};

template <typename Ranges>
bool IsIn(const Ranges& ranges, char32_t character) {
  return std::any_of(ranges.begin(), ranges.end(), [character](const Range& range) {
    return character >= range.first && character <= range.last;
  });
}

/// Past the escape sequence `ESC [ … letter` that begins at `at`.
std::size_t SkipEscape(std::string_view text, std::size_t at) {
  at += 2;
  while (at < text.size() && (text[at] < '@' || text[at] > '~')) {
    ++at;
  }
  return std::min(at + 1, text.size());
}

/// The following lines stand under the first, as far in as it begins.
void WrapLine(std::string_view line, std::size_t width, std::vector<std::string>& out) {
  const std::size_t lead = std::min(line.find_first_not_of(' '), line.size());
  const std::string before(lead, ' ');
  std::string current;
  for (const std::string_view word : Split(line.substr(lead), ' ')) {
    const std::size_t columns = DisplayWidth(word);
    if (!current.empty() && lead + DisplayWidth(current) + 1 + columns > width) {
      out.push_back(before + current);
      current.clear();
    }
    current.append(current.empty() ? "" : " ").append(word);
  }
  current.erase(current.find_last_not_of(' ') + 1);
  out.push_back(current.empty() ? current : before + current);
}

/// Of well-formed UTF-8.
void AppendHarmless(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const char c = text.front();
    const auto control = ControlAt(text);
    if (!control || c == '\n' || c == '\t') {
      out += c;
    } else if (c != '\r') {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), control->size == 1 ? "\\x%02x" : "\\u%04x",
                    static_cast<unsigned>(control->code));
      out += escape.data();
    }
    text.remove_prefix(control ? control->size : 1);
  }
}

}  // namespace

std::string Style::Wrap(std::string_view code, std::string_view text) const {
  if (!coloured_ || code.empty() || text.empty()) {
    return std::string(text);
  }
  return std::string(code).append(text).append(kReset);
}

std::string Style::In(Colour colour, std::string_view text) const {
  return Wrap(CodeOf(colour), text);
}
std::string Style::Bold(std::string_view text) const { return Wrap("\x1b[1m", text); }
std::string Style::Dim(std::string_view text) const { return Wrap("\x1b[2m", text); }

std::size_t DisplayWidth(std::string_view text) {
  std::size_t columns = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '\x1b' && at + 1 < text.size() && text[at + 1] == '[') {
      at = SkipEscape(text, at);
      continue;
    }
    const char32_t character = NextCharacter(text, at);
    columns += IsIn(kNoWidth, character) ? 0 : IsIn(kWide, character) ? 2 : 1;
  }
  return columns;
}

std::string PadRight(std::string_view text, std::size_t width) {
  const std::size_t columns = DisplayWidth(text);
  return std::string(text).append(columns < width ? width - columns : 0, ' ');
}

std::vector<std::string> WrapText(std::string_view text, std::size_t width) {
  std::vector<std::string> out;
  for (const std::string_view line : Split(text, '\n')) {
    WrapLine(line, width, out);
  }
  return out;
}

std::string Indented(std::string_view text, std::string_view indent, std::size_t width) {
  constexpr std::size_t kLeastWidth = 20;
  const std::size_t taken = DisplayWidth(indent);
  std::string out;
  for (const std::string& line :
       WrapText(text, std::max(kLeastWidth, width - std::min(width, taken)))) {
    out.append(line.empty() ? std::string_view() : indent).append(line).append("\n");
  }
  return out;
}

std::string Harmless(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  while (!text.empty()) {
    const auto bad = FindInvalidUtf8(text);
    AppendHarmless(text.substr(0, bad.value_or(text.size())), out);
    if (!bad) {
      break;
    }
    out += kReplacement;
    text.remove_prefix(*bad + 1);
  }
  return out;
}

std::string HarmlessLine(std::string_view text) {
  std::string out;
  for (const char c : Harmless(text)) {
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out;
}

std::string Count(std::size_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace midwatch::cli
