#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/object/json.h"
#include "controller/sidecar/log_lines.h"
#include "controller/sidecar/rules.h"

namespace midwatch::sidecar {

/// What the tools told about a Run.
struct Facts {
  Json job;      ///< Answer of the tool `job`.
  Json history;  ///< Of `history`.
  Json plan;     ///< Of `plan`; null if there is none.
  LogLines log;  ///< The last lines of the log.
};

/// A result, and how it was come by in a few sentences.
struct Judgement {
  Json result;
  std::vector<std::string> thoughts;
};

// One per mission type. Pure: rules and facts in, a result as schemas/results has it out. Without a
// rule that fits the result says so and is of low confidence; nothing is made up.

Judgement Diagnose(const RuleList& rules, const Facts& facts);
Judgement Recommend(const RuleList& risks, const Facts& facts);
Judgement Summarize(const RuleList& rules, const Facts& facts);

/// What became of the job, with its exit code: `succeeded, with exit code 0`.
std::string OutcomeOf(const Facts& facts);
/// Whether the job is in another state than the one that fires the mission, as one is that somebody
/// asks about by hand.
bool IsElsewhere(const Facts& facts, std::string_view state);

inline constexpr std::size_t kMaxEvidence = 6;
inline constexpr std::size_t kMaxChanges = 50;
inline constexpr std::size_t kMaxRisks = 16;

}  // namespace midwatch::sidecar
