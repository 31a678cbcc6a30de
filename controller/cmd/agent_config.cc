#include "controller/cmd/agent_config.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "controller/agent/sidecar_session.h"
#include "controller/api/codec.h"
#include "controller/api/embedded_document.h"
#include "controller/base/text.h"
#include "controller/cmd/data_directory.h"
#include "controller/manifest/field_message.h"
#include "controller/manifest/loader.h"
#include "controller/posix/spawn.h"
#include "controller/schema/compiled_schema.h"

namespace midwatch::cmd {
namespace {

Result<schema::CompiledSchema> ConfigSchema() {
  return schema::CompiledSchema::Compile(api::Embedded(api::EmbeddedSchemas(), "AgentConfig"));
}

/// What is wrong with the sidecars on this host: called with field and message of each.
template <typename Add>
void CheckSidecars(const api::AgentConfig& config, const api::StringMap& environment, Add add) {
  for (std::size_t i = 0; i < config.sidecars.size(); ++i) {
    const api::SidecarConfig& sidecar = config.sidecars[i];
    const std::string field = "sidecars[" + std::to_string(i) + "].";
    const std::string path = agent::EnvironmentOf(sidecar, environment).at("PATH");
    if (!posix::FindProgram(sidecar.command, path)) {
      const bool is_path = sidecar.command.find('/') != std::string::npos;
      add(field + "command",
          Quote(sidecar.command) + ": expected " +
              (is_path ? "an executable file" : "an executable file in PATH " + Quote(path)));
    }
    if (!sidecar.cwd.empty() && !std::filesystem::is_directory(sidecar.cwd)) {
      add(field + "cwd", Quote(sidecar.cwd) + ": expected a directory");
    }
  }
}

}  // namespace

Result<api::AgentConfig> ReadAgentConfig(const std::string& path,
                                         const api::StringMap& environment) {
  if (path.empty()) {
    return Fail(ErrorCode::kInvalid, "--config: expected the file that declares the sidecars");
  }
  MIDWATCH_ASSIGN(const std::string text, ReadFile(path));
  manifest::LoadedYaml loaded = manifest::LoadYaml(path, text);
  std::vector<std::pair<manifest::Position, std::string>> errors;
  api::AgentConfig config;
  for (const manifest::ManifestError& error : loaded.errors) {
    errors.emplace_back(error.at, error.ToString());
  }
  if (errors.empty() && !loaded.body.IsObject()) {
    errors.emplace_back(manifest::Position(), path + ":1:1: expected a mapping with sidecars");
  }
  if (errors.empty()) {
    MIDWATCH_ASSIGN(const schema::CompiledSchema checked, ConfigSchema());
    const auto add = [&](const std::string& field, const std::string& message) {
      const manifest::Position at = loaded.places.Find(field);
      errors.emplace_back(at, path + ":" + std::to_string(at.line) + ":" +
                                  std::to_string(at.column) + ": " + field + ": " + message);
    };
    for (const schema::UnknownField& unknown : checked.Prune(loaded.body)) {
      add(unknown.path, unknown.suggestion.empty()
                            ? "unknown field"
                            : "unknown field, did you mean " + Quote(unknown.suggestion) + "?");
    }
    checked.ApplyDefaults(loaded.body);
    for (const schema::FieldError& error : checked.Validate(loaded.body)) {
      if (error.field != "<nil>") {  // "some validation rules were not checked"
        add(error.field, manifest::FieldMessage(error));
      }
    }
    if (errors.empty()) {
      MIDWATCH_ASSIGN(config, api::Decode<api::AgentConfig>(loaded.body));
      CheckSidecars(config, environment, add);
    }
  }
  if (errors.empty()) {
    return config;
  }
  std::stable_sort(errors.begin(), errors.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> lines;
  for (const auto& [at, line] : errors) {
    lines.push_back(line);
  }
  return Fail(ErrorCode::kInvalid, Join(lines, "\n"));
}

Result<agent::PromptTemplates> ReadPrompts(const std::string& directory) {
  agent::PromptTemplates out;
  if (directory.empty()) {
    return out;
  }
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(directory, failed)) {
    const auto prompts = agent::EmbeddedPrompts();
    const std::string name = entry.path().stem().string();
    const bool known = std::any_of(prompts.begin(), prompts.end(),
                                   [&](const auto& prompt) { return prompt.name == name; });
    if (!known || entry.path().extension() != ".md") {
      return Fail(ErrorCode::kInvalid,
                  "prompts: " + Quote(entry.path().string()) +
                      ": expected diagnose.md, approval.md or summarize.md, and nothing else");
    }
    MIDWATCH_ASSIGN(out[name], ReadFile(entry.path()));
  }
  if (failed) {
    return Fail(ErrorCode::kInvalid, "prompts: " + Quote(directory) + ": " + failed.message());
  }
  return out;
}

}  // namespace midwatch::cmd
