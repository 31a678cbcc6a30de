#include "controller/base/control_character.h"

namespace midwatch {

std::optional<ControlCharacter> ControlAt(std::string_view text) {
  const auto byte = [text](std::size_t at) -> char32_t {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : U'\0';
  };
  if (text.empty()) {
    return std::nullopt;
  }
  if (byte(0) < 0x20 || byte(0) == 0x7F) {
    return ControlCharacter{byte(0), 1};
  }
  if (byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) < 0xA0) {
    return ControlCharacter{byte(1), 2};
  }
  if (byte(0) == 0xD8 && byte(1) == 0x9C) {
    return ControlCharacter{0x061C, 2};
  }
  if (byte(0) == 0xE2 && (byte(1) & 0xC0U) == 0x80 && (byte(2) & 0xC0U) == 0x80) {
    const char32_t code = 0x2000U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    if (code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
        (code >= 0x2066 && code <= 0x2069)) {
      return ControlCharacter{code, 3};
    }
  }
  return std::nullopt;
}

}  // namespace midwatch
