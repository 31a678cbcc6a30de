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
inline constexpr std::size_t kMaxSearchCost =
    std::size_t{128} << 20;                      ///< Of a call: bytes looked at × Pattern::Size.
inline constexpr std::size_t kMaxSearch = 1024;  ///< Bytes of a pattern.
inline constexpr std::size_t kShownOfArgument = 200;  ///< In what is said about it.
inline constexpr std::size_t kMaxPlanChanges = 200;

/// What the Run is about, as JSON.
std::string JobTool(const api::RunSpec& run, const ArtifactTexts& inputs);
/// A page of an artifact, or the lines that fit `search`: `artifact`, `from`, `lines`, `search`,
/// `context`.
Result<std::string> LogTool(const Json& arguments, const ArtifactTexts& inputs);
/// The changes of an OpenTofu or Terraform plan without the values: `from`, `count`.
Result<std::string> PlanTool(const Json& arguments, const Json& plan);
/// The last jobs of the Module, as JSON.
std::string HistoryTool(const api::RunSpec& run);

/// `tools` of `tools/list`. `result` is the schema of what submit_result takes.
Json ToolList(const Json& result);

}  // namespace midwatch::agent
