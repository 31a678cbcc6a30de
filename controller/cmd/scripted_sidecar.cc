#include "controller/cmd/scripted_sidecar.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "controller/cmd/data_directory.h"
#include "controller/cmd/environment.h"
#include "controller/cmd/version.h"
#include "controller/posix/process_runner.h"
#include "controller/posix/standard_streams.h"
#include "controller/sidecar/rules.h"
#include "controller/sidecar/rules_script.h"
#include "controller/sidecar/scripted_process.h"
#include "controller/sidecar/transcript.h"

namespace midwatch::cmd {
namespace {

/// The files of a directory by name; none if no directory is given.
Result<std::map<std::string, std::string>> ReadRuleFiles(const std::string& directory) {
  std::map<std::string, std::string> out;
  if (directory.empty()) {
    return out;
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".rules") {
      MIDWATCH_ASSIGN(std::string text, ReadFile(entry.path()));
      out.emplace(entry.path().filename().string(), std::move(text));
    }
  }
  if (error) {
    return Fail(ErrorCode::kNotFound, "--rules: " + directory + ": " + error.message());
  }
  return out;
}

Result<sidecar::ScriptedAgent::MakeScript> ScriptOf(const cli::ScriptedSidecarOptions& options) {
  if (options.transcript.empty()) {
    MIDWATCH_ASSIGN(const auto own, ReadRuleFiles(options.rules));
    MIDWATCH_ASSIGN(auto book, sidecar::LoadRules(own));
    auto rules = std::make_shared<const sidecar::RuleBook>(std::move(book));
    return sidecar::ScriptedAgent::MakeScript(
        [rules] { return std::make_unique<sidecar::RulesScript>(rules); });
  }
  MIDWATCH_ASSIGN(const std::string text, ReadFile(options.transcript));
  MIDWATCH_TRY(sidecar::Transcript::Parse(text));
  return sidecar::ScriptedAgent::MakeScript([text]() -> std::unique_ptr<sidecar::Script> {
    return *sidecar::Transcript::Parse(text);  // Parsed once before.
  });
}

}  // namespace

int RunScriptedSidecar(const cli::ScriptedSidecarOptions& options) {
  auto script = ScriptOf(options);
  if (!script) {
    std::fprintf(stderr, "error: %s\n", script.error().message.c_str());
    return 1;
  }
  posix::PosixProcessRunner processes;
  sidecar::ScriptedProcess process(
      {.processes = processes,
       .write = [](std::string_view bytes) { (void)posix::WriteOutput(bytes); },
       .exit = [](int code) { ::_exit(code); }},
      sidecar::ScriptedAgent(*std::move(script), std::string(kVersion)), ReadEnvironment());
  posix::ReadInput([&](std::string_view bytes) {
    process.OnInput(bytes);
    return true;
  });
  return 0;
}

}  // namespace midwatch::cmd
