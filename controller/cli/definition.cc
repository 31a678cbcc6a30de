#include "controller/cli/definition.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "controller/api/codec.h"
#include "controller/base/text.h"
#include "controller/cli/object_reference.h"
#include "controller/cli/state_word.h"
#include "controller/object/name_rules.h"

namespace midwatch::cli {
namespace {

constexpr std::pair<OutputFormat, std::string_view> kFormatWords[] = {
    {OutputFormat::kText, "text"}, {OutputFormat::kWide, "wide"},
    {OutputFormat::kJson, "json"}, {OutputFormat::kYaml, "yaml"},
    {OutputFormat::kName, "name"}, {OutputFormat::kMarkdown, "markdown"}};

std::string_view WordOf(OutputFormat format) {
  return std::find_if(std::begin(kFormatWords), std::end(kFormatWords),
                      [&](const auto& row) { return row.first == format; })
      ->second;
}

std::string AnyOf(const std::vector<std::string>& words) {
  std::string out = "expected ";
  for (std::size_t i = 0; i < words.size(); ++i) {
    out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  }
  return out;
}

std::vector<std::string> WordsOf(const std::vector<OutputFormat>& formats) {
  std::vector<std::string> words;
  for (const OutputFormat format : formats) {
    words.emplace_back(WordOf(format));
  }
  return words;
}

/// The enumerator whose word it is, case ignored.
template <typename E>
Result<E> ParseWord(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : api::kEnumInfo<E>.words) {
    if (ToLower(word) == ToLower(text)) {
      return *api::FindEnum<E>(word);
    }
    words.emplace_back(word);
  }
  return Fail(ErrorCode::kInvalid, AnyOf(words));
}

Result<std::int64_t> ParseNumber(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) {
    return Fail(ErrorCode::kInvalid, "expected a whole number");
  }
  return number;
}

Result<Duration> ParseLength(const std::string& text) {
  auto length = ParseDuration(text);
  return length ? std::move(length)
                : Fail(ErrorCode::kInvalid, "expected a duration such as 90s, 10m or 1h30m");
}

template <typename T, typename Parse>
Setter Parsed(T& target, Parse parse) {
  return [&target, parse](const std::string& value) -> Result<void> {
    MIDWATCH_ASSIGN(target, parse(value));
    return {};
  };
}

}  // namespace

Setter Into(std::string& target) {
  return Parsed(target, [](const std::string& value) -> Result<std::string> { return value; });
}

Setter Into(bool& target) {
  return [&target](const std::string&) -> Result<void> {
    target = true;
    return {};
  };
}

Setter Into(Duration& target) { return Parsed(target, ParseLength); }
Setter Into(std::optional<Duration>& target) { return Parsed(target, ParseLength); }
Setter Into(std::optional<std::int64_t>& target) { return Parsed(target, ParseNumber); }
Setter IntoExitCode(std::optional<std::int64_t>& target) {
  return Parsed(target, [](const std::string& value) -> Result<std::int64_t> {
    constexpr std::int64_t kLargest = 255;
    const auto number = ParseNumber(value);
    if (!number || *number < 1 || *number > kLargest) {
      return Fail(ErrorCode::kInvalid, "expected a whole number from 1 to 255");
    }
    return *number;
  });
}
Setter Into(api::Operation& target) { return Parsed(target, ParseWord<api::Operation>); }
Setter Into(api::JobState& target) { return Parsed(target, ParseWord<api::JobState>); }
Setter Into(std::optional<api::JobState>& target) {
  return Parsed(target, ParseWord<api::JobState>);
}

Setter Into(std::vector<std::string>& target) {
  return [&target](const std::string& value) -> Result<void> {
    target.push_back(value);
    return {};
  };
}

Setter Into(ObjectReference& target, std::vector<std::string> kinds) {
  return Parsed(target,
                [kinds](const std::string& value) { return ParseReferenceTo(value, kinds); });
}

Setter Into(NameInNamespace& target) {
  return Parsed(target, [](const std::string& value) -> Result<NameInNamespace> {
    const std::vector<std::string_view> parts = Split(value, '/');
    if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
      return Fail(ErrorCode::kInvalid, "expected NAMESPACE/NAME");
    }
    return NameInNamespace{.namespace_name = std::string(parts[0]), .name = std::string(parts[1])};
  });
}

Setter IntoNamespace(std::string& target) {
  return Parsed(target, [](const std::string& value) -> Result<std::string> {
    if (CheckDnsLabel(value)) {
      return Fail(ErrorCode::kInvalid,
                  "expected the name of a namespace: lower case letters, digits and -");
    }
    return value;
  });
}

Setter IntoState(std::string& target) {
  return Parsed(target, [](const std::string& value) -> Result<std::string> {
    if (!IsStateWord(value)) {
      return Fail(ErrorCode::kInvalid, AnyOf(StateWords()));
    }
    return value;
  });
}

Setter Into(OutputFormat& target, std::vector<OutputFormat> allowed) {
  return Parsed(target, [allowed](const std::string& value) -> Result<OutputFormat> {
    for (const OutputFormat format : allowed) {
      if (WordOf(format) == value) {
        return format;
      }
    }
    return Fail(ErrorCode::kInvalid, AnyOf(WordsOf(allowed)));
  });
}

Setter OneOf(std::string& target, std::vector<std::string> words) {
  return Parsed(target, [words](const std::string& value) -> Result<std::string> {
    if (std::find(words.begin(), words.end(), value) == words.end()) {
      return Fail(ErrorCode::kInvalid, AnyOf(words));
    }
    return value;
  });
}

std::vector<Parameter> ClientParameters(ClientOptions& client, bool with_namespace) {
  std::vector<Parameter> out;
  if (with_namespace) {
    out.push_back({.names = "-n,--namespace",
                   .value = "NAMESPACE",
                   .help = "Namespace; without it the one of the kubeconfig, else default",
                   .set = IntoNamespace(client.namespace_name)});
  }
  out.push_back({.names = "--kubeconfig",
                 .value = "FILE",
                 .help = "Which API, and as whom; without it $KUBECONFIG, then ~/.kube/config",
                 .set = Into(client.kubeconfig)});
  return out;
}

Parameter TargetParameter(std::string help, ObjectReference& target,
                          std::vector<std::string> kinds) {
  std::string forms;
  for (const std::string& kind : kinds) {
    forms += (forms.empty() ? "" : " | ") + kind + "/NAME";
  }
  return {.names = std::move(forms),
          .help = std::move(help) + "; also KIND/NAMESPACE/NAME, NAMESPACE/NAME or NAME of a " +
                  kinds.front(),
          .set = Into(target, kinds),
          .required = true};
}

Parameter OutputParameter(OutputFormat& output, std::vector<OutputFormat> allowed) {
  return {.names = "-o,--output",
          .value = Join(WordsOf(allowed), "|"),
          .help = "Form of the output",
          .set = Into(output, allowed)};
}

std::string_view TitleOf(Chapter chapter) {
  switch (chapter) {
    case Chapter::kRun:
      return "Run the parts";
    case Chapter::kPipelines:
      return "Report from a pipeline";
    case Chapter::kManifests:
      return "Write and check manifests";
    case Chapter::kLook:
      return "Look";
    case Chapter::kSteer:
      return "Steer";
    case Chapter::kHidden:
      break;
  }
  return "Internal";
}

std::vector<Definition> Definitions() {
  std::vector<Definition> all;
  for (const auto& chapter : {RunDefinitions(), PipelineDefinitions(), ManifestDefinitions(),
                              LookDefinitions(), SteerDefinitions(), HiddenDefinitions()}) {
    all.insert(all.end(), chapter.begin(), chapter.end());
  }
  return all;
}

}  // namespace midwatch::cli
