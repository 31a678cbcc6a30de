#include "controller/agent/outward_text.h"

#include <utility>

#include "controller/base/text.h"

namespace midwatch::agent {
namespace {

bool IsWhiteControl(char c) { return c == '\n' || c == '\t' || c == '\r'; }
bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }

/// Bytes of the character at the start that are to be left out: a C1 control, a mark, embedding,
/// override or isolate of the bidirectional algorithm (Unicode 15, UAX #9).
std::size_t HiddenLength(std::string_view text) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
  };
  const bool is_c1 = byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) <= 0x9f;
  if (is_c1 || text.starts_with("\xd8\x9c")) return 2;
  if (byte(0) != 0xe2) return 0;
  const bool mark_or_override = byte(1) == 0x80 && (byte(2) == 0x8e || byte(2) == 0x8f ||
                                                    (byte(2) >= 0xaa && byte(2) <= 0xae));
  const bool isolate = byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9;
  return mark_or_override || isolate ? 3 : 0;
}

/// U+2028 and U+2029.
bool IsLineBreak(std::string_view text) {
  return text.starts_with("\xe2\x80\xa8") || text.starts_with("\xe2\x80\xa9");
}

std::string Plain(std::string_view text, bool one_line) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = HiddenLength(text);
    if (length == 0 && IsLineBreak(text)) {
      out.push_back(one_line ? ' ' : '\n');
      length = 3;
    } else if (length == 0) {
      const char c = text.front();
      if (!IsControl(c)) out.push_back(c);
      if (IsWhiteControl(c)) out.push_back(one_line ? ' ' : c);
      length = 1;
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

std::string OutwardText::Line(std::string text, std::size_t limit) const {
  // Twice: a secret may hold what is left out, and may have been hidden by it.
  return mask_.Prefix(Plain(mask_(std::move(text)), true), limit);
}

Json OutwardText::Document(Json value) const {
  return WithEachString(std::move(value), [this](std::string text) {
    return mask_(Plain(mask_(std::move(text)), false));
  });
}

}  // namespace midwatch::agent
