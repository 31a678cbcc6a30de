#include "controller/object/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/base/text.h"
#include "controller/object/quick_json.h"

namespace midwatch {
namespace {

const Json& NullValue() {
  static const Json kNull;
  return kNull;
}

template <typename Vector>
auto LowerBound(Vector& members, std::string_view name) {
  return std::lower_bound(
      members.begin(), members.end(), name,
      [](const Json::Member& m, std::string_view n) { return m.name.compare(n) < 0; });
}

/// True if it is read as a double again, and the same one.
bool AppendDouble(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += "null";  // JSON has no other way; ParseJson and arithmetic of ours never make one.
    return false;
  }
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  out.append(text);
  return text.find_first_of(".e") != std::string_view::npos;
}

/// Builds a Json from the events of nlohmann's parser, within limits.
class TreeBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit TreeBuilder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(std::int64_t{value}); }
  bool number_unsigned(number_unsigned_t value) override {
    return value <= static_cast<number_unsigned_t>(INT64_MAX)
               ? Add(static_cast<std::int64_t>(value))
               : Add(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Open(Json::EmptyObject()); }
  bool start_array(std::size_t) override { return Open(Json::EmptyArray()); }
  bool end_object() override {
    return (stack_.back().sorted || SortMembers(stack_.back().value.MutableMembers())) && Close();
  }
  bool end_array() override { return Close(); }
  bool key(string_t& name) override {
    stack_.back().name = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& cause) override {
    position_ = position;
    const std::string_view what = cause.what();
    const std::size_t dash = what.find(" - ");
    error_ = dash == std::string_view::npos ? what : what.substr(dash + 3);
    return false;
  }

  Json TakeValue() { return std::move(root_); }
  std::vector<std::string> TakeDuplicates() { return std::move(duplicates_); }
  const std::string& error() const { return error_; }
  std::size_t position() const { return position_; }

 private:
  struct Frame {
    Json value;
    std::string name;    // The member that comes next, if the value is an object.
    bool sorted = true;  // So far; the members of an object stand in the order of the text.
  };

  bool Add(Json value) {
    if (++nodes_ > limits_.nodes) {
      error_ = "more than " + std::to_string(limits_.nodes) + " values";
      return false;
    }
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (Frame& top = stack_.back(); top.value.IsArray()) {
      top.value.Append(std::move(value));
    } else {
      Json::Object& members = top.value.MutableMembers();
      top.sorted = top.sorted && (members.empty() || members.back().name < top.name);
      members.push_back({top.name, std::move(value)});
    }
    return true;
  }
  /// Sorts the members of the object that ends here, the last of equal names wins. Once per object:
  /// inserting each where it belongs takes minutes for a large object in descending order.
  bool SortMembers(Json::Object& members) {
    std::stable_sort(members.begin(), members.end(),
                     [](const Json::Member& a, const Json::Member& b) { return a.name < b.name; });
    Json::Object kept;
    kept.reserve(members.size());
    for (Json::Member& member : members) {
      if (kept.empty() || kept.back().name != member.name) {
        kept.push_back(std::move(member));
        continue;
      }
      NoteDuplicate(member.name);
      if (limits_.reject_duplicates) {
        error_ = "duplicate member " + Quote(PathTo(member.name));
        return false;
      }
      kept.back().value = std::move(member.value);
    }
    members = std::move(kept);
    return true;
  }
  bool Open(Json container) {
    if (static_cast<int>(stack_.size()) >= limits_.depth) {
      error_ = "nested deeper than " + std::to_string(limits_.depth) + " levels";
      return false;
    }
    stack_.push_back({std::move(container), {}, true});
    return true;
  }
  bool Close() {
    Json value = std::move(stack_.back().value);
    stack_.pop_back();
    return Add(std::move(value));
  }
  std::string PathTo(const std::string& last) const {
    std::string path;
    for (std::size_t i = 0; i + 1 < stack_.size(); ++i) {
      const Frame& frame = stack_[i];
      path += frame.value.IsArray() ? "[" + std::to_string(frame.value.Items().size()) + "]."
                                    : frame.name + (stack_[i + 1].value.IsArray() ? "" : ".");
    }
    return path + last;
  }
  void NoteDuplicate(const std::string& name) {
    constexpr std::size_t kMostNoted = 100;
    if (duplicates_.size() < kMostNoted) {
      duplicates_.push_back(PathTo(name));
    }
  }

  const JsonLimits& limits_;
  Json root_;
  std::vector<Frame> stack_;
  std::vector<std::string> duplicates_;
  std::size_t nodes_ = 0;
  std::string error_;
  std::size_t position_ = 0;
};

std::string LineAndColumn(std::string_view text, std::size_t position) {
  const std::string_view before = text.substr(0, position == 0 ? 0 : position - 1);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n') + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(before.size() - start + 1);
}

void DumpIndented(const Json& value, int indent, int level, std::string& out) {
  const auto newline = [&](int depth) {
    out += '\n';
    out.append(static_cast<std::size_t>(indent * depth), ' ');
  };
  const auto element = [&](bool first) {
    out += first ? "" : ",";
    newline(level + 1);
  };
  if (value.IsArray() && !value.Items().empty()) {
    out += '[';
    for (const Json& item : value.Items()) {
      element(&item == value.Items().data());
      DumpIndented(item, indent, level + 1, out);
    }
    newline(level);
    out += ']';
  } else if (value.IsObject() && !value.Members().empty()) {
    out += '{';
    for (const Json::Member& member : value.Members()) {
      element(&member == value.Members().data());
      AppendJsonString(member.name, out);
      out += ": ";
      DumpIndented(member.value, indent, level + 1, out);
    }
    newline(level);
    out += '}';
  } else {
    value.DumpTo(out);
  }
}

}  // namespace

Json::Json() : value_(nullptr) {}
Json::Json(bool value) : value_(value) {}
Json::Json(std::int64_t value) : value_(value) {}
Json::Json(double value) : value_(value) {}
Json::Json(const char* value) : value_(std::string(value)) {}
Json::Json(std::string_view value) : value_(std::string(value)) {}
Json::Json(std::string value) : value_(std::move(value)) {}
Json::Json(Array value) : value_(CopyOnWrite<Array>(std::move(value))) {}
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

Json Json::EmptyArray() {
  Json out;
  out.value_.emplace<CopyOnWrite<Array>>();
  return out;
}
Json Json::EmptyObject() {
  Json out;
  out.value_.emplace<CopyOnWrite<Object>>();
  return out;
}
Json Json::Of(std::initializer_list<Member> members) {
  Json out = EmptyObject();
  for (const Member& member : members) {
    out.Set(member.name, member.value);
  }
  return out;
}
Json Json::ArrayOf(std::initializer_list<Json> items) { return Json(Array(items)); }

bool Json::IsNull() const { return std::holds_alternative<std::nullptr_t>(value_); }
bool Json::IsBool() const { return std::holds_alternative<bool>(value_); }
bool Json::IsInt() const { return std::holds_alternative<std::int64_t>(value_); }
bool Json::IsNumber() const { return IsInt() || std::holds_alternative<double>(value_); }
bool Json::IsString() const { return std::holds_alternative<std::string>(value_); }
bool Json::IsArray() const { return std::holds_alternative<CopyOnWrite<Array>>(value_); }
bool Json::IsObject() const { return std::holds_alternative<CopyOnWrite<Object>>(value_); }

std::string_view Json::TypeName() const {
  constexpr std::array<std::string_view, 7> kNames = {"null",   "boolean", "integer", "number",
                                                      "string", "array",   "object"};
  return kNames.at(value_.index());
}

bool Json::AsBool() const {
  const bool* value = std::get_if<bool>(&value_);
  return value != nullptr && *value;
}
std::int64_t Json::AsInt() const {
  const std::int64_t* value = std::get_if<std::int64_t>(&value_);
  return value == nullptr ? 0 : *value;
}
double Json::AsDouble() const {
  const double* value = std::get_if<double>(&value_);
  return value == nullptr ? static_cast<double>(AsInt()) : *value;
}
const std::string& Json::AsString() const {
  static const std::string kEmpty;
  const std::string* value = std::get_if<std::string>(&value_);
  return value == nullptr ? kEmpty : *value;
}
const Json::Array& Json::Items() const {
  static const Array kEmpty;
  const auto* value = std::get_if<CopyOnWrite<Array>>(&value_);
  return value == nullptr ? kEmpty : value->Read();
}
const Json::Object& Json::Members() const {
  static const Object kEmpty;
  const auto* value = std::get_if<CopyOnWrite<Object>>(&value_);
  return value == nullptr ? kEmpty : value->Read();
}

const Json* Json::Find(std::string_view name) const {
  const Object& members = Members();
  // Of a few, most are ruled out by the length of their names alone.
  constexpr std::size_t kFew = 16;
  if (members.size() > kFew) {
    const auto found = LowerBound(members, name);
    return found != members.end() && found->name == name ? &found->value : nullptr;
  }
  for (const Member& member : members) {
    if (member.name == name) {
      return &member.value;
    }
  }
  return nullptr;
}
Json* Json::FindMutable(std::string_view name) {
  if (Find(name) == nullptr) {
    return nullptr;
  }
  return &LowerBound(MutableMembers(), name)->value;
}
const Json& Json::At(std::string_view name) const {
  const Json* found = Find(name);
  return found == nullptr ? NullValue() : *found;
}

Json& Json::operator[](std::string_view name) {
  Object& members = MutableMembers();
  auto at = LowerBound(members, name);
  if (at == members.end() || at->name != name) {
    at = members.insert(at, Member{std::string(name), {}});
  }
  return at->value;
}
bool Json::SharesWith(const Json& other) const {
  if (const auto* items = std::get_if<CopyOnWrite<Array>>(&value_)) {
    const auto* theirs = std::get_if<CopyOnWrite<Array>>(&other.value_);
    return theirs != nullptr && items->SamePlace(*theirs);
  }
  const auto* members = std::get_if<CopyOnWrite<Object>>(&value_);
  const auto* theirs = std::get_if<CopyOnWrite<Object>>(&other.value_);
  return members != nullptr && theirs != nullptr && members->SamePlace(*theirs);
}
void Json::Set(std::string_view name, Json value) { (*this)[name] = std::move(value); }
bool Json::Erase(std::string_view name) {
  if (Find(name) == nullptr) {
    return false;
  }
  Object& members = MutableMembers();
  members.erase(LowerBound(members, name));
  return true;
}
Json::Array& Json::MutableItems() {
  if (!IsArray()) {
    value_.emplace<CopyOnWrite<Array>>();
  }
  return std::get<CopyOnWrite<Array>>(value_).Write();
}
Json::Object& Json::MutableMembers() {
  if (!IsObject()) {
    value_.emplace<CopyOnWrite<Object>>();
  }
  return std::get<CopyOnWrite<Object>>(value_).Write();
}
void Json::Append(Json item) { MutableItems().push_back(std::move(item)); }

namespace {

/// True if no byte is a control, a quote, a backslash or beyond ASCII: so are most strings. Looks
/// at eight bytes at a time; a byte of `x - ones` has its high bit set only if there is a zero byte
/// in `x`, here or further down.
bool IsPlain(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHigh = kOnes << 7U;
  const auto suspects = [](std::uint64_t word) {
    const std::uint64_t quote = word ^ (kOnes * '"');
    const std::uint64_t backslash = word ^ (kOnes * '\\');
    return (word | (word - kOnes * 0x20U) | (quote - kOnes) | (backslash - kOnes)) & kHigh;
  };
  std::uint64_t found = 0;
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof(word));
    found |= suspects(word);
    text.remove_prefix(sizeof(word));
  }
  std::uint64_t rest = kOnes * 'x';
  if (!text.empty()) {
    std::memcpy(&rest, text.data(), text.size());
  }
  return (found | suspects(rest)) == 0;
}

/// True if the text is UTF-8, so that it stands there as it is.
bool AppendString(std::string_view text, std::string& out) {
  if (IsPlain(text)) {
    out += '"';
    out += text;
    out += '"';
    return true;
  }
  if (FindInvalidUtf8(text)) {
    out += nlohmann::json(std::string(text))
               .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return false;
  }
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) {
      continue;
    }
    out.append(text.substr(plain, i - plain));
    plain = i + 1;
    constexpr std::string_view kShort = "\"\\\n\t\r\b\f";
    constexpr std::string_view kLetters = "\"\\ntrbf";
    if (const std::size_t at = kShort.find(c); at != std::string_view::npos) {
      out += {'\\', kLetters[at]};
    } else {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += {'\\', 'u', '0', '0', kDigits[static_cast<unsigned char>(c) >> 4U], kDigits[c & 15]};
    }
  }
  out.append(text.substr(plain));
  out += '"';
  return true;
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& out) { AppendString(text, out); }

bool Json::DumpTo(std::string& out) const {
  bool exact = true;
  if (IsObject()) {
    out += '{';
    for (const Member& member : Members()) {
      if (&member != Members().data()) {
        out += ',';
      }
      exact &= AppendString(member.name, out);
      out += ':';
      exact &= member.value.DumpTo(out);
    }
    out += '}';
  } else if (IsArray()) {
    out += '[';
    for (const Json& item : Items()) {
      out += &item == Items().data() ? "" : ",";
      exact &= item.DumpTo(out);
    }
    out += ']';
  } else if (IsString()) {
    exact = AppendString(AsString(), out);
  } else if (IsInt()) {
    out += std::to_string(AsInt());
  } else if (IsNumber()) {
    exact = AppendDouble(AsDouble(), out);
  } else {
    out += IsNull() ? "null" : AsBool() ? "true" : "false";
  }
  return exact;
}

std::string Json::Dump() const {
  std::string out;
  DumpTo(out);
  return out;
}

std::string Json::DumpPretty(int indent) const {
  std::string out;
  DumpIndented(*this, indent, 0, out);
  return out;
}

bool operator==(const Json& a, const Json& b) {
  if (a.IsNumber() && b.IsNumber() && a.IsInt() != b.IsInt()) {
    return a.AsDouble() == b.AsDouble();
  }
  return a.value_ == b.value_;
}

Result<ParsedJson> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return Fail(ErrorCode::kTooLarge, "the document has " + std::to_string(text.size()) +
                                          " bytes, expected at most " +
                                          std::to_string(limits.bytes));
  }
  if (auto quick = ReadQuickly(text, limits)) {
    return ParsedJson{*std::move(quick), {}};
  }
  TreeBuilder builder(limits);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    const std::string where =
        builder.position() == 0 ? "" : LineAndColumn(text, builder.position()) + ": ";
    return Fail(ErrorCode::kBadRequest, where + builder.error());
  }
  return ParsedJson{builder.TakeValue(), builder.TakeDuplicates()};
}

Result<Json> ParseJson(std::string_view text) {
  MIDWATCH_ASSIGN(ParsedJson parsed, ParseJson(text, JsonLimits{}));
  return std::move(parsed.value);
}

}  // namespace midwatch
