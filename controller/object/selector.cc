#include "controller/object/selector.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "controller/base/text.h"
#include "controller/object/name_rules.h"

namespace midwatch {
namespace {

using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kSpecial = "(),!=<>";

/// Reads the words and signs of a label selector from the front of a text.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { SkipBlanks(); }

  bool Done() const { return at_ == text_.size(); }
  /// A word, maybe empty.
  std::string_view Word() {
    const std::size_t begin = at_;
    while (!Done() && kSpecial.find(text_[at_]) == std::string_view::npos &&
           kBlanks.find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
    const std::string_view word = text_.substr(begin, at_ - begin);
    SkipBlanks();
    return word;
  }
  bool Take(std::string_view sign) {
    if (!text_.substr(at_).starts_with(sign)) {
      return false;
    }
    at_ += sign.size();
    SkipBlanks();
    return true;
  }
  tl::unexpected<Error> Expected(std::string_view what) const {
    const std::string found = Done() ? "end of string" : Quote(text_.substr(at_, 20));
    return Fail(ErrorCode::kBadRequest, "unable to parse requirement: found " + found +
                                            " at offset " + std::to_string(at_) + ", expected " +
                                            std::string(what));
  }

 private:
  void SkipBlanks() {
    while (!Done() && kBlanks.find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<std::int64_t> ToInteger(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

/// Why the requirement is not valid, or nothing.
std::optional<std::string> Problem(const Requirement& requirement) {
  if (const auto problem = CheckQualifiedName(requirement.key)) {
    return "key " + Quote(requirement.key) + ": " + *problem;
  }
  const bool number = requirement.op == Operator::kGreater || requirement.op == Operator::kLess;
  for (const std::string& value : requirement.values) {
    if (number && !ToInteger(value)) {
      return "value " + Quote(value) + ": expected an integer after > and <";
    }
    if (const auto problem = CheckLabelValue(value)) {
      return "value " + Quote(value) + ": " + *problem;
    }
  }
  return std::nullopt;
}

Result<std::vector<std::string>> ParseValues(Lexer& in) {
  if (!in.Take("(")) {
    return in.Expected("(");
  }
  std::vector<std::string> values;
  do {
    values.emplace_back(in.Word());
  } while (in.Take(","));
  if (!in.Take(")")) {
    return in.Expected("',' or ')'");
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

Result<Requirement> ParseRequirement(Lexer& in) {
  const bool absent = in.Take("!");
  Requirement out{.key = std::string(in.Word()), .op = Operator::kExists, .values = {}};
  if (out.key.empty()) {
    return in.Expected("a label key");
  }
  if (absent) {
    out.op = Operator::kDoesNotExist;
    return out;
  }
  struct Sign {
    std::string_view text;
    Operator op;
  };
  for (const Sign& sign :
       {Sign{"==", Operator::kIn}, Sign{"=", Operator::kIn}, Sign{"!=", Operator::kNotIn},
        Sign{">", Operator::kGreater}, Sign{"<", Operator::kLess}}) {
    if (in.Take(sign.text)) {
      out.op = sign.op;
      out.values.emplace_back(in.Word());
      return out;
    }
  }
  const Lexer before = in;
  const std::string_view word = in.Word();
  if (word.empty()) {
    return out;
  }
  if (word != "in" && word != "notin") {
    return before.Expected("',', an operator or the end");
  }
  out.op = word == "in" ? Operator::kIn : Operator::kNotIn;
  MIDWATCH_ASSIGN(out.values, ParseValues(in));
  return out;
}

bool Holds(const Requirement& requirement, const LabelSelector::Labels& labels) {
  const auto found = labels.find(requirement.key);
  const bool present = found != labels.end();
  const auto listed = [&] {
    return std::binary_search(requirement.values.begin(), requirement.values.end(), found->second);
  };
  switch (requirement.op) {
    case Operator::kIn:
      return present && listed();
    case Operator::kNotIn:
      return !present || !listed();
    case Operator::kExists:
      return present;
    case Operator::kDoesNotExist:
      return !present;
    case Operator::kGreater:
    case Operator::kLess: {
      const auto value = present ? ToInteger(found->second) : std::nullopt;
      const auto limit = ToInteger(requirement.values.front());
      return value && limit &&
             (requirement.op == Operator::kGreater ? *value > *limit : *value < *limit);
    }
  }
  return false;
}

tl::unexpected<Error> BadField(const std::string& field, const std::string& what) {
  return Fail(ErrorCode::kInvalid, field + ": " + what);
}

Result<Requirement> FromExpression(const Json& expression, const std::string& field) {
  struct Name {
    std::string_view text;
    Operator op;
    bool with_values;
  };
  Requirement out{.key = expression.At("key").AsString(), .op = Operator::kExists, .values = {}};
  const std::string& name = expression.At("operator").AsString();
  for (const Name& known : {Name{"In", Operator::kIn, true}, Name{"NotIn", Operator::kNotIn, true},
                            Name{"Exists", Operator::kExists, false},
                            Name{"DoesNotExist", Operator::kDoesNotExist, false}}) {
    if (known.text != name) {
      continue;
    }
    out.op = known.op;
    for (const Json& value : expression.At("values").Items()) {
      out.values.push_back(value.AsString());
    }
    std::sort(out.values.begin(), out.values.end());
    if (out.values.empty() == known.with_values) {
      return BadField(field + ".values", known.with_values
                                             ? "must be specified when operator is In or NotIn"
                                             : "may not be specified when operator is Exists or "
                                               "DoesNotExist");
    }
    return out;
  }
  return BadField(field + ".operator",
                  Quote(name) + ": expected In, NotIn, Exists or DoesNotExist");
}

}  // namespace

Result<LabelSelector> LabelSelector::Parse(std::string_view text) {
  LabelSelector out;
  Lexer in(text);
  while (!in.Done()) {
    MIDWATCH_ASSIGN(Requirement requirement, ParseRequirement(in));
    if (const auto problem = Problem(requirement)) {
      return Fail(ErrorCode::kBadRequest, "unable to parse requirement: " + *problem);
    }
    out.requirements_.push_back(std::move(requirement));
    if (in.Done()) {
      break;
    }
    if (!in.Take(",")) {
      return in.Expected("',' or the end");
    }
    if (in.Done()) {
      return in.Expected("a label key after ','");
    }
  }
  return out;
}

Result<LabelSelector> LabelSelector::FromJson(const Json& selector) {
  LabelSelector out;
  for (const auto& [key, value] : selector.At("matchLabels").Members()) {
    out.requirements_.push_back({key, Operator::kIn, {value.AsString()}});
    if (const auto problem = Problem(out.requirements_.back())) {
      return BadField("matchLabels", *problem);
    }
  }
  const Json::Array& expressions = selector.At("matchExpressions").Items();
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    const std::string field = "matchExpressions[" + std::to_string(i) + "]";
    MIDWATCH_ASSIGN(Requirement requirement, FromExpression(expressions[i], field));
    if (const auto problem = Problem(requirement)) {
      return BadField(field, *problem);
    }
    out.requirements_.push_back(std::move(requirement));
  }
  return out;
}

bool LabelSelector::Matches(const Labels& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const Requirement& r) { return Holds(r, labels); });
}

namespace {

/// Splits at commas that no backslash precedes.
std::vector<std::string_view> SplitTerms(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == ',') {
      out.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  out.push_back(text.substr(begin));
  return out;
}

Result<std::string> Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (++i == text.size() || std::string_view("\\,=").find(text[i]) == std::string_view::npos) {
        return Fail(ErrorCode::kBadRequest, "invalid field selector: value " + Quote(text) +
                                                ": expected \\, , or = after a backslash");
      }
    } else if (text[i] == '=') {
      return Fail(ErrorCode::kBadRequest,
                  "invalid field selector: value " + Quote(text) + ": '=' must be escaped as \\=");
    }
    out += text[i];
  }
  return out;
}

Result<FieldSelector::Requirement> ParseTerm(std::string_view term) {
  for (std::size_t i = 1; i < term.size(); ++i) {
    for (const std::string_view sign : {"!=", "==", "="}) {
      if (term.substr(i).starts_with(sign)) {
        MIDWATCH_ASSIGN(std::string value, Unescape(term.substr(i + sign.size())));
        return FieldSelector::Requirement{.field = std::string(term.substr(0, i)),
                                          .equal = sign != "!=",
                                          .value = std::move(value)};
      }
    }
  }
  return Fail(ErrorCode::kBadRequest, "invalid selector: " + Quote(term) +
                                          ": expected field=value, field==value or "
                                          "field!=value");
}

}  // namespace

Result<FieldSelector> FieldSelector::Parse(std::string_view text) {
  FieldSelector out;
  for (const std::string_view term : SplitTerms(text)) {
    if (!term.empty()) {
      MIDWATCH_ASSIGN(Requirement requirement, ParseTerm(term));
      out.requirements_.push_back(std::move(requirement));
    }
  }
  return out;
}

bool FieldSelector::Matches(
    const std::function<std::string(std::string_view field)>& value_of) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& r) {
    return (value_of(r.field) == r.value) == r.equal;
  });
}

}  // namespace midwatch
