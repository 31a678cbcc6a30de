#pragma once

#include <string>

#include "controller/agent/artifact_text.h"
#include "controller/api/run.h"
#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch::agent {

/// The tools of a Run that only read. Each gives the text for the model, or kInvalid with what was
/// wrong with the arguments. All of it is data that people or machines outside wrote.

inline constexpr std::size_t kMaxPageLines = 1000;
inline constexpr std::size_t kDefaultPageLines = 200;
inline constexpr std::size_t kMaxPageBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxShownLine = 4096;
/// Of a call: bytes looked at times Pattern::Size. About a quarter of a second of a core at worst.
inline constexpr std::size_t kMaxSearchCost = std::size_t{32} << 20;
/// Of a call at least: the expression has to be compiled.
inline constexpr std::size_t kSearchStart = std::size_t{1} << 20;
inline constexpr std::size_t kMaxSearchCostOfRun = std::size_t{8} << 30;
inline constexpr std::size_t kMaxSearch = 1024;       ///< Bytes of a pattern.
inline constexpr std::size_t kShownOfArgument = 200;  ///< In what is said about it.
inline constexpr std::size_t kMaxPlanChanges = 200;

/// What the Run is about, as JSON.
std::string JobTool(const api::RunSpec& run, const ArtifactTexts& inputs);
/// A page of an artifact, or the lines that fit `search`: `artifact`, `from`, `lines`, `search`,
/// `context`. A search that costs too much for a call goes on in the next; what it costs is taken
/// from `left`, and with nothing left there is none.
Result<std::string> LogTool(const Json& arguments, const ArtifactTexts& inputs, std::size_t& left);
/// The changes of an OpenTofu or Terraform plan without the values: `from`, `count`. A page ends
/// before kMaxPageBytes, and what of a change is longer than kMaxShownLine is left out.
Result<std::string> PlanTool(const Json& arguments, const Json& plan);
/// The last jobs of the Module, as JSON.
std::string HistoryTool(const api::RunSpec& run);

/// `tools` of `tools/list`. `result` is the schema of what submit_result takes.
Json ToolList(const Json& result);

}  // namespace midwatch::agent
