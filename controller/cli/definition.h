#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/cli/options.h"

namespace midwatch::cli {

/// Takes one value of the command line; kInvalid says what was expected.
using Setter = std::function<Result<void>(const std::string& value)>;

/// One option or argument of a command.
struct Parameter {
  std::string names;  ///< `-n,--namespace`; of an argument its name in the manual, `NAME`.
  std::string value =
      {};            ///< Placeholder of the value; empty: a flag. Not looked at for arguments.
  std::string help;  ///< A sentence without a full stop.
  Setter set = {};   ///< Called for each occurrence; of a flag with `true`.
  bool required = false;
  bool repeated = false;
  std::string default_text = {};  ///< For the manual.

  bool IsArgument() const { return names.front() != '-'; }
  bool IsFlag() const { return !IsArgument() && value.empty(); }
};

struct Example {
  std::string command;
  std::string what;
};

/// The chapters of the manual, in its order.
enum class Chapter : std::uint8_t { kRun, kPipelines, kManifests, kLook, kSteer, kHidden };

/// One command: what it is called, what it takes, what the manual says. Help, parser and
/// docs/cli.md come from these alone.
struct Definition {
  std::string path;  ///< `job exec`
  Chapter chapter = Chapter::kHidden;
  std::string summary;       ///< A line.
  std::string details = {};  ///< Paragraphs, separated by empty lines; may be empty.
  std::vector<Parameter> parameters = {};
  std::string rest = {};  ///< Placeholder of what may follow `--`; empty: nothing may.
  std::function<void(std::vector<std::string>)> set_rest = {};
  bool raw = false;  ///< Everything behind the path is the rest, whatever it looks like.
  std::vector<Example> examples = {};
  std::vector<std::string> exit_codes = {};  ///< Lines of the manual; empty: the general ones.
  std::function<Command()> take = {};        ///< Once all values are set.
};

std::string_view TitleOf(Chapter chapter);

/// All commands, in the order of the manual. Each call makes fresh ones.
std::vector<Definition> Definitions();

// Per chapter, for Definitions.
std::vector<Definition> RunDefinitions();
std::vector<Definition> PipelineDefinitions();
std::vector<Definition> ManifestDefinitions();
std::vector<Definition> LookDefinitions();
std::vector<Definition> SteerDefinitions();
std::vector<Definition> HiddenDefinitions();

// Setters of common values. The targets outlive the definition.
Setter Into(std::string& target);
Setter Into(bool& target);
Setter Into(Duration& target);
Setter Into(std::optional<Duration>& target);
Setter Into(std::optional<std::int64_t>& target);
/// One of a command that has not succeeded: 1 to 255.
Setter IntoExitCode(std::optional<std::int64_t>& target);
Setter Into(std::vector<std::string>& target);
/// Of one of these kinds, if it names one.
Setter Into(ObjectReference& target, std::vector<std::string> kinds);
Setter Into(api::Operation& target);
Setter Into(api::JobState& target);
Setter Into(std::optional<api::JobState>& target);
Setter Into(NameInNamespace& target);
/// The name of a namespace.
Setter IntoNamespace(std::string& target);
/// A word of `--state` (state_word.h).
Setter IntoState(std::string& target);
/// One of the listed words (`json`, `yaml`, `wide`, `name`, `text`, `markdown`).
Setter Into(OutputFormat& target, std::vector<OutputFormat> allowed);
/// One of these words.
Setter OneOf(std::string& target, std::vector<std::string> words);

// Parameters that several commands share.
std::vector<Parameter> ClientParameters(ClientOptions& client, bool with_namespace = true);
/// An object of one of these kinds; of the first one where none is named.
Parameter TargetParameter(std::string help, ObjectReference& target,
                          std::vector<std::string> kinds);
Parameter OutputParameter(OutputFormat& output, std::vector<OutputFormat> allowed);

}  // namespace midwatch::cli
