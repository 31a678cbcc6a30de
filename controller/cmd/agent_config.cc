#include "controller/cmd/agent_config.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "controller/api/codec.h"
#include "controller/api/embedded_crds.h"
#include "controller/base/text.h"
#include "controller/cmd/data_directory.h"
#include "controller/manifest/loader.h"
#include "controller/schema/compiled_schema.h"

namespace midwatch::cmd {
namespace {

Result<schema::CompiledSchema> ConfigSchema() {
  for (const api::EmbeddedDocument& document : api::EmbeddedSchemas()) {
    if (document.name == "AgentConfig") {
      MIDWATCH_ASSIGN(const Json json, ParseJson(document.json));
      return schema::CompiledSchema::Compile(json);
    }
  }
  return Fail(ErrorCode::kInternal, "the schema AgentConfig is not embedded");
}

}  // namespace

Result<api::AgentConfig> ReadAgentConfig(const std::string& path) {
  if (path.empty()) {
    return Fail(ErrorCode::kInvalid, "--config: expected the file that declares the sidecars");
  }
  MIDWATCH_ASSIGN(const std::string text, ReadFile(path));
  manifest::LoadedYaml loaded = manifest::LoadYaml(path, text);
  std::vector<std::string> errors;
  for (const manifest::ManifestError& error : loaded.errors) {
    errors.push_back(error.ToString());
  }
  if (errors.empty()) {
    MIDWATCH_ASSIGN(const schema::CompiledSchema checked, ConfigSchema());
    const auto add = [&](const std::string& field, const std::string& message) {
      const manifest::Position at = loaded.places.Find(field);
      errors.push_back(path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) +
                       ": " + field + ": " + message);
    };
    for (const schema::UnknownField& unknown : checked.Prune(loaded.body)) {
      add(unknown.path, unknown.suggestion.empty()
                            ? "unknown field"
                            : "unknown field, did you mean " + Quote(unknown.suggestion) + "?");
    }
    checked.ApplyDefaults(loaded.body);
    for (const schema::FieldError& error : checked.Validate(loaded.body)) {
      add(error.field, error.message);
    }
  }
  if (!errors.empty()) {
    return Fail(ErrorCode::kInvalid, Join(errors, "\n"));
  }
  return api::Decode<api::AgentConfig>(loaded.body);
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
