#include "controller/manifest/yaml_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <vector>

#include "controller/manifest/plain_scalar.h"

namespace midwatch::manifest {
namespace {

constexpr std::size_t kFoldBeyond = 80;
constexpr int kIndent = 2;

bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }
bool IsLetter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0xC0; }

/// The code points of well-formed UTF-8.
std::u32string Decode(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t width = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = width == 1 ? lead : lead & (0x7FU >> width);
    for (std::size_t k = 1; k < width && i + k < text.size(); ++k) {
      code = (code << 6U) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    out += code;
    i += width;
  }
  return out;
}

/// The digits from `at` as goyaml.v2 counts them, for keys such as `a2` and `a10`.
struct Digits {
  std::int64_t number = 0;
  std::size_t end = 0;
};
Digits DigitsAt(const std::u32string& key, std::size_t at, std::int64_t number) {
  constexpr std::int64_t kAlmostFull = INT64_MAX / 16;
  for (; at < key.size() && IsDigit(key[at]); ++at) {
    number = number > kAlmostFull ? number : number * 10 + static_cast<std::int64_t>(key[at] - '0');
  }
  return {number, at};
}

/// Zeros inside a number are not leading zeros.
bool FollowsNumber(const std::u32string& key, std::size_t at) {
  for (std::size_t j = at; j > 0 && IsDigit(key[j - 1]); --j) {
    if (key[j - 1] != '0') {
      return true;
    }
  }
  return false;
}

/// goyaml.v2, sorter.go: letters after everything else, digits as numbers. Not transitive
/// (a10 < a1b < a2 < a10), which a merge sort bears; such keys may stand in another order than
/// there.
bool KeyLess(const std::u32string& a, const std::u32string& b) {
  const auto [left, right] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (left == a.end() || right == b.end()) {
    return a.size() < b.size();
  }
  if (IsLetter(*left) && IsLetter(*right)) {
    return *left < *right;
  }
  if (IsLetter(*left) || IsLetter(*right)) {
    return IsLetter(*right);
  }
  const auto at = static_cast<std::size_t>(left - a.begin());
  const bool inside = (*left == '0' || *right == '0') && FollowsNumber(a, at);
  const Digits x = DigitsAt(a, at, inside ? 1 : 0);
  const Digits y = DigitsAt(b, at, inside ? 1 : 0);
  if (x.number != y.number) {
    return x.number < y.number;
  }
  return x.end != y.end ? x.end < y.end : *left < *right;
}

/// One or two digits at `at` with a value in [low, high]; moves past them.
bool TakeNumber(std::string_view text, std::size_t& at, int low, int high) {
  int value = 0;
  const std::size_t start = at;
  while (at < text.size() && at < start + 2 && text[at] >= '0' && text[at] <= '9') {
    value = value * 10 + (text[at++] - '0');
  }
  return at > start && value >= low && value <= high;
}

bool TakeChar(std::string_view text, std::size_t& at, std::string_view any_of) {
  const bool there = at < text.size() && any_of.find(text[at]) != any_of.npos;
  at += there ? 1 : 0;
  return there;
}

/// `15:4:5` with an optional fraction.
bool TakeClock(std::string_view text, std::size_t& at) {
  if (!TakeNumber(text, at, 0, 23) || !TakeChar(text, at, ":") || !TakeNumber(text, at, 0, 59) ||
      !TakeChar(text, at, ":") || !TakeNumber(text, at, 0, 59)) {
    return false;
  }
  if (TakeChar(text, at, ".")) {
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      ++at;
    }
    return at > start;
  }
  return true;
}

bool TakeZone(std::string_view text, std::size_t& at) {
  if (TakeChar(text, at, "Z")) {
    return true;
  }
  return TakeChar(text, at, "+-") && at + 5 == text.size() && TakeNumber(text, at, 0, 24) &&
         TakeChar(text, at, ":") && TakeNumber(text, at, 0, 60);
}

/// What goyaml.v2 takes for a timestamp (resolve.go, allowedTimestampFormats).
bool LooksLikeTime(std::string_view text) {
  std::size_t at = 4;
  if (text.size() < 8 || text.substr(0, 4).find_first_not_of("0123456789") != text.npos ||
      !TakeChar(text, at, "-") || !TakeNumber(text, at, 1, 12) || !TakeChar(text, at, "-") ||
      !TakeNumber(text, at, 1, 31)) {
    return false;
  }
  if (at == text.size()) {
    return true;
  }
  if (TakeChar(text, at, " ")) {
    return TakeClock(text, at) && at == text.size();
  }
  return TakeChar(text, at, "Tt") && TakeClock(text, at) && TakeZone(text, at) && at == text.size();
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: numbers of YAML 1.1 in base 60.
bool LooksLikeBase60(std::string_view text) {
  std::size_t at = 0;
  TakeChar(text, at, "+-");
  if (!TakeChar(text, at, "0123456789")) {
    return false;
  }
  while (TakeChar(text, at, "0123456789_")) {
  }
  bool colons = false;
  while (TakeChar(text, at, ":")) {
    colons = true;
    const bool two = at + 1 < text.size() && text[at] >= '0' && text[at] <= '5' &&
                     text[at + 1] >= '0' && text[at + 1] <= '9';
    if (!two && !(at < text.size() && text[at] >= '0' && text[at] <= '9')) {
      return false;
    }
    at += two ? 2 : 1;
  }
  if (colons && TakeChar(text, at, ".")) {
    while (TakeChar(text, at, "0123456789_")) {
    }
  }
  return colons && at == text.size();
}

bool StaysText(std::string_view text) {
  const Result<Json> value = ResolvePlainScalar(text);
  return value && value->IsString() && !LooksLikeTime(text) && !LooksLikeBase60(text);
}

bool IsPrintable(char32_t c) {
  return c == '\n' || (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xFFFD && c != 0xFEFF);
}
bool IsSeparator(char32_t c) { return c == 0x2028 || c == 0x2029; }

/// How a text may be written (libyaml's analysis, for block context).
struct Shape {
  bool plain = true;
  bool single_quoted = true;
  bool literal = true;
};

bool StartsLikeSyntax(std::string_view text) {
  constexpr std::string_view kNever = "#,[]{}&*!|>'\"%@`";
  constexpr std::string_view kBeforeSpace = "?:-";
  const bool alone = text.size() == 1 || text[1] == ' ' || text[1] == '\t';
  return text.starts_with("---") || text.starts_with("...") ||
         kNever.find(text[0]) != kNever.npos ||
         (alone && kBeforeSpace.find(text[0]) != kBeforeSpace.npos);
}

bool HasSyntaxInside(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool before_space = i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\t';
    const char before = text[i - 1];
    const bool after_space = before == ' ' || before == '\t' || before == '\n';
    if ((text[i] == ':' && before_space) || (text[i] == '#' && after_space)) {
      return true;
    }
  }
  return false;
}

Shape Analyse(std::string_view text) {
  Shape shape;
  if (text.empty()) {
    shape.literal = false;
    return shape;
  }
  const std::u32string codes = Decode(text);
  const bool special = std::any_of(codes.begin(), codes.end(),
                                   [](char32_t c) { return !IsPrintable(c) || IsSeparator(c); });
  const bool space_break = text.find(" \n") != text.npos;
  const bool break_space = text.find("\n ") != text.npos;
  const bool edge =
      text.front() == ' ' || text.front() == '\n' || text.back() == ' ' || text.back() == '\n';
  const bool lines = text.find('\n') != text.npos;
  shape.plain = !special && !space_break && !break_space && !edge && !lines &&
                !StartsLikeSyntax(text) && !HasSyntaxInside(text);
  shape.single_quoted = !special && !space_break && !break_space;
  shape.literal = !special && !space_break && text.back() != ' ';
  return shape;
}

class Writer {
 public:
  void Document(const Json& value) {
    if (value.IsObject() && !value.Members().empty()) {
      Mapping(value, 0);
    } else if (value.IsArray() && !value.Items().empty()) {
      Sequence(value, 0);
    } else {
      Scalar(value, kIndent);
      out_ += '\n';
    }
  }

  /// A scalar or an empty container; `fold` allows line breaks.
  void Scalar(const Json& value, int indent, bool fold = true) {
    if (value.IsString()) {
      Text(value.AsString(), indent, fold);
    } else if (value.IsObject() || value.IsArray()) {
      out_ += value.IsObject() ? "{}" : "[]";
    } else if (value.IsNumber() && !value.IsInt()) {
      Double(value.AsDouble());
    } else {
      out_ += value.Dump();
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  static bool IsNested(const Json& value) {
    return (value.IsObject() && !value.Members().empty()) ||
           (value.IsArray() && !value.Items().empty());
  }

  void Pad(int indent) { out_.append(static_cast<std::size_t>(indent), ' '); }

  static std::vector<const Json::Member*> Sorted(const Json& value) {
    std::vector<std::pair<std::u32string, const Json::Member*>> keyed;
    for (const Json::Member& member : value.Members()) {
      keyed.emplace_back(Decode(member.name), &member);
    }
    std::stable_sort(keyed.begin(), keyed.end(),
                     [](const auto& a, const auto& b) { return KeyLess(a.first, b.first); });
    std::vector<const Json::Member*> out;
    for (const auto& [key, member] : keyed) {
      out.push_back(member);
    }
    return out;
  }

  /// The first line is already indented when `inline_start`.
  void Mapping(const Json& value, int indent, bool inline_start = false) {
    bool first = true;
    for (const Json::Member* member : Sorted(value)) {
      if (!first || !inline_start) {
        Pad(indent);
      }
      first = false;
      Key(member->name);
      out_ += ':';
      if (!IsNested(member->value)) {
        out_ += ' ';
        Scalar(member->value, indent + kIndent);
        out_ += '\n';
      } else if (member->value.IsObject()) {
        out_ += '\n';
        Mapping(member->value, indent + kIndent);
      } else {
        out_ += '\n';
        Sequence(member->value, indent);
      }
    }
  }

  void Sequence(const Json& value, int indent, bool inline_start = false) {
    bool first = true;
    for (const Json& item : value.Items()) {
      if (!first || !inline_start) {
        Pad(indent);
      }
      first = false;
      out_ += "- ";
      if (!IsNested(item)) {
        Scalar(item, indent + kIndent);
        out_ += '\n';
      } else if (item.IsObject()) {
        Mapping(item, indent + kIndent, true);
      } else {
        Sequence(item, indent + kIndent, true);
      }
    }
  }

  void Key(const std::string& name) {
    if (name.find('\n') != name.npos) {
      DoubleQuoted(name, 0, false);
    } else {
      Text(name, 0, false);
    }
  }

  void Text(const std::string& text, int indent, bool fold) {
    const Shape shape = Analyse(text);
    if (text.find('\n') != text.npos) {
      if (shape.literal && fold) {
        Literal(text, indent);
      } else {
        DoubleQuoted(text, indent, fold);
      }
      return;
    }
    if (!StaysText(text)) {
      DoubleQuoted(text, indent, fold);
    } else if (shape.plain) {
      Folded(text, indent, fold, "");
    } else if (shape.single_quoted) {
      Folded(text, indent, fold, "'");
    } else {
      DoubleQuoted(text, indent, fold);
    }
  }

  std::size_t Column() const {
    const std::size_t start = out_.rfind('\n') + 1;
    return static_cast<std::size_t>(
        std::count_if(out_.begin() + static_cast<std::ptrdiff_t>(start), out_.end(),
                      [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
  }

  /// Plain, or in single quotes.
  void Folded(std::string_view text, int indent, bool fold, std::string_view quote) {
    out_ += quote;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool lone = text[i] == ' ' && i > 0 && text[i - 1] != ' ' && i + 1 < text.size() &&
                        text[i + 1] != ' ';
      if (lone && fold && Column() > kFoldBeyond) {
        out_ += '\n';
        Pad(indent);
        continue;
      }
      out_ += text[i];
      if (text[i] == '\'' && !quote.empty()) {
        out_ += '\'';
      }
    }
    out_ += quote;
  }

  void DoubleQuoted(std::string_view text, int indent, bool fold) {
    out_ += '"';
    const std::u32string codes = Decode(text);
    std::size_t at = 0;
    bool spaces = false;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const std::size_t width = codes[i] < 0x80      ? 1
                                : codes[i] < 0x800   ? 2
                                : codes[i] < 0x10000 ? 3
                                                     : 4;
      if (codes[i] == ' ' && fold && !spaces && i > 0 && i + 1 < codes.size() &&
          Column() > kFoldBeyond) {
        out_ += '\n';
        Pad(indent);
        out_ += codes[i + 1] == ' ' ? "\\" : "";
      } else if (!IsPrintable(codes[i]) || IsSeparator(codes[i]) || codes[i] == '\n' ||
                 codes[i] == '"' || codes[i] == '\\') {
        Escape(codes[i]);
      } else {
        out_ += text.substr(at, width);
      }
      spaces = codes[i] == ' ';
      at += width;
    }
    out_ += '"';
  }

  void Escape(char32_t code) {
    constexpr std::array<std::pair<char32_t, char>, 15> kShort = {{{0, '0'},
                                                                   {7, 'a'},
                                                                   {8, 'b'},
                                                                   {9, 't'},
                                                                   {10, 'n'},
                                                                   {11, 'v'},
                                                                   {12, 'f'},
                                                                   {13, 'r'},
                                                                   {0x1B, 'e'},
                                                                   {'"', '"'},
                                                                   {'\\', '\\'},
                                                                   {0x85, 'N'},
                                                                   {0xA0, '_'},
                                                                   {0x2028, 'L'},
                                                                   {0x2029, 'P'}}};
    out_ += '\\';
    const auto found = std::find_if(kShort.begin(), kShort.end(),
                                    [&](const auto& row) { return row.first == code; });
    if (found != kShort.end()) {
      out_ += found->second;
      return;
    }
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const unsigned digits = code <= 0xFF ? 2 : code <= 0xFFFF ? 4 : 8;
    out_ += code <= 0xFF ? 'x' : code <= 0xFFFF ? 'u' : 'U';
    for (unsigned i = digits; i > 0; --i) {
      out_ += kDigits[(code >> (4 * (i - 1))) & 15U];
    }
  }

  void Literal(std::string_view text, int indent) {
    out_ += '|';
    if (text.front() == ' ' || text.front() == '\n') {
      out_ += std::to_string(kIndent);
    }
    const bool ends = text.back() == '\n';
    const bool blank_end = ends && (text.size() == 1 || text[text.size() - 2] == '\n');
    out_ += blank_end ? "+" : ends ? "" : "-";
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      out_ += '\n';
      if (end > at) {
        Pad(indent);
      }
      out_ += text.substr(at, end - at);
      at = end + 1;
    }
  }

  /// As Go prints it by way of JSON: whole numbers of 64 bits as integers, the rest as
  /// strconv.FormatFloat(value, 'g', -1, 64).
  void Double(double value) {
    constexpr double kLeast = -9223372036854775808.0;
    constexpr double kBeyond = 18446744073709551616.0;
    const bool whole = value == std::trunc(value) && value >= kLeast && value < kBeyond;
    const std::string_view shown = Print(value, std::chars_format::scientific);
    const std::size_t mark = std::min(shown.find('e'), shown.size());
    int exponent = 0;
    std::from_chars(shown.data() + mark + (shown.substr(mark).starts_with("e+") ? 2 : 1),
                    shown.data() + shown.size(), exponent);
    constexpr int kLow = -4;
    constexpr int kHigh = 6;
    const bool fixed = whole || (exponent >= kLow && exponent < kHigh);
    out_ += fixed ? Print(value, std::chars_format::fixed) : shown;
  }

  std::string_view Print(double value, std::chars_format format) {
    char* end = std::to_chars(number_.data(), number_.data() + number_.size(), value, format).ptr;
    return {number_.data(), static_cast<std::size_t>(end - number_.data())};
  }

  std::array<char, 64> number_{};
  std::string out_;
};

}  // namespace

std::string WriteYaml(const Json& value) {
  Writer writer;
  writer.Document(value);
  return writer.Take();
}

std::string WriteYamlScalar(const Json& value) {
  Writer writer;
  writer.Scalar(value, 0, false);
  return writer.Take();
}

}  // namespace midwatch::manifest
