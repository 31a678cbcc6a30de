#pragma once

#include <string>
#include <vector>

#include "controller/cli/definition.h"
#include "controller/cli/style.h"

namespace midwatch::cli {

/// What `midwatch --help` prints.
std::string OverviewText(const std::vector<Definition>& all, const Style& style);

/// What `midwatch COMMAND --help` prints.
std::string HelpText(const Definition& command, const std::vector<Definition>& all,
                     const Style& style);

/// docs/cli.md.
std::string ManualMarkdown(const std::vector<Definition>& all);

/// `midwatch job exec --module NAMESPACE/NAME [options] -- COMMAND [ARGUMENT…]`
std::string UsageLine(const Definition& command);

}  // namespace midwatch::cli
