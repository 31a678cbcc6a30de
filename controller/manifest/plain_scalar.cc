#include "controller/manifest/plain_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace midwatch::manifest {
namespace {

template <std::size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t SkipDigits(std::string_view text, std::size_t at) {
  while (at < text.size() && IsDigit(text[at])) {
    ++at;
  }
  return at;
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
bool LooksLikeFloat(std::string_view text) {
  std::size_t at = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const std::size_t whole = SkipDigits(text, at);
  const bool has_whole = whole > at;
  at = whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = SkipDigits(text, at + 1);
    if (!has_whole && fraction == at + 1) {
      return false;
    }
    at = fraction;
  } else if (!has_whole) {
    return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    at += at < text.size() && (text[at] == '-' || text[at] == '+') ? 1 : 0;
    const std::size_t exponent = SkipDigits(text, at);
    if (exponent == at) {
      return false;
    }
    at = exponent;
  }
  return at == text.size();
}

/// A number in JSON: Go prints the shortest digits that mean it, without an exponent below 1e21,
/// and reads them again, so that whole numbers become integers.
Json FromDouble(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                       .ptr;
  const std::string_view shown(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t mark = shown.find('e');
  std::string digits(shown.substr(0, mark));
  const std::size_t point = digits.find('.');
  const std::size_t fraction = point == digits.npos ? 0 : digits.size() - point - 1;
  std::size_t exponent = 0;
  const bool tiny = shown[mark + 1] == '-' && value != 0;
  std::from_chars(shown.data() + mark + 2, end, exponent);
  constexpr std::size_t kPlainBelow = 21;
  if (tiny || fraction > exponent || exponent >= kPlainBelow) {
    return Json(value);
  }
  digits.erase(std::min(point, digits.size()), 1);
  digits.append(exponent - fraction, '0');
  std::int64_t whole = 0;
  const char* last = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), last, whole);
  return error == std::errc() && stop == last ? Json(whole) : Json(value);
}

/// strconv.ParseInt and ParseUint with base 0, underscores removed before.
std::optional<Json> ParseInteger(std::string_view text) {
  const bool negative = text.starts_with('-');
  const bool has_sign = negative || text.starts_with('+');
  std::string_view digits = text.substr(has_sign ? 1 : 0);
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = static_cast<char>(digits[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    digits.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  std::uint64_t size = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, size, base);
  if (error != std::errc() || stop != end) {
    return std::nullopt;
  }
  constexpr auto kMost = static_cast<std::uint64_t>(INT64_MAX);
  if (size <= kMost + (negative ? 1 : 0)) {
    return Json(static_cast<std::int64_t>(negative ? 0 - size : size));
  }
  // ParseUint takes no sign: `-9999999999999999999` goes on as a float.
  return has_sign ? std::nullopt : std::optional(Json(static_cast<double>(size)));
}

std::optional<Json> ParseFloat(std::string_view text) {
  if (!LooksLikeFloat(text)) {
    return std::nullopt;
  }
  const std::string_view digits = text.substr(text.starts_with('+') ? 1 : 0);
  double value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) {
    const bool tiny = digits.find("e-") != digits.npos || digits.find("E-") != digits.npos;
    return tiny ? std::optional(Json(0)) : std::nullopt;
  }
  return error == std::errc() ? std::optional(FromDouble(value)) : std::nullopt;
}

std::optional<Json> ParseNumber(std::string_view text) {
  if (text.front() == '.') {
    return ParseFloat(text);
  }
  std::string plain(text);
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  std::optional<Json> integer = ParseInteger(plain);
  return integer ? integer : ParseFloat(plain);
}

}  // namespace

Result<Json> ResolvePlainScalar(std::string_view text) {
  constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
  constexpr std::array<std::string_view, 11> kTrue = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                      "True", "TRUE", "on",  "On",  "ON"};
  constexpr std::array<std::string_view, 11> kFalse = {
      "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
  constexpr std::array<std::string_view, 12> kNotJson = {".nan",  ".NaN",  ".NAN",  ".inf",
                                                         ".Inf",  ".INF",  "+.inf", "+.Inf",
                                                         "+.INF", "-.inf", "-.Inf", "-.INF"};
  constexpr std::string_view kWordStart = "yYnNtTfFoO~";
  constexpr std::string_view kNumberStart = "+-.0123456789";
  if (text.empty()) {
    return Json();
  }
  if (kWordStart.find(text.front()) != kWordStart.npos) {
    if (IsOneOf(text, kNull)) {
      return Json();
    }
    if (IsOneOf(text, kTrue) || IsOneOf(text, kFalse)) {
      return Json(IsOneOf(text, kTrue));
    }
    return Json(text);
  }
  if (kNumberStart.find(text.front()) == kNumberStart.npos) {
    return Json(text);
  }
  if (IsOneOf(text, kNotJson)) {
    return Fail(ErrorCode::kInvalid, "JSON has no number " + std::string(text) + ", quote it");
  }
  std::optional<Json> number = ParseNumber(text);
  return number ? *std::move(number) : Json(text);
}

}  // namespace midwatch::manifest
