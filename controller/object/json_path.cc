#include "controller/object/json_path.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "controller/base/text.h"

namespace midwatch {
namespace {

constexpr std::size_t kMostSteps = 64;

/// Reads the steps of a path from the front of a text.
class PathReader {
 public:
  explicit PathReader(std::string_view text) : text_(text), rest_(text) {}

  Result<std::vector<JsonPath::Step>> Read() {
    if (rest_.starts_with('{') && rest_.ends_with('}')) {
      rest_ = rest_.substr(1, rest_.size() - 2);
    }
    Take("$");
    std::vector<JsonPath::Step> steps;
    while (!rest_.empty() && rest_ != ".") {
      if (steps.size() == kMostSteps) {
        return Bad("at most " + std::to_string(kMostSteps) + " steps");
      }
      MIDWATCH_ASSIGN(JsonPath::Step step, Take("[") ? Bracket() : Dot());
      steps.push_back(std::move(step));
    }
    return steps;
  }

 private:
  tl::unexpected<Error> Bad(const std::string& expected) const {
    return Fail(ErrorCode::kInvalid, "JSON path " + Quote(text_) + ": expected " + expected +
                                         " at offset " +
                                         std::to_string(text_.size() - rest_.size()));
  }
  bool Take(std::string_view sign) {
    if (!rest_.starts_with(sign)) {
      return false;
    }
    rest_.remove_prefix(sign.size());
    return true;
  }
  /// A name up to one of `ends`, `\` escaping the next character.
  std::string Name(std::string_view ends) {
    std::string out;
    while (!rest_.empty() && ends.find(rest_[0]) == std::string_view::npos) {
      if (rest_[0] == '\\' && rest_.size() > 1) {
        rest_.remove_prefix(1);
      }
      out += rest_[0];
      rest_.remove_prefix(1);
    }
    return out;
  }
  Result<JsonPath::Step> Dot() {
    if (!Take(".")) {
      return Bad("'.' or '['");
    }
    if (rest_.starts_with('[')) {
      Take("[");
      return Bracket();
    }
    std::string name = Name(".[");
    if (name.empty()) {
      return Bad("a field name");
    }
    if (name == "*") {
      return JsonPath::Step(JsonPath::Wildcard{});
    }
    return JsonPath::Step(JsonPath::Field{std::move(name)});
  }
  Result<JsonPath::Step> Bracket() {
    if (Take("?(")) {
      return FilterStep();
    }
    if (Take("*]")) {
      return JsonPath::Step(JsonPath::Wildcard{});
    }
    if (rest_.starts_with('\'') || rest_.starts_with('"')) {
      MIDWATCH_ASSIGN(std::string name, Quoted());
      return Take("]") ? Result<JsonPath::Step>(JsonPath::Field{std::move(name)}) : Bad("']'");
    }
    std::int64_t index = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), index);
    if (error != std::errc{}) {
      return Bad("an index, '*', a quoted name or a filter");
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return Take("]") ? Result<JsonPath::Step>(JsonPath::Index{index}) : Bad("']'");
  }
  Result<std::string> Quoted() {
    const char quote[] = {rest_[0], '\0'};
    rest_.remove_prefix(1);
    std::string out = Name(quote);
    return Take(quote) ? Result<std::string>(std::move(out)) : Bad("a closing quote");
  }
  Result<JsonPath::Step> FilterStep() {
    JsonPath::Filter filter;
    Blanks();
    if (!Take("@")) {
      return Bad("'@'");
    }
    while (Take(".")) {
      filter.path.push_back(Name(".=!<>) "));
    }
    Blanks();
    for (const std::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (filter.op.empty() && Take(op)) {
        filter.op = op;
      }
    }
    Blanks();
    if (!filter.op.empty()) {
      MIDWATCH_ASSIGN(filter.value, Literal());
    }
    Blanks();
    return Take(")]") ? Result<JsonPath::Step>(std::move(filter)) : Bad("')]'");
  }
  Result<Json> Literal() {
    if (rest_.starts_with('\'') || rest_.starts_with('"')) {
      MIDWATCH_ASSIGN(std::string text, Quoted());
      return Json(std::move(text));
    }
    auto value = ParseJson(Trim(rest_.substr(0, rest_.find(')'))));
    if (!value || value->IsArray() || value->IsObject()) {
      return Bad("a string, a number or a boolean");
    }
    rest_.remove_prefix(std::min(rest_.find(')'), rest_.size()));
    return value;
  }
  void Blanks() {
    while (Take(" ")) {
    }
  }

  std::string_view text_;
  std::string_view rest_;
};

bool Compare(const Json& found, std::string_view op, const Json& value) {
  if (op == "==" || op == "!=") {
    return (found == value) == (op == "==");
  }
  int order = 0;
  if (found.IsNumber() && value.IsNumber()) {
    order = found.AsDouble() < value.AsDouble() ? -1 : found.AsDouble() > value.AsDouble() ? 1 : 0;
  } else if (found.IsString() && value.IsString()) {
    order = found.AsString().compare(value.AsString());
  } else {
    return false;
  }
  return op == "<" ? order < 0 : op == "<=" ? order <= 0 : op == ">" ? order > 0 : order >= 0;
}

bool Passes(const JsonPath::Filter& filter, const Json& item) {
  const Json* at = &item;
  for (const std::string& name : filter.path) {
    at = at == nullptr ? nullptr : at->Find(name);
  }
  return at != nullptr && (filter.op.empty() || Compare(*at, filter.op, filter.value));
}

/// Where one step leads from one value.
struct StepWalk {
  const Json& from;
  std::vector<const Json*>& out;

  void operator()(const JsonPath::Field& step) const {
    if (const Json* child = from.Find(step.name); child != nullptr) {
      out.push_back(child);
    }
  }
  void operator()(const JsonPath::Index& step) const {
    const auto size = static_cast<std::int64_t>(from.Items().size());
    const std::int64_t at = step.at < 0 ? size + step.at : step.at;
    if (at >= 0 && at < size) {
      out.push_back(&from.Items()[static_cast<std::size_t>(at)]);
    }
  }
  void operator()(const JsonPath::Wildcard&) const {
    for (const Json& item : from.Items()) {
      out.push_back(&item);
    }
    for (const Json::Member& member : from.Members()) {
      out.push_back(&member.value);
    }
  }
  void operator()(const JsonPath::Filter& step) const {
    for (const Json& item : from.Items()) {
      if (Passes(step, item)) {
        out.push_back(&item);
      }
    }
  }
};

}  // namespace

Result<JsonPath> JsonPath::Parse(std::string_view text) {
  JsonPath out;
  MIDWATCH_ASSIGN(out.steps_, PathReader(text).Read());
  return out;
}

std::vector<const Json*> JsonPath::All(const Json& root) const {
  std::vector<const Json*> found = {&root};
  for (const Step& step : steps_) {
    std::vector<const Json*> next;
    for (const Json* from : found) {
      std::visit(StepWalk{*from, next}, step);
    }
    found = std::move(next);
  }
  return found;
}

const Json* JsonPath::First(const Json& root) const {
  const std::vector<const Json*> found = All(root);
  return found.empty() ? nullptr : found.front();
}

}  // namespace midwatch
