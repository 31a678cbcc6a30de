#include "controller/object/quick_json.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "controller/base/text.h"

namespace midwatch {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class QuickReader {
 public:
  QuickReader(std::string_view text, const JsonLimits& limits)
      : at_(text.data()), end_(text.data() + text.size()), limits_(limits) {}

  std::optional<Json> Read() {
    Json value;
    if (!ReadValue(value, 0)) {
      return std::nullopt;
    }
    SkipSpace();
    return at_ == end_ ? std::optional(std::move(value)) : std::nullopt;
  }

 private:
  void SkipSpace() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) {
      ++at_;
    }
  }
  bool Take(char c) {
    SkipSpace();
    const bool there = at_ != end_ && *at_ == c;
    at_ += there ? 1 : 0;
    return there;
  }

  bool ReadValue(Json& out, int depth) {
    SkipSpace();
    if (at_ == end_ || ++nodes_ > limits_.nodes) {
      return false;
    }
    switch (*at_) {
      case '{':
        return depth < limits_.depth && ReadObject(out, depth + 1);
      case '[':
        return depth < limits_.depth && ReadArray(out, depth + 1);
      case '"': {
        std::string text;
        const bool read = ReadString(text);
        out = std::move(text);
        return read;
      }
      case 't':
        return ReadWord("true", true, out);
      case 'f':
        return ReadWord("false", false, out);
      case 'n':
        return ReadWord("null", nullptr, out);
      default:
        return ReadNumber(out);
    }
  }

  bool ReadWord(std::string_view word, Json value, Json& out) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) {
      return false;
    }
    at_ += word.size();
    out = std::move(value);
    return true;
  }

  bool ReadObject(Json& out, int depth) {
    ++at_;
    Json::Object& members = out.MutableMembers();
    if (Take('}')) {
      return true;
    }
    constexpr std::size_t kUsual = 4;
    members.reserve(kUsual);
    bool sorted = true;
    do {
      std::string name;
      SkipSpace();
      if (at_ == end_ || *at_ != '"' || !ReadString(name) || !Take(':')) {
        return false;
      }
      sorted = sorted && (members.empty() || members.back().name < name);
      members.push_back({std::move(name), {}});
      if (!ReadValue(members.back().value, depth)) {
        return false;
      }
    } while (Take(','));
    return Take('}') && (sorted || SortMembers(members));
  }

  /// False if a name stands there twice.
  static bool SortMembers(Json::Object& members) {
    std::sort(members.begin(), members.end(),
              [](const Json::Member& a, const Json::Member& b) { return a.name < b.name; });
    return std::adjacent_find(members.begin(), members.end(),
                              [](const Json::Member& a, const Json::Member& b) {
                                return a.name == b.name;
                              }) == members.end();
  }

  bool ReadArray(Json& out, int depth) {
    ++at_;
    Json::Array& items = out.MutableItems();
    if (Take(']')) {
      return true;
    }
    do {
      items.emplace_back();
      if (!ReadValue(items.back(), depth)) {
        return false;
      }
    } while (Take(','));
    return Take(']');
  }

  bool ReadString(std::string& out) {
    const char* from = ++at_;
    bool ascii = true;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
      const auto byte = static_cast<unsigned char>(*at_);
      if (byte < 0x20) {
        return false;
      }
      ascii = ascii && byte < 0x80;
      if (byte == '\\') {
        out.append(from, at_);
        if (!ReadEscape(out)) {
          return false;
        }
        from = at_ + 1;
      }
    }
    if (at_ == end_) {
      return false;
    }
    out.append(from, at_++);
    return ascii || !FindInvalidUtf8(out);
  }

  /// The one-letter ones; `at_` ends on the last character.
  bool ReadEscape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/ntrbf";
    constexpr std::string_view kMeant = "\"\\/\n\t\r\b\f";
    if (++at_ == end_) {
      return false;
    }
    const std::size_t letter = kLetters.find(*at_);
    if (letter == std::string_view::npos) {
      return false;
    }
    out += kMeant[letter];
    return true;
  }

  /// Integers that fit; everything else is left to the general parser.
  bool ReadNumber(Json& out) {
    const char* digits = at_ + (*at_ == '-' ? 1 : 0);
    if (digits == end_ || !IsDigit(*digits)) {
      return false;
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(at_, end_, value);
    const bool padded = *digits == '0' && end - digits > 1;
    const bool minus_zero = *digits == '0' && digits != at_;
    const bool goes_on = end != end_ && (*end == '.' || *end == 'e' || *end == 'E');
    if (error != std::errc() || padded || minus_zero || goes_on) {
      return false;
    }
    at_ = end;
    out = value;
    return true;
  }

  const char* at_;
  const char* const end_;
  const JsonLimits& limits_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::optional<Json> ReadQuickly(std::string_view text, const JsonLimits& limits) {
  return QuickReader(text, limits).Read();
}

}  // namespace midwatch
