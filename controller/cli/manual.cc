#include "controller/cli/manual.h"

#include <algorithm>
#include <array>

#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

constexpr std::size_t kWidth = 92;
constexpr std::array kShownChapters = {Chapter::kRun, Chapter::kPipelines, Chapter::kManifests,
                                       Chapter::kLook, Chapter::kSteer};

constexpr std::array<std::string_view, 6> kGeneralExitCodes = {
    "`0`: done",
    "`1`: done, and the answer is no",
    "`2`: wrong command line",
    "`3`: not done: not found, refused, invalid",
    "`4`: the API cannot be reached, or it took too long",
    "`128 + N`: signal N ended it"};

constexpr std::string_view kColourHelp =
    "Colours: auto (on a terminal, unless $NO_COLOR is set), always or never";

std::string Spaced(const std::string& names) {
  return Join({names.substr(0, names.find(','))}, "") +
         (names.find(',') == std::string::npos ? "" : ", " + names.substr(names.find(',') + 1));
}

std::string NameAndValue(const Parameter& parameter) {
  if (parameter.IsArgument()) {
    return parameter.names;
  }
  // A long name alone stands where the long names of others stand.
  const std::string shown =
      parameter.names.rfind("--", 0) == 0 ? "    " + parameter.names : Spaced(parameter.names);
  return parameter.value.empty() ? shown : shown + " " + parameter.value;
}

std::string HelpOf(const Parameter& parameter) {
  std::string help = parameter.help;
  if (!parameter.default_text.empty()) {
    help += " (default " + parameter.default_text + ")";
  }
  if (parameter.required && !parameter.IsArgument()) {
    help += " (required)";
  }
  if (parameter.repeated && !parameter.IsArgument()) {
    help += "; may be given more than once";
  }
  return help;
}

Parameter HelpFlag() { return {.names = "-h,--help", .value = {}, .help = "Show this", .set = {}}; }

Parameter ColourOption() {
  return {.names = "--colour", .value = "WHEN", .help = std::string(kColourHelp), .set = {}};
}

void AppendTwoColumns(const std::vector<std::pair<std::string, std::string>>& rows,
                      const Style& style, std::string& out) {
  constexpr std::size_t kMost = 34;
  std::size_t widest = 0;
  for (const auto& [left, right] : rows) {
    if (DisplayWidth(left) <= kMost) {
      widest = std::max(widest, DisplayWidth(left));
    }
  }
  const std::string indent(widest + 4, ' ');
  for (const auto& [left, right] : rows) {
    const std::string text = Indented(right, indent, kWidth);
    if (DisplayWidth(left) > widest) {
      out.append("  ").append(style.Bold(left)).append("\n").append(text);
    } else {
      out.append("  ")
          .append(PadRight(style.Bold(left), widest + 2))
          .append(text.substr(indent.size()));
    }
  }
}

void AppendHeading(std::string_view title, const Style& style, std::string& out) {
  out.append("\n").append(style.Bold(title)).append("\n");
}

/// Commands whose path begins with this one's: `job exec` below `job`.
std::vector<const Definition*> Below(const std::string& path, const std::vector<Definition>& all) {
  std::vector<const Definition*> out;
  for (const Definition& command : all) {
    if (command.path.rfind(path + " ", 0) == 0 && command.chapter != Chapter::kHidden) {
      out.push_back(&command);
    }
  }
  return out;
}

std::string WithoutTicks(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '`'), text.end());
  return text;
}

std::string Anchor(const std::string& path) {
  std::string out = "midwatch-" + path;
  std::replace(out.begin(), out.end(), ' ', '-');
  return out;
}

void AppendMarkdownParameters(const Definition& command, std::string& out) {
  if (command.parameters.empty()) {
    return;
  }
  out += "| | |\n| --- | --- |\n";
  for (const Parameter& parameter : command.parameters) {
    std::string name(Trim(NameAndValue(parameter)));
    std::string escaped;
    for (const char c : name) {
      escaped.append(c == '|' ? "\\|" : std::string(1, c));
    }
    out += "| `" + escaped + "` | " + HelpOf(parameter) + " |\n";
  }
  out += "\n";
}

void AppendMarkdownCommand(const Definition& command, std::string& out) {
  out += "### midwatch " + command.path + "\n\n" + command.summary + ".\n\n";
  out += "```\n" + UsageLine(command) + "\n```\n\n";
  if (!command.details.empty()) {
    out += command.details + "\n\n";
  }
  AppendMarkdownParameters(command, out);
  if (!command.exit_codes.empty()) {
    out += "Exit codes:\n\n";
    for (const std::string& line : command.exit_codes) {
      out += "- " + line + "\n";
    }
    out += "\n";
  }
  if (!command.examples.empty()) {
    out += "```sh\n";
    for (const Example& example : command.examples) {
      out += (example.what.empty() ? "" : "# " + example.what + "\n") + example.command + "\n";
    }
    out += "```\n\n";
  }
}

}  // namespace

std::string UsageLine(const Definition& command) {
  std::string out = "midwatch " + command.path;
  bool options = false;
  for (const Parameter& parameter : command.parameters) {
    if (parameter.IsArgument()) {
      continue;
    }
    if (parameter.required) {
      const std::size_t last = parameter.names.rfind(',');
      out += " " + parameter.names.substr(last == std::string::npos ? 0 : last + 1) + " " +
             parameter.value;
    } else {
      options = true;
    }
  }
  out += options ? " [options]" : "";
  for (const Parameter& parameter : command.parameters) {
    if (parameter.IsArgument()) {
      const bool dots = parameter.repeated && parameter.names.find("…") == std::string::npos;
      const std::string name = parameter.names + (dots ? "…" : "");
      out += parameter.required ? " " + name : " [" + name + "]";
    }
  }
  return command.rest.empty() ? out : out + " -- " + command.rest;
}

std::string OverviewText(const std::vector<Definition>& all, const Style& style) {
  std::string out = "Midwatch: AI operations work, declared as manifests.\n";
  for (const Chapter chapter : kShownChapters) {
    AppendHeading(TitleOf(chapter), style, out);
    std::vector<std::pair<std::string, std::string>> rows;
    for (const Definition& command : all) {
      if (command.chapter == chapter) {
        rows.emplace_back(command.path, command.summary);
      }
    }
    AppendTwoColumns(rows, style, out);
  }
  AppendHeading("Everywhere", style, out);
  AppendTwoColumns(
      {{"-h, --help", "Help, also of each command"}, {"--colour WHEN", std::string(kColourHelp)}},
      style, out);
  return out;
}

std::string HelpText(const Definition& command, const std::vector<Definition>& all,
                     const Style& style) {
  std::string out = Indented(command.summary + ".", "", kWidth);
  AppendHeading("Usage", style, out);
  out += "  " + UsageLine(command) + "\n";
  if (!command.details.empty()) {
    out += "\n" + Indented(command.details, "", kWidth);
  }
  std::vector<std::pair<std::string, std::string>> arguments;
  std::vector<std::pair<std::string, std::string>> options;
  for (const Parameter& parameter : command.parameters) {
    (parameter.IsArgument() ? arguments : options)
        .emplace_back(NameAndValue(parameter), HelpOf(parameter));
  }
  for (const Parameter& parameter : {ColourOption(), HelpFlag()}) {
    options.emplace_back(NameAndValue(parameter), HelpOf(parameter));
  }
  if (!arguments.empty()) {
    AppendHeading("Arguments", style, out);
    AppendTwoColumns(arguments, style, out);
  }
  AppendHeading("Options", style, out);
  AppendTwoColumns(options, style, out);
  if (!command.exit_codes.empty()) {
    AppendHeading("Exit codes", style, out);
    for (const std::string& line : command.exit_codes) {
      out += "  " + WithoutTicks(line) + "\n";
    }
  }
  if (!command.examples.empty()) {
    AppendHeading("Examples", style, out);
    for (const Example& example : command.examples) {
      out += example.what.empty() ? "" : "  " + style.Dim("# " + example.what) + "\n";
      out += "  " + example.command + "\n";
    }
  }
  const auto below = Below(command.path, all);
  if (!below.empty()) {
    AppendHeading("Commands", style, out);
    for (const Definition* sub : below) {
      out += "  " + style.Bold("midwatch " + sub->path) + "  " + sub->summary + "\n";
    }
  }
  return out;
}

std::string ManualMarkdown(const std::vector<Definition>& all) {
  std::string out =
      "<!-- Generated by `midwatch docs cli`. Do not edit. -->\n\n# Command line\n\n"
      "One program, `midwatch`; installed as `kubectl-midwatch` it is also `kubectl midwatch`.\n\n";
  for (const Chapter chapter : kShownChapters) {
    out += "**" + std::string(TitleOf(chapter)) + "**\n\n";
    for (const Definition& command : all) {
      if (command.chapter == chapter) {
        out +=
            "- [`" + command.path + "`](#" + Anchor(command.path) + "): " + command.summary + "\n";
      }
    }
    out += "\n";
  }
  out +=
      "## Everywhere\n\n"
      "- Results go to standard output, everything else to standard error. An error is one line "
      "`error: …`, mostly followed by `hint: …`, what to do next.\n"
      "- `--colour WHEN`: " +
      std::string(kColourHelp) +
      ".\n"
      "- The API is found by `--kubeconfig`, else `$KUBECONFIG`, else `~/.kube/config`.\n"
      "- Durations are written as `90s`, `15m`, `2h30m`.\n\n"
      "Exit codes, unless a command says otherwise:\n\n";
  for (const std::string_view line : kGeneralExitCodes) {
    out += "- " + std::string(line) + "\n";
  }
  for (const Chapter chapter : kShownChapters) {
    out += "\n## " + std::string(TitleOf(chapter)) + "\n\n";
    for (const Definition& command : all) {
      if (command.chapter == chapter) {
        AppendMarkdownCommand(command, out);
      }
    }
    out.pop_back();  // One empty line between chapters.
  }
  return out;
}

}  // namespace midwatch::cli
