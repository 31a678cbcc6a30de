#include "controller/sidecar/scripted_process.h"

#include <utility>

namespace midwatch::sidecar {

/// Hands on what the MCP server does, until the ScriptedProcess is gone.
class ScriptedProcess::McpSink final : public ProcessSink {
 public:
  explicit McpSink(ScriptedProcess& owner) : owner_(&owner) {}

  void Detach() {
    const std::lock_guard lock(mutex_);
    owner_ = nullptr;
  }
  void OnStdout(std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (owner_ != nullptr) owner_->OnMcpOutput(bytes);
  }
  void OnStderr(std::string_view) override {}
  void OnExit(ProcessExit exit) override {
    const std::lock_guard lock(mutex_);
    if (owner_ != nullptr) owner_->OnMcpExit(exit);
  }

 private:
  std::mutex mutex_;
  ScriptedProcess* owner_;
};

ScriptedProcess::ScriptedProcess(Ports ports, ScriptedAgent agent,
                                 std::map<std::string, std::string> environment)
    : ports_(std::move(ports)), agent_(std::move(agent)), environment_(std::move(environment)) {}

ScriptedProcess::~ScriptedProcess() {
  if (sink_) sink_->Detach();
}

void ScriptedProcess::OnInput(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  for (const LineSplitter::Line& line : input_.Feed(bytes)) Take(agent_.OnLine(line.text));
}

void ScriptedProcess::OnMcpOutput(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  for (const LineSplitter::Line& line : mcp_input_.Feed(bytes)) Take(agent_.OnMcpLine(line.text));
}

void ScriptedProcess::OnMcpExit(ProcessExit exit) {
  const std::lock_guard lock(mutex_);
  Take(agent_.OnMcpClosed("the MCP server ended with exit code " + std::to_string(exit.code)));
}

void ScriptedProcess::Take(const SidecarOutputs& outputs) {
  for (const SidecarOutput& output : outputs) {
    if (const auto* line = std::get_if<ToClient>(&output)) {
      ports_.write(line->line);
    } else if (const auto* start = std::get_if<StartMcp>(&output)) {
      Start(*start);
    } else if (const auto* to_mcp = std::get_if<ToMcp>(&output)) {
      if (mcp_) mcp_->Write(to_mcp->line);
    } else if (const auto* exit = std::get_if<ExitNow>(&output)) {
      ports_.exit(exit->code);
    }
  }
}

void ScriptedProcess::Start(const StartMcp& start) {
  ProcessSpec spec;
  spec.command = start.command;
  spec.environment = environment_;
  for (const auto& [name, value] : start.environment) spec.environment[name] = value;
  sink_ = std::make_shared<McpSink>(*this);
  auto process = ports_.processes.Start(spec, sink_);
  if (!process) return Take(agent_.OnMcpClosed(process.error().message));
  mcp_ = std::move(*process);
}

}  // namespace midwatch::sidecar
