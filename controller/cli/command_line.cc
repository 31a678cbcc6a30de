#include "controller/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <utility>

#include "controller/base/text.h"
#include "controller/cli/definition.h"
#include "controller/cli/exit_codes.h"
#include "controller/cli/manual.h"

namespace midwatch::cli {
namespace {

constexpr std::string_view kProgram = "midwatch";

EarlyExit UsageError(const std::string& message, const std::string& hint) {
  return {.code = kExitUsage, .out = {}, .err = {}, .error = message, .hint = hint};
}

std::string SeeHelp(const std::string& path) {
  return "see " + std::string(kProgram) + (path.empty() ? "" : " " + path) + " --help";
}

std::string LongName(const std::string& names) {
  const std::size_t comma = names.rfind(',');
  return comma == std::string::npos ? names : names.substr(comma + 1);
}

std::string LowerFirst(std::string text) {
  if (!text.empty()) {
    text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  }
  return text;
}

/// CLI11 with one command in it.
class Parser {
 public:
  Parser(const Definition& command, const std::vector<Definition>& all)
      : command_(command), all_(all) {
    app_.set_help_flag("-h,--help");
    app_.option_defaults()->take_last();
    app_.add_option_function<std::string>("--colour,--color",
                                          [this](const std::string& word) { SetColour(word); });
    for (const Parameter& parameter : command.parameters) {
      Add(parameter);
    }
  }

  std::variant<ParsedCommand, EarlyExit> Parse(std::vector<std::string> arguments,
                                               std::optional<std::vector<std::string>> rest) {
    std::reverse(arguments.begin(), arguments.end());  // As CLI11 wants them.
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      const Style style(colour_ == ColourChoice::kAlways);
      return EarlyExit{
          .code = kExitDone, .out = HelpText(command_, all_, style), .err = {}, .error = {}};
    } catch (const CLI::ParseError& error) {
      return Explain(error);
    }
    if (problem_) {
      return UsageError(*problem_, SeeHelp(command_.path));
    }
    return Finish(std::move(rest));
  }

 private:
  void Add(const Parameter& parameter) {
    // What is expected of an argument in several forms says the message.
    const bool has_forms = parameter.names.find('/') != std::string::npos;
    const std::string shown = !parameter.IsArgument() ? LongName(parameter.names) + ": "
                              : has_forms             ? std::string()
                                                      : parameter.names + ": ";
    const auto set = [this, shown, setter = parameter.set](const CLI::results_t& values) {
      for (const std::string& value : values) {
        if (const auto done = setter(value); !done && !problem_) {
          problem_ = shown + Quote(value) + ": " + done.error().message;
        }
      }
      return true;
    };
    if (parameter.IsFlag()) {
      app_.add_flag_callback(parameter.names, [set] { set({"true"}); });
      return;
    }
    CLI::Option* option =
        app_.add_option(parameter.IsArgument() ? "argument" : parameter.names, set);
    option->required(parameter.required)->type_size(1)->expected(1);
    if (parameter.repeated) {
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      option->allow_extra_args(parameter.IsArgument());
    }
    if (parameter.repeated && parameter.IsArgument()) {
      option->expected(1, CLI::detail::expected_max_vector_size);
    }
  }

  void SetColour(const std::string& word) {
    if (word == "auto" || word == "always" || word == "never") {
      colour_ = word == "auto"     ? ColourChoice::kAuto
                : word == "always" ? ColourChoice::kAlways
                                   : ColourChoice::kNever;
    } else if (!problem_) {
      problem_ = "--colour: " + Quote(word) + ": expected auto, always or never";
    }
  }

  EarlyExit Explain(const CLI::ParseError& error) const {
    const std::string hint = SeeHelp(command_.path);
    if (problem_) {
      return UsageError(*problem_, hint);
    }
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
      return ExplainExtra(app_.remaining().empty() ? std::string() : app_.remaining().front());
    }
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
      return UsageError(Missing(), "usage: " + UsageLine(command_));
    }
    const std::string message = error.what();
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
      return UsageError(message.substr(0, message.find(':')) + ": a value is missing", hint);
    }
    return UsageError(LowerFirst(message), hint);
  }

  std::string Missing() const {
    std::vector<std::string> names;
    for (const Parameter& parameter : command_.parameters) {
      const std::string name = parameter.IsArgument() ? "argument" : LongName(parameter.names);
      if (parameter.required && app_.get_option(name)->count() == 0) {
        const bool form = parameter.IsArgument() && parameter.names.find(' ') != std::string::npos;
        names.push_back(form ? LowerFirst(parameter.help.substr(0, parameter.help.find(';')))
                        : parameter.IsArgument() ? parameter.names
                                                 : name);
      }
    }
    return Join(names, " and ") + (names.size() == 1 ? " is missing" : " are missing");
  }

  EarlyExit ExplainExtra(const std::string& extra) const {
    if (extra.rfind('-', 0) == 0) {
      return UsageError("unknown option " + Quote(extra), NearOption(extra));
    }
    if (!command_.rest.empty()) {
      return UsageError(Quote(extra) + ": not expected here",
                        "put the command behind --: " + UsageLine(command_));
    }
    return UsageError(Quote(extra) + ": too many arguments", SeeHelp(command_.path));
  }

  std::string NearOption(const std::string& said) const {
    std::vector<std::string_view> names;
    for (const Parameter& parameter : command_.parameters) {
      for (const std::string_view name : Split(parameter.names, ',')) {
        if (name.rfind("--", 0) == 0) {
          names.push_back(name);
        }
      }
    }
    const auto near = NearestWord(said.substr(0, said.find('=')), names);
    return near ? "did you mean " + std::string(*near) + "?" : SeeHelp(command_.path);
  }

  std::variant<ParsedCommand, EarlyExit> Finish(
      std::optional<std::vector<std::string>> rest) const {
    if (command_.rest.empty() && rest && !rest->empty()) {
      return UsageError(Quote(rest->front()) + ": nothing may follow --", SeeHelp(command_.path));
    }
    if (!command_.rest.empty()) {
      if (!rest || rest->empty()) {
        return UsageError("the command is missing", "usage: " + UsageLine(command_));
      }
      command_.set_rest(*std::move(rest));
    }
    return ParsedCommand{.command = command_.take(), .colour = colour_};
  }

  const Definition& command_;
  const std::vector<Definition>& all_;
  CLI::App app_;
  std::optional<std::string> problem_;  // The first value that was not understood.
  ColourChoice colour_ = ColourChoice::kAuto;
};

/// The words at the beginning that are no options, joined.
std::string LeadingWords(const std::vector<std::string>& arguments, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < std::min(arguments.size(), most); ++i) {
    if (arguments[i].rfind('-', 0) == 0) {
      break;
    }
    out += (i == 0 ? "" : " ") + arguments[i];
  }
  return out;
}

/// The command whose path the arguments begin with, the longest if there are several.
const Definition* FindCommand(const std::vector<std::string>& arguments,
                              const std::vector<Definition>& all) {
  constexpr std::size_t kLongestPath = 2;
  for (std::size_t words = kLongestPath; words > 0; --words) {
    const std::string said = LeadingWords(arguments, words);
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const Definition& command) { return command.path == said; });
    if (found != all.end()) {
      return &*found;
    }
  }
  return nullptr;
}

std::string ListBelow(const std::string& path, const std::vector<Definition>& all) {
  std::vector<const Definition*> below;
  std::size_t longest = 0;
  for (const Definition& command : all) {
    if (command.chapter != Chapter::kHidden && command.path.rfind(path + " ", 0) == 0) {
      below.push_back(&command);
      longest = std::max(longest, command.path.size());
    }
  }
  std::string out;
  for (const Definition* command : below) {
    out += std::string(kProgram) + " " + PadRight(command->path, longest + 2) + command->summary +
           "\n";
  }
  return out;
}

/// The options that stand before a command, behind it; nothing if no command follows.
std::optional<std::string> InOrder(const std::vector<std::string>& arguments,
                                   const std::vector<Definition>& all) {
  for (auto at = arguments.begin() + 1; at != arguments.end(); ++at) {
    if (FindCommand({at, arguments.end()}, all) != nullptr) {
      std::vector<std::string> words(at, arguments.end());
      words.insert(words.end(), arguments.begin(), at);
      return std::string(kProgram) + " " + Join(words, " ");
    }
  }
  return std::nullopt;
}

EarlyExit WithoutCommand(const std::vector<std::string>& arguments,
                         const std::vector<Definition>& all) {
  const bool help = std::any_of(arguments.begin(), arguments.end(), [](const std::string& word) {
    return word == "--help" || word == "-h" || word == "help";
  });
  const std::string first = LeadingWords(arguments, 1);
  const std::string below = first.empty() ? std::string() : ListBelow(first, all);
  if (help) {
    return {.code = kExitDone,
            .out = below.empty() ? OverviewText(all, Style(false)) : below,
            .err = {},
            .error = {}};
  }
  if (arguments.empty() || (arguments.size() == 1 && !below.empty())) {
    return {.code = kExitUsage,
            .out = {},
            .err = below.empty() ? OverviewText(all, Style(false)) : below,
            .error = {}};
  }
  const std::string said = LeadingWords(arguments, below.empty() ? 1 : 2);
  if (said.empty()) {
    return UsageError("the command must come before " + Quote(arguments.front()),
                      InOrder(arguments, all).value_or(SeeHelp({})));
  }
  std::vector<std::string_view> paths;
  for (const Definition& command : all) {
    if (command.chapter != Chapter::kHidden) {
      paths.push_back(command.path);
    }
  }
  const auto near = NearestWord(said, paths);
  return UsageError("unknown command " + Quote(said),
                    near ? "did you mean " + std::string(kProgram) + " " + std::string(*near) + "?"
                         : SeeHelp({}));
}

/// `-o=json` is `-o json`, as in kubectl.
void SplitShortOptions(std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].size() > 3 && words[i][0] == '-' && words[i][1] != '-' && words[i][2] == '=') {
      words.insert(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words[i].substr(3));
      words[i].resize(2);
    }
  }
}

/// What people try before they know: `help get` and `--version`.
std::vector<std::string> InPlainWords(std::vector<std::string> arguments) {
  if (arguments == std::vector<std::string>{"--version"}) {
    return {"version", "--client"};
  }
  if (arguments.size() > 1 && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
  return arguments;
}

}  // namespace

std::variant<ParsedCommand, EarlyExit> Parse(const std::vector<std::string>& said) {
  const std::vector<Definition> all = Definitions();
  const std::vector<std::string> arguments = InPlainWords(said);
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> words(arguments.begin(), mark);
  const Definition* command = FindCommand(words, all);
  if (command == nullptr) {
    return WithoutCommand(words, all);
  }
  const auto path_words = std::count(command->path.begin(), command->path.end(), ' ') + 1;
  if (command->raw) {
    command->set_rest({arguments.begin() + path_words, arguments.end()});
    return ParsedCommand{.command = command->take()};
  }
  words.erase(words.begin(), words.begin() + path_words);
  SplitShortOptions(words);
  std::optional<std::vector<std::string>> rest;
  if (mark != arguments.end()) {
    rest.emplace(mark + 1, arguments.end());
  }
  return Parser(*command, all).Parse(std::move(words), std::move(rest));
}

std::vector<std::string> KubeconfigCandidates(
    const std::string& option, const std::map<std::string, std::string>& environment) {
  if (!option.empty()) {
    return {option};
  }
  std::vector<std::string> out;
  if (const auto named = environment.find("KUBECONFIG"); named != environment.end()) {
    for (const std::string_view path : Split(named->second, ':')) {
      if (!path.empty()) {
        out.emplace_back(path);
      }
    }
  }
  const auto home = environment.find("HOME");
  if (out.empty() && home != environment.end() && !home->second.empty()) {
    out.push_back(home->second + "/.kube/config");
  }
  return out;
}

std::string CommandReference() { return ManualMarkdown(Definitions()); }

}  // namespace midwatch::cli
