#include <algorithm>
#include <set>

#include "controller/base/text.h"
#include "controller/sidecar/judge.h"

namespace midwatch::sidecar {
namespace {

constexpr const char* kLooksLikeAnError =
    R"((?i)\b(?:error|fatal|failed|failure|exception|panic|cannot|could not|denied|refused|unable to)\b)";
constexpr std::size_t kLastLines = 3;
constexpr std::size_t kMaxQuotedAfter = 3;  // Lines that a rule's `quote` fits,
constexpr std::size_t kLookAfter = 40;      // among so many after the match.

/// A rule and the line that it fits; no line if it fits the exit code.
struct Finding {
  const Rule* rule = nullptr;
  const LogLine* line = nullptr;
  std::vector<std::string> groups;
};

std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

std::vector<Finding> FindAll(const RuleList& rules, const Facts& facts) {
  std::vector<Finding> found;
  std::vector<bool> seen(rules.size(), false);
  for (const LogLine& line : facts.log) {
    const std::string plain = Plain(line.text);
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (seen[i]) continue;
      const auto groups = rules[i].match->Capture(plain);
      if (groups.empty()) continue;
      seen[i] = true;  // Its first line: what comes later often follows from it.
      found.push_back({&rules[i], &line, {groups.begin(), groups.end()}});
    }
  }
  const Json& code = facts.job.At("job", "exitCode");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const bool fits = !seen[i] && code.IsInt() && rules[i].exit_code == code.AsInt();
    if (fits) found.push_back({&rules[i], nullptr, {}});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Finding& a, const Finding& b) { return a.rule->rank > b.rule->rank; });
  return found;
}

/// How many jobs in a row failed before this one.
int FailuresBefore(const Json& history) {
  int count = 0;
  for (const Json& job : history.At("jobs").Items()) {
    if (job.At("state").AsString() != "Failed") break;
    ++count;
  }
  return count;
}

/// Quotes, each line once, as many as there is room for.
class Evidence {
 public:
  void Add(const LogLine& line, std::string_view match) {
    if (list_.Items().size() < kMaxEvidence && quoted_.insert(line.number).second) {
      list_.Append(EvidenceOf(line, match));
    }
  }
  Json Take() { return std::move(list_); }

 private:
  Json list_ = Json::EmptyArray();
  std::set<std::size_t> quoted_;
};

/// The line of the cause, what its rule wants quoted after it, then the lines of other findings.
Json EvidenceFor(const std::vector<Finding>& found, const LogLines& log) {
  Evidence evidence;
  const Finding& best = found.front();
  if (best.line != nullptr) evidence.Add(*best.line, best.groups.front());
  std::size_t more = best.line != nullptr && best.rule->quote ? kMaxQuotedAfter : 0;
  for (const LogLine& line : log) {
    if (more == 0) break;
    if (line.number <= best.line->number || line.number > best.line->number + kLookAfter) continue;
    const std::string plain = Plain(line.text);
    const auto groups = best.rule->quote->Capture(plain);
    if (groups.empty()) continue;
    evidence.Add(line, groups.front());
    --more;
  }
  for (const Finding& finding : found) {
    if (finding.line != nullptr) evidence.Add(*finding.line, finding.groups.front());
  }
  return evidence.Take();
}

std::string ExitSentence(const Facts& facts) {
  const Json& code = facts.job.At("job", "exitCode");
  return code.IsInt() ? " The command ended with exit code " + code.Dump() + "." : "";
}

/// Why nothing of the log can be quoted, and what to do about that.
struct NoQuote {
  const char* cause;
  const char* next_step;
};
NoQuote WhyNothingIsQuoted(const Facts& facts) {
  constexpr const char* kElsewhere = "Read the log where the pipeline keeps it.";
  for (const Json& input : facts.job.At("inputs").Items()) {
    if (input.At("name").AsString() != "log") continue;
    if (facts.log.empty() && input.At("lines").AsInt() > 0) {
      return {" The log could not be read.", kElsewhere};
    }
    return {" There is nothing in the log.", "Let the step print what it does."};
  }
  return {" The job has no log: none was uploaded.", kElsewhere};
}

/// Of a job that did not fail, which somebody wants to have looked at all the same.
std::string DidNotFail(const Facts& facts) {
  return "The job did not fail: it " + OutcomeOf(facts) + ".";
}

/// What was looked at, where that is all that can be said.
std::string LookedAt(const Facts& facts) {
  if (facts.log.empty()) return {};
  const std::size_t first = facts.log.front().number;
  const std::size_t last = facts.log.back().number;
  return first == last ? " Looked at: line " + std::to_string(last) + " of its log."
                       : " Looked at: lines " + std::to_string(first) + " to " +
                             std::to_string(last) + " of its log.";
}

Judgement NothingKnown(const Facts& facts) {
  const auto pattern = Pattern::Compile(kLooksLikeAnError);
  Json evidence = Json::EmptyArray();
  std::vector<const LogLine*> lines;
  for (auto line = facts.log.rbegin(); line != facts.log.rend(); ++line) {
    if (lines.size() < kLastLines && pattern->FoundIn(Plain(line->text))) lines.push_back(&*line);
  }
  const bool has_errors = !lines.empty();
  for (auto line = facts.log.rbegin(); line != facts.log.rend() && !has_errors; ++line) {
    const bool has_text = !QuoteFrom(line->text, "").empty();
    if (lines.empty() && has_text) lines.push_back(&*line);
  }
  std::reverse(lines.begin(), lines.end());
  for (const LogLine* line : lines) evidence.Append(EvidenceOf(*line, ""));
  const bool failed = !IsElsewhere(facts, "Failed");
  std::string cause =
      failed ? "No rule of the scripted sidecar knows this failure." + ExitSentence(facts)
             : DidNotFail(facts) +
                   " No rule of the scripted sidecar knows a "
                   "failure in what it left." +
                   LookedAt(facts);
  if (has_errors) cause += " The last lines that look like errors are quoted.";
  const NoQuote no_quote = WhyNothingIsQuoted(facts);
  if (lines.empty()) cause += no_quote.cause;
  Json next = Json::EmptyArray();
  next.Append(lines.empty() ? no_quote.next_step : "Read the log from the quoted lines upwards.");
  if (failed) next.Append("If the failure is a common one, add a rule for it.");
  return {Json::Of({{"rootCause", cause},
                    {"category", "Unknown"},
                    {"transient", false},
                    {"confidence", "Low"},
                    {"evidence", std::move(evidence)},
                    {"nextSteps", std::move(next)}}),
          {"No rule fits. I say so, and quote what looks like errors."}};
}

}  // namespace

Judgement Diagnose(const RuleList& rules, const Facts& facts) {
  const std::vector<Finding> found = FindAll(rules, facts);
  if (found.empty()) return NothingKnown(facts);
  const Finding& best = found.front();
  Judgement judgement;
  for (const Finding& finding : found) {
    const std::string where =
        finding.line == nullptr ? "the exit code" : "line " + std::to_string(finding.line->number);
    judgement.thoughts.push_back("The rule " + finding.rule->name + " fits " + where + ", rank " +
                                 std::to_string(finding.rule->rank) + ".");
  }
  std::string cause = FillIn(best.rule->cause, Views(best.groups));
  if (!cause.empty() && cause.back() != '.') cause += '.';
  const bool failed = !IsElsewhere(facts, "Failed");
  if (!failed) cause = DidNotFail(facts) + " A line of its log tells of a failure: " + cause;
  if (failed && best.line != nullptr) cause += ExitSentence(facts);  // Else the rule speaks of it.
  bool transient = best.rule->transient;
  const int before = FailuresBefore(facts.history);
  if (before == 1) cause += " The job before it failed too.";
  if (before > 1) cause += " The " + std::to_string(before) + " jobs before it failed too.";
  if (before > 1) transient = false;  // What passes by itself would have passed.
  Json next = Json::EmptyArray();
  for (const std::string& step : best.rule->next) next.Append(FillIn(step, Views(best.groups)));
  judgement.result = Json::Of({{"rootCause", cause},
                               {"category", best.rule->category},
                               {"transient", transient},
                               {"confidence", Json(failed ? best.rule->confidence : "Low")},
                               {"evidence", EvidenceFor(found, facts.log)},
                               {"nextSteps", std::move(next)}});
  return judgement;
}

}  // namespace midwatch::sidecar
