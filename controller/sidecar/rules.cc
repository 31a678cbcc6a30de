#include "controller/sidecar/rules.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "controller/base/text.h"

namespace midwatch::sidecar {
namespace {

constexpr std::string_view kCategories[] = {
    "Authentication", "Authorization", "Configuration", "Conflict", "Dependency", "Network",
    "Quota",          "Resource",      "State",         "Test",     "Timeout",    "Unknown"};
constexpr std::string_view kConfidences[] = {"Low", "Medium", "High"};
constexpr std::string_view kActions[] = {"Create", "Update", "Replace", "Delete", "Read", "Other"};
constexpr std::string_view kHolds[] = {"data", "access", "traffic"};

Error Expected(std::string_view value, std::string_view what) {
  return {ErrorCode::kInvalid, Quote(value) + ": expected " + std::string(what)};
}

template <std::size_t N>
Result<std::string> OneOf(std::string_view value, const std::string_view (&words)[N]) {
  if (std::find(std::begin(words), std::end(words), value) != std::end(words)) {
    return std::string(value);
  }
  std::vector<std::string> list(std::begin(words), std::end(words));
  return Fail(Expected(value, "one of " + Join(list, ", ")));
}

Result<bool> YesOrNo(std::string_view value) {
  if (value == "yes") return true;
  if (value == "no") return false;
  return Fail(Expected(value, "yes or no"));
}

Result<std::int64_t> NumberUpTo(std::string_view value, std::int64_t most) {
  std::int64_t number = -1;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == value.data() + value.size();
  if (!whole || number < 0 || number > most) {
    return Fail(Expected(value, "a number from 0 to " + std::to_string(most)));
  }
  return number;
}

Result<void> SetPattern(std::optional<Pattern>& to, std::string_view value) {
  auto pattern = Pattern::Compile(value);
  MIDWATCH_TRY(pattern);
  to = std::move(*pattern);
  return {};
}

Result<void> SetNumber(Rule& rule, std::string_view key, std::string_view value) {
  auto number = NumberUpTo(value, key == "rank" ? 100 : 255);
  MIDWATCH_TRY(number);
  if (key == "rank") {
    rule.rank = static_cast<int>(*number);
  } else {
    rule.exit_code = *number;
  }
  return {};
}

Result<void> SetWord(Rule& rule, std::string_view key, std::string_view value) {
  if (key == "category") {
    MIDWATCH_ASSIGN(rule.category, OneOf(value, kCategories));
  } else if (key == "confidence") {
    MIDWATCH_ASSIGN(rule.confidence, OneOf(value, kConfidences));
  } else if (key == "action") {
    MIDWATCH_ASSIGN(rule.action, OneOf(value, kActions));
  } else {
    MIDWATCH_ASSIGN(rule.holds, OneOf(value, kHolds));
  }
  return {};
}

Result<void> SetKey(Rule& rule, std::string_view key, std::string_view value) {
  if (key == "match") return SetPattern(rule.match, value);
  if (key == "quote") return SetPattern(rule.quote, value);
  if (key == "rank" || key == "exit-code") return SetNumber(rule, key, value);
  if (key == "category" || key == "confidence" || key == "action" || key == "holds") {
    return SetWord(rule, key, value);
  }
  if (key == "transient") {
    MIDWATCH_ASSIGN(rule.transient, YesOrNo(value));
  } else if (key == "warning") {
    MIDWATCH_ASSIGN(rule.warning, YesOrNo(value));
  } else if (key == "cause") {
    rule.cause = value;
  } else if (key == "target") {
    rule.target = value;
  } else if (key == "next") {
    rule.next.emplace_back(value);
  } else {
    return Fail(ErrorCode::kInvalid, "unknown key");
  }
  return {};
}

Result<void> TakeLine(RuleList& rules, std::string_view line) {
  if (line.empty() || line.front() == '#') return {};
  if (line.front() == '[') {
    if (line.size() < 3 || line.back() != ']') return Fail(Expected(line, "[name]"));
    rules.emplace_back();
    rules.back().name = line.substr(1, line.size() - 2);
    return {};
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Fail(Expected(line, "key: value"));
  if (rules.empty()) return Fail(Expected(line, "a [name] first"));
  const std::string_view key = Trim(line.substr(0, colon));
  auto set = SetKey(rules.back(), key, Trim(line.substr(colon + 1)));
  if (!set) return Fail(set.error().code, std::string(key) + ": " + set.error().message);
  return {};
}

}  // namespace

Result<RuleList> ParseRules(std::string_view text, std::string_view file) {
  RuleList rules;
  std::size_t number = 0;
  for (const std::string_view raw : Split(text, '\n')) {
    ++number;
    const auto taken = TakeLine(rules, Trim(raw));
    if (!taken) {
      return Fail(ErrorCode::kInvalid,
                  std::string(file) + ":" + std::to_string(number) + ": " + taken.error().message);
    }
  }
  for (const Rule& rule : rules) {
    if (!rule.match) {
      return Fail(ErrorCode::kInvalid, std::string(file) + ": [" + rule.name + "] has no match");
    }
  }
  return rules;
}

Result<RuleBook> LoadRules(const std::map<std::string, std::string>& own) {
  RuleBook book;
  for (const EmbeddedRules& file : EmbeddedRuleFiles()) {
    const auto replaced = own.find(std::string(file.file));
    const std::string_view text = replaced == own.end() ? file.text : replaced->second;
    MIDWATCH_ASSIGN(RuleList rules, ParseRules(text, file.file));
    if (file.file == "diagnose.rules") book.diagnose = std::move(rules);
    if (file.file == "summarize.rules") book.summarize = std::move(rules);
    if (file.file == "risk.rules") book.risk = std::move(rules);
  }
  return book;
}

std::string FillIn(std::string_view text, const std::vector<std::string_view>& groups) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_group = text[i] == '{' && i + 2 < text.size() && text[i + 2] == '}' &&
                          text[i + 1] >= '0' && text[i + 1] <= '9';
    if (!is_group) {
      out.push_back(text[i]);
      continue;
    }
    const auto index = static_cast<std::size_t>(text[i + 1] - '0');
    if (index < groups.size()) out += groups[index];
    i += 2;
  }
  return out;
}

}  // namespace midwatch::sidecar
