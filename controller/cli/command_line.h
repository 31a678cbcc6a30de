#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "controller/cli/options.h"

namespace midwatch::cli {

/// A command line that was understood.
struct ParsedCommand {
  Command command;
  ColourChoice colour = ColourChoice::kAuto;
};

/// A command line that ends here: help was asked for, or it was wrong.
struct EarlyExit {
  int code = 0;           ///< 0, or kExitUsage.
  std::string out;        ///< For standard output.
  std::string err;        ///< For standard error, beside what is wrong.
  std::string error;      ///< What is wrong; empty if nothing is.
  std::string hint = {};  ///< What to do about it.
};

/// Understands a command line (without the program's name). Never throws, reads nothing.
std::variant<ParsedCommand, EarlyExit> Parse(const std::vector<std::string>& said);

/// Where to look for the kubeconfig, best first: `option` alone if it is given; else the parts of
/// $KUBECONFIG; else ~/.kube/config. The first one that exists is meant.
std::vector<std::string> KubeconfigCandidates(
    const std::string& option, const std::map<std::string, std::string>& environment);

/// The manual of all commands as Markdown: docs/cli.md.
std::string CommandReference();

}  // namespace midwatch::cli
