#pragma once

#include <cstdint>
#include <memory>

#include "controller/sidecar/judge.h"
#include "controller/sidecar/script.h"

namespace midwatch::sidecar {

/// Works a Run off by rules: reads the job, its history, plan and log through the tools, judges,
/// submits. No model and no network.
class RulesScript final : public Script {
 public:
  explicit RulesScript(std::shared_ptr<const RuleBook> rules) : rules_(std::move(rules)) {}

  std::vector<Action> Next(const std::optional<ToolAnswer>& answer) override;

  static constexpr std::int64_t kMaxLogLines = 20'000;  ///< The last ones are read.
  static constexpr std::int64_t kPage = 1000;

 private:
  enum class Stage : std::uint8_t { kStart, kJob, kHistory, kPlan, kLog, kSubmit, kSubmitAgain };

  std::vector<Action> AfterJob(const ToolAnswer& answer);
  std::vector<Action> AfterHistory(const ToolAnswer& answer);
  std::vector<Action> AfterPlan(const ToolAnswer& answer);
  std::vector<Action> AfterLogPage(const ToolAnswer& answer);
  std::vector<Action> AfterSubmit(const ToolAnswer& answer);
  std::vector<Action> ReadLog();
  std::vector<Action> Judge();
  Action Progress() const;
  bool HasInput(std::string_view name) const;

  std::shared_ptr<const RuleBook> rules_;
  Stage stage_ = Stage::kStart;
  Facts facts_;
  Judgement judgement_;
  std::int64_t from_ = 1;
};

}  // namespace midwatch::sidecar
