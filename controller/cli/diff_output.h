#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controller/cli/options.h"
#include "controller/cli/style.h"
#include "controller/object/json.h"

namespace midwatch::cli {

enum class DiffVerb : std::uint8_t { kCreate, kUpdate, kPrune };

/// One object that would be written or deleted.
struct DiffStep {
  DiffVerb verb = DiffVerb::kCreate;
  std::string object;      ///< `Module payments/database`
  std::string place = {};  ///< `path:line`, where it is declared; empty for a prune.
  Json before = {};        ///< Null for a create.
  Json after = {};         ///< Null for a prune.
  bool loses_data = false;
};

struct DiffResult {
  std::vector<DiffStep> steps;
  std::size_t unchanged = 0;
  std::vector<std::string> notes;  ///< What else is worth knowing.
};

/// The plan, or the exit code of an error that was said.
using DiffOutcome = tl::expected<DiffResult, int>;

/// The plan for people, as JSON or as Markdown for a pull request. Values of Secrets are hidden.
std::string FormatDiff(const DiffResult& result, OutputFormat format, const Style& style);

}  // namespace midwatch::cli
