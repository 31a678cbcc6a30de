#include <algorithm>

#include "controller/base/text.h"
#include "controller/sidecar/judge.h"

namespace midwatch::sidecar {
namespace {

constexpr std::size_t kNamedResources = 5;

enum class Severity { kLow, kMedium, kHigh, kCritical };
constexpr const char* kSeverities[] = {"Low", "Medium", "High", "Critical"};

struct RiskFound {
  Severity severity;
  std::string description;
  std::string address;
};

std::string ActionOf(const Json& change) {
  const auto& actions = change.At("actions").Items();
  if (actions.size() == 2) return "replace";
  return actions.empty() ? "no-op" : actions.front().AsString();
}

std::string HeldBy(const RuleList& risks, const std::string& type) {
  for (const Rule& rule : risks) {
    if (rule.match->FoundIn(type)) return rule.holds;
  }
  return {};
}

std::optional<RiskFound> RiskOf(const RuleList& risks, const Json& change) {
  const std::string action = ActionOf(change);
  const std::string& address = change.At("address").AsString();
  const std::string held = HeldBy(risks, change.At("type").AsString());
  const bool destroys = action == "delete" || action == "replace";
  const std::string done = action == "replace" ? "is destroyed and made anew" : "is destroyed";
  if (destroys && held == "data") {
    return RiskFound{Severity::kCritical, address + " " + done + ": the data in it is lost",
                     address};
  }
  if (destroys && !held.empty()) {
    const std::string what = held == "access" ? "keys or rights that others use may be gone"
                                              : "traffic that goes through it is cut off";
    return RiskFound{Severity::kHigh, address + " " + done + ": " + what, address};
  }
  if (destroys) return RiskFound{Severity::kMedium, address + " " + done, address};
  const bool sensitive = action == "update" && !held.empty();
  if (!sensitive) return std::nullopt;
  const Severity severity = held == "access" ? Severity::kMedium : Severity::kLow;
  return RiskFound{severity, address + " is changed in place; it holds " + held, address};
}

/// A quote that stands in the plan however it is laid out: the address as JSON writes it.
Json PlanEvidence(const std::string& address) {
  return Json::Of({{"artifact", "plan"}, {"quote", Json(address).Dump()}});
}

std::string CountsOf(const Json& plan) {
  std::vector<std::string> parts;
  for (const Json::Member& count : plan.At("counts").Members()) {
    if (count.name != "no-op") parts.push_back(count.value.Dump() + " to " + count.name);
  }
  return parts.empty() ? "nothing to change" : Join(parts, ", ");
}

std::string HistoryOf(const Json& history) {
  const auto& jobs = history.At("jobs").Items();
  if (jobs.empty()) return "The Module has no earlier jobs.";
  const auto failed = std::count_if(jobs.begin(), jobs.end(), [](const Json& job) {
    return job.At("state").AsString() == "Failed";
  });
  if (jobs.size() == 1) {
    return std::string("The one earlier job of the Module ") +
           (failed == 1 ? "failed." : "did not fail.");
  }
  return "Of the Module's last " + std::to_string(jobs.size()) + " jobs " + std::to_string(failed) +
         " failed.";
}

bool LastFailed(const Json& history) {
  const auto& jobs = history.At("jobs").Items();
  return !jobs.empty() && jobs.front().At("state").AsString() == "Failed";
}

std::string WaitsForNone(const Facts& facts) {
  return IsElsewhere(facts, "ApprovalRequired")
             ? "The job does not wait for approval: it " + OutcomeOf(facts) + ". "
             : "";
}

Judgement WithoutPlan(const Facts& facts) {
  Json evidence = Json::EmptyArray();
  const auto pattern = Pattern::Compile(R"(Plan: (\d+) to add, (\d+) to change, (\d+) to destroy)");
  for (const LogLine& line : facts.log) {
    const std::string plain = Plain(line.text);
    const auto groups = pattern->Capture(plain);
    if (!groups.empty() && evidence.Items().empty()) evidence.Append(EvidenceOf(line, groups[0]));
  }
  return {Json::Of({{"recommend", "NeedsHuman"},
                    {"reason", WaitsForNone(facts) +
                                   "There is no plan in the JSON of OpenTofu or Terraform that the "
                                   "rules could read. " +
                                   HistoryOf(facts.history)},
                    {"evidence", std::move(evidence)}}),
          {"Without a plan I cannot tell what would change."}};
}

struct Verdict {
  const char* recommend;
  std::string why;
};

Verdict Decide(const Facts& facts, const std::vector<RiskFound>& risks) {
  const bool cut = facts.plan.At("next").IsInt();
  const Severity worst = risks.empty() ? Severity::kLow : risks.front().severity;
  if (facts.plan.At("errored").AsBool()) return {"Reject", "The plan itself ended with an error."};
  if (worst == Severity::kCritical) return {"Reject", "It would destroy what holds data."};
  if (worst >= Severity::kMedium) {
    return {"NeedsHuman",
            "It destroys something, or changes who may do what: a person should weigh that."};
  }
  if (cut) return {"NeedsHuman", "There are more changes than the rules look at."};
  if (LastFailed(facts.history))
    return {"NeedsHuman", "Nothing is destroyed, but the last job of the Module failed."};
  return {"Approve", "Nothing is destroyed, and no keys, rights or identities are changed."};
}

}  // namespace

Judgement Recommend(const RuleList& risks, const Facts& facts) {
  if (!facts.plan.At("changes").IsArray()) return WithoutPlan(facts);
  std::vector<RiskFound> found;
  for (const Json& change : facts.plan.At("changes").Items()) {
    if (auto risk = RiskOf(risks, change)) found.push_back(std::move(*risk));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const RiskFound& a, const RiskFound& b) { return a.severity > b.severity; });
  const Verdict verdict = Decide(facts, found);
  Json risk_list = Json::EmptyArray();
  Json evidence = Json::EmptyArray();
  for (const RiskFound& risk : found) {
    if (risk_list.Items().size() == kMaxRisks) break;
    risk_list.Append(Json::Of({{"severity", kSeverities[static_cast<int>(risk.severity)]},
                               {"description", Json(Utf8Prefix(risk.description, 1024))}}));
    if (evidence.Items().size() < kMaxEvidence) evidence.Append(PlanEvidence(risk.address));
  }
  if (found.empty()) {
    for (const Json& change : facts.plan.At("changes").Items()) {
      if (evidence.Items().size() == kNamedResources) break;
      evidence.Append(PlanEvidence(change.At("address").AsString()));
    }
  }
  Judgement judgement;
  judgement.thoughts = {"The plan has " + CountsOf(facts.plan) + ".", HistoryOf(facts.history)};
  judgement.result =
      Json::Of({{"recommend", verdict.recommend},
                {"reason", WaitsForNone(facts) + verdict.why + " The plan has " +
                               CountsOf(facts.plan) + ". " + HistoryOf(facts.history)},
                {"risks", std::move(risk_list)},
                {"evidence", std::move(evidence)}});
  return judgement;
}

}  // namespace midwatch::sidecar
