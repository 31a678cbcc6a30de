#pragma once

#include <string>

#include "controller/api/report.h"
#include "controller/cli/style.h"

namespace midwatch::cli {

/// What a sidecar found, as a CI log shows it: the gist, then the evidence quoted with line
/// numbers, then what to do, last who made it and what it cost.
std::string ReportText(const api::Report& report, const Style& style, std::size_t width);

/// The same as Markdown, for a comment.
std::string ReportMarkdown(const api::Report& report);

/// `scripted (rules, no model), tokens 0`
std::string ProducerText(const api::ReportSpec& spec);

}  // namespace midwatch::cli
