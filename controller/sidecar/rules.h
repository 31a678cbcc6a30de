#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/pattern.h"
#include "controller/base/result.h"

namespace midwatch::sidecar {

/// One section of a rule file:
///
///     # a comment
///     [name]
///     match: a regular expression (RE2) over one line of the log, or over a resource's type
///     exit-code: 127            also fits a job that ended so, whatever its log says
///     category: Network         of the diagnosis (schemas/results)
///     transient: yes|no
///     confidence: Low|Medium|High
///     rank: 0…100               the highest that fits tells the cause
///     cause: a sentence; {0} is what fits, {1} … are its groups
///     quote: a regular expression; lines after the match that it fits are evidence too
///     next: what to do; may stand several times
///     action: Create|Update|Replace|Delete|Read|Other   with `target`, makes a change of a summary
///     target: what it was done to; groups as above
///     warning: yes              worth mentioning though the job succeeded
///     holds: data|access|traffic
struct Rule {
  std::string name;
  std::optional<Pattern> match;
  std::optional<std::int64_t> exit_code;
  std::string category = "Unknown";
  bool transient = false;
  std::string confidence = "Low";
  int rank = 0;
  std::string cause;
  std::optional<Pattern> quote;
  std::vector<std::string> next;
  std::string action;
  std::string target;
  bool warning = false;
  std::string holds;
};

using RuleList = std::vector<Rule>;

/// The rules of a file. kInvalid names file, line, key and what was expected.
Result<RuleList> ParseRules(std::string_view text, std::string_view file);

struct EmbeddedRules {
  std::string_view file;  ///< `diagnose.rules`
  std::string_view text;
};
std::span<const EmbeddedRules> EmbeddedRuleFiles();

/// What the scripted sidecar goes by.
struct RuleBook {
  RuleList diagnose;
  RuleList summarize;
  RuleList risk;
};

/// The built-in rules, each file replaced by that of the same name in `own`, where there is one.
Result<RuleBook> LoadRules(const std::map<std::string, std::string>& own);

/// The text with `{0}`, `{1}` … replaced by the groups; those that are missing become nothing.
std::string FillIn(std::string_view text, const std::vector<std::string_view>& groups);

}  // namespace midwatch::sidecar
