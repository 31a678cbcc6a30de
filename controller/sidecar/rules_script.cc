#include "controller/sidecar/rules_script.h"

#include <algorithm>

namespace midwatch::sidecar {
namespace {

Json ParsedOrNull(const ToolAnswer& answer) {
  if (answer.is_error) return {};
  auto parsed = ParseJson(answer.text);
  return parsed ? std::move(*parsed) : Json();
}

std::string Gist(const Json& result) {
  for (const char* member : {"rootCause", "reason", "summary"}) {
    if (const Json* text = result.Find(member)) return text->AsString();
  }
  return {};
}

}  // namespace

std::vector<Action> RulesScript::Next(const std::optional<ToolAnswer>& answer) {
  if (!answer) {
    stage_ = Stage::kJob;
    return {Think{"I am a set of rules, not a model. First I look at what this is about."},
            Progress(), CallTool{"job", Json::EmptyObject()}};
  }
  switch (stage_) {
    case Stage::kStart:
    case Stage::kJob:
      return AfterJob(*answer);
    case Stage::kHistory:
      return AfterHistory(*answer);
    case Stage::kPlan:
      return AfterPlan(*answer);
    case Stage::kLog:
      return AfterLogPage(*answer);
    case Stage::kSubmit:
    case Stage::kSubmitAgain:
      return AfterSubmit(*answer);
  }
  return {Finish{}};
}

std::vector<Action> RulesScript::AfterJob(const ToolAnswer& answer) {
  facts_.job = ParsedOrNull(answer);
  if (!facts_.job.IsObject()) {
    return {Say{"The tool job gave nothing that I can read."}, Finish{}};
  }
  stage_ = Stage::kHistory;
  return {CallTool{"history", Json::EmptyObject()}};
}

std::vector<Action> RulesScript::AfterHistory(const ToolAnswer& answer) {
  facts_.history = ParsedOrNull(answer);
  const bool looks_at_plan = facts_.job.At("missionType").AsString() != "AutoDiagnose";
  if (looks_at_plan && HasInput("plan")) {
    stage_ = Stage::kPlan;
    return {Think{"There is a plan: I look at what it changes."},
            CallTool{"plan", Json::EmptyObject()}};
  }
  return ReadLog();
}

std::vector<Action> RulesScript::AfterPlan(const ToolAnswer& answer) {
  facts_.plan = ParsedOrNull(answer);
  return ReadLog();
}

std::vector<Action> RulesScript::ReadLog() {
  stage_ = Stage::kLog;
  if (!HasInput("log")) {
    std::vector<Action> actions = Judge();
    actions.insert(actions.begin(), Think{"There is no log."});
    return actions;
  }
  std::int64_t lines = 0;
  for (const Json& input : facts_.job.At("inputs").Items()) {
    if (input.At("name").AsString() == "log") lines = input.At("lines").AsInt();
  }
  from_ = std::max<std::int64_t>(1, lines - kMaxLogLines + 1);
  std::string thought =
      "The log has " + std::to_string(lines) + (lines == 1 ? " line" : " lines") + "; I read ";
  thought += from_ == 1 ? "all of them." : "them from " + std::to_string(from_) + " on.";
  return {Think{thought}, Progress(),
          CallTool{"log", Json::Of({{"from", from_}, {"lines", kPage}})}};
}

std::vector<Action> RulesScript::AfterLogPage(const ToolAnswer& answer) {
  if (answer.is_error) {
    std::vector<Action> actions = Judge();
    actions.insert(actions.begin(), Think{"The log cannot be read: " + answer.text});
    return actions;
  }
  LogPage page = ParsePage(answer.text);
  std::move(page.lines.begin(), page.lines.end(), std::back_inserter(facts_.log));
  const auto next = static_cast<std::int64_t>(page.next.value_or(0));
  const bool goes_on = next > from_ && facts_.log.size() < static_cast<std::size_t>(kMaxLogLines);
  if (goes_on) {
    from_ = next;
    return {CallTool{"log", Json::Of({{"from", from_}, {"lines", kPage}})}};
  }
  return Judge();
}

std::vector<Action> RulesScript::Judge() {
  const std::string& type = facts_.job.At("missionType").AsString();
  if (type == "ApprovalRecommend") {
    judgement_ = Recommend(rules_->risk, facts_);
  } else if (type == "SummarizeJob") {
    judgement_ = Summarize(rules_->summarize, facts_);
  } else {
    judgement_ = Diagnose(rules_->diagnose, facts_);
  }
  stage_ = Stage::kSubmit;
  std::vector<Action> actions;
  for (const std::string& thought : judgement_.thoughts) actions.emplace_back(Think{thought});
  actions.push_back(Progress());
  actions.emplace_back(CallTool{"submit_result", judgement_.result});
  return actions;
}

std::vector<Action> RulesScript::AfterSubmit(const ToolAnswer& answer) {
  const bool has_evidence = !judgement_.result.At("evidence").Items().empty();
  if (answer.is_error && stage_ == Stage::kSubmit && has_evidence) {
    stage_ = Stage::kSubmitAgain;
    judgement_.result.Set("evidence", Json::EmptyArray());
    return {Think{"The result was refused; I leave out its quotes. " + answer.text},
            CallTool{"submit_result", judgement_.result}};
  }
  if (answer.is_error) return {Say{"The result was refused: " + answer.text}, Finish{}};
  return {Say{Gist(judgement_.result)}, Finish{}};
}

/// The steps of the work and how far they are.
Action RulesScript::Progress() const {
  constexpr const char* kSteps[] = {"Look at the job", "Read plan and log",
                                    "Judge by rules and submit"};
  const std::size_t current = stage_ <= Stage::kJob ? 0 : stage_ <= Stage::kLog ? 1 : 2;
  Json entries = Json::EmptyArray();
  for (std::size_t i = 0; i < std::size(kSteps); ++i) {
    const char* status = i < current ? "completed" : i == current ? "in_progress" : "pending";
    entries.Append(Json::Of({{"content", kSteps[i]}, {"priority", "medium"}, {"status", status}}));
  }
  return ShowPlan{std::move(entries)};
}

bool RulesScript::HasInput(std::string_view name) const {
  const auto& inputs = facts_.job.At("inputs").Items();
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const Json& input) { return input.At("name").AsString() == name; });
}

}  // namespace midwatch::sidecar
