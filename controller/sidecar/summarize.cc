#include <algorithm>
#include <map>

#include "controller/base/text.h"
#include "controller/sidecar/judge.h"

namespace midwatch::sidecar {
namespace {

struct Seen {
  const Rule* rule = nullptr;
  const LogLine* line = nullptr;  // The last one, so that totals are final.
  std::vector<std::string> groups;
  int count = 0;
};

std::string Capitalised(std::string_view action) {
  if (action == "create") return "Create";
  if (action == "update") return "Update";
  if (action == "delete") return "Delete";
  if (action == "replace") return "Replace";
  return action == "read" ? "Read" : "Other";
}

std::string ActionOf(const Json& change) {
  const auto& actions = change.At("actions").Items();
  if (actions.size() == 2) return "replace";
  return actions.empty() ? "no-op" : actions.front().AsString();
}

/// What the log names as changed; what the plan names, if the log names nothing.
Json ChangesOf(const RuleList& rules, const Facts& facts) {
  Json changes = Json::EmptyArray();
  for (const LogLine& line : facts.log) {
    const std::string plain = Plain(line.text);
    for (const Rule& rule : rules) {
      if (rule.action.empty() || changes.Items().size() == kMaxChanges) continue;
      const auto groups = rule.match->Capture(plain);
      if (groups.empty()) continue;
      const std::string target = FillIn(rule.target, groups);
      changes.Append(
          Json::Of({{"action", rule.action}, {"target", Json(Utf8Prefix(target, 512))}}));
      break;
    }
  }
  if (!changes.Items().empty()) return changes;
  for (const Json& change : facts.plan.At("changes").Items()) {
    if (changes.Items().size() == kMaxChanges) break;
    changes.Append(Json::Of({{"action", Capitalised(ActionOf(change))},
                             {"target", Json(Utf8Prefix(change.At("address").AsString(), 512))},
                             {"note", "as planned"}}));
  }
  return changes;
}

std::vector<Seen> SentencesOf(const RuleList& rules, const LogLines& log) {
  std::vector<Seen> seen(rules.size());
  for (const LogLine& line : log) {
    const std::string plain = Plain(line.text);
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (rules[i].cause.empty()) continue;
      const auto groups = rules[i].match->Capture(plain);
      if (groups.empty()) continue;
      seen[i].rule = &rules[i];
      seen[i].line = &line;
      seen[i].groups.assign(groups.begin(), groups.end());
      ++seen[i].count;
    }
  }
  std::erase_if(seen, [](const Seen& one) { return one.rule == nullptr; });
  std::stable_sort(seen.begin(), seen.end(),
                   [](const Seen& a, const Seen& b) { return a.rule->rank > b.rule->rank; });
  return seen;
}

std::string Opening(const Facts& facts) {
  const Json& job = facts.job.At("job");
  const std::string& shown = facts.job.At("module", "displayName").AsString();
  const std::string& name = shown.empty() ? facts.job.At("module", "name").AsString() : shown;
  const std::string& operation = job.At("operation").AsString();
  std::string text = (operation == "Other" ? "A job" : operation) + " of " + name + " " +
                     (IsElsewhere(facts, "Succeeded") ? OutcomeOf(facts) : "succeeded");
  const std::string& revision = job.At("revision").AsString();
  if (!revision.empty()) text += " at " + std::string(Utf8Prefix(revision, 40));
  return text + ".";
}

const LogLine* LastWithText(const LogLines& log) {
  for (auto line = log.rbegin(); line != log.rend(); ++line) {
    if (!QuoteFrom(line->text, "").empty()) return &*line;
  }
  return nullptr;
}

}  // namespace

Judgement Summarize(const RuleList& rules, const Facts& facts) {
  std::string summary = Opening(facts);
  Json evidence = Json::EmptyArray();
  Judgement judgement;
  for (const Seen& seen : SentencesOf(rules, facts.log)) {
    const std::vector<std::string_view> groups(seen.groups.begin(), seen.groups.end());
    summary += " " + FillIn(seen.rule->cause, groups);
    if (seen.count > 1 && seen.rule->warning) {
      summary.back() = ',';
      summary += " " + std::to_string(seen.count) + " lines.";
    }
    judgement.thoughts.push_back("The rule " + seen.rule->name + " fits line " +
                                 std::to_string(seen.line->number) + ".");
    if (evidence.Items().size() < kMaxEvidence)
      evidence.Append(EvidenceOf(*seen.line, groups.front()));
  }
  Json changes = ChangesOf(rules, facts);
  if (judgement.thoughts.empty()) {
    const bool changed = !changes.Items().empty();
    judgement.thoughts = {changed ? "The log names what was changed." : "No rule fits the log."};
    summary += changed ? "" : " No rule of the scripted sidecar knows what its log says.";
    if (const LogLine* last = LastWithText(facts.log)) evidence.Append(EvidenceOf(*last, ""));
  }
  judgement.result = Json::Of({{"summary", Json(Utf8Prefix(summary, 4096))},
                               {"changes", std::move(changes)},
                               {"evidence", std::move(evidence)}});
  return judgement;
}

}  // namespace midwatch::sidecar
