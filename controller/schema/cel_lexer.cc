#include "controller/schema/cel_lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "controller/base/text.h"

namespace midwatch::schema {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c); }

std::optional<unsigned> DigitValue(char c, unsigned base) {
  unsigned value = 99;
  if (IsDigit(c)) {
    value = static_cast<unsigned>(c - '0');
  } else if (c >= 'a' && c <= 'f') {
    value = static_cast<unsigned>(c - 'a') + 10;
  } else if (c >= 'A' && c <= 'F') {
    value = static_cast<unsigned>(c - 'A') + 10;
  }
  return value < base ? std::optional(value) : std::nullopt;
}

bool AppendUtf8(std::uint32_t code, std::string& out) {
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return false;
  }
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6U));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0U | (code >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (code >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
  return true;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<CelToken>> Run() {
    std::vector<CelToken> tokens;
    while (true) {
      SkipSpace();
      const std::size_t start = at_;
      if (at_ >= text_.size()) {
        tokens.push_back({CelTokenKind::kEnd, start, {}});
        return tokens;
      }
      MIDWATCH_ASSIGN(CelToken token, Next());
      token.offset = start;
      tokens.push_back(std::move(token));
    }
  }

 private:
  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void SkipSpace() {
    while (at_ < text_.size()) {
      const char c = Peek();
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (c == '/' && Peek(1) == '/') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        return;
      }
    }
  }

  Result<CelToken> Next() {
    const char c = Peek();
    const bool raw = (c == 'r' || c == 'R') && (Peek(1) == '"' || Peek(1) == '\'');
    if (raw || c == '"' || c == '\'') {
      at_ += raw ? 1 : 0;
      return String(raw);
    }
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) {
      return Number();
    }
    if (IsNameStart(c)) {
      const std::size_t start = at_;
      while (IsNamePart(Peek())) {
        ++at_;
      }
      if (Peek() == '"' || Peek() == '\'') {
        return CelSyntaxError(start, "byte strings are not supported");
      }
      return CelToken{CelTokenKind::kName, start, std::string(text_.substr(start, at_ - start))};
    }
    return Symbol();
  }

  Result<CelToken> Symbol() {
    constexpr std::array<std::string_view, 24> kSymbols = {
        "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "?", ":", "+",
        "-",  "*",  "/",  "%",  "(",  ")",  "[", "]", "{", "}", ",", "."};
    for (const std::string_view symbol : kSymbols) {
      if (text_.substr(at_).starts_with(symbol)) {
        at_ += symbol.size();
        return CelToken{CelTokenKind::kSymbol, at_, std::string(symbol)};
      }
    }
    std::size_t size = 1;
    while ((static_cast<unsigned char>(Peek(size)) & 0xC0U) == 0x80U) {
      ++size;
    }
    return CelSyntaxError(at_, "unexpected character " + Quote(text_.substr(at_, size)));
  }

  Result<CelToken> Number() {
    const std::size_t start = at_;
    CelTokenKind kind = CelTokenKind::kInt;
    if (Peek() == '0' && (Peek(1) == 'x' || Peek(1) == 'X')) {
      at_ += 2;
      while (DigitValue(Peek(), 16)) {
        ++at_;
      }
    } else {
      SkipDigits();
      if (Peek() == '.' && IsDigit(Peek(1))) {
        kind = CelTokenKind::kDouble;
        ++at_;
        SkipDigits();
      }
      const std::size_t sign = Peek(1) == '+' || Peek(1) == '-' ? 2 : 1;
      if ((Peek() == 'e' || Peek() == 'E') && IsDigit(Peek(sign))) {
        kind = CelTokenKind::kDouble;
        at_ += sign;
        SkipDigits();
      }
    }
    if (IsNamePart(Peek())) {
      return CelSyntaxError(start, Peek() == 'u' || Peek() == 'U'
                                       ? "unsigned integers are not supported"
                                       : "malformed number");
    }
    return CelToken{kind, start, std::string(text_.substr(start, at_ - start))};
  }

  void SkipDigits() {
    while (IsDigit(Peek())) {
      ++at_;
    }
  }

  Result<CelToken> String(bool raw) {
    const std::size_t start = at_;
    const char quote = Peek();
    const bool triple = Peek(1) == quote && Peek(2) == quote;
    const std::string end(triple ? 3 : 1, quote);
    at_ += end.size();
    std::string value;
    while (!text_.substr(at_).starts_with(end)) {
      if (at_ >= text_.size() || (!triple && (Peek() == '\n' || Peek() == '\r'))) {
        return CelSyntaxError(start, "string without an end");
      }
      if (Peek() == '\\' && !raw) {
        MIDWATCH_TRY(Escape(value));
      } else {
        value += text_[at_++];
      }
    }
    at_ += end.size();
    return CelToken{CelTokenKind::kString, start, std::move(value)};
  }

  Result<void> Escape(std::string& out) {
    const std::size_t start = at_++;
    const char c = Peek();
    constexpr std::string_view kLetters = "abfnrtv\\?\"'`";
    constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\?\"'`";
    if (const std::size_t letter = kLetters.find(c); c != '\0' && letter != kLetters.npos) {
      out += kValues[letter];
      ++at_;
      return {};
    }
    switch (c) {
      case 'x':
      case 'X':
        ++at_;
        return Code(start, 2, 16, out);
      case 'u':
        ++at_;
        return Code(start, 4, 16, out);
      case 'U':
        ++at_;
        return Code(start, 8, 16, out);
      case '0':
      case '1':
      case '2':
      case '3':
        return Code(start, 3, 8, out);
      default:
        return CelSyntaxError(start, "unknown escape in a string");
    }
  }

  Result<void> Code(std::size_t start, int digits, unsigned base, std::string& out) {
    std::uint32_t code = 0;
    for (int i = 0; i < digits; ++i) {
      const std::optional<unsigned> digit = DigitValue(Peek(), base);
      if (!digit) {
        return CelSyntaxError(start, "malformed escape in a string");
      }
      code = code * base + *digit;
      ++at_;
    }
    if (!AppendUtf8(code, out)) {
      return CelSyntaxError(start, "escape names no Unicode character");
    }
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

tl::unexpected<Error> CelSyntaxError(std::size_t offset, std::string_view message) {
  return Fail(ErrorCode::kInvalid,
              "column " + std::to_string(offset + 1) + ": " + std::string(message));
}

Result<std::vector<CelToken>> LexCel(std::string_view expression) {
  return Lexer(expression).Run();
}

}  // namespace midwatch::schema
