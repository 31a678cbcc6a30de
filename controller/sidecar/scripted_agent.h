#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/object/json.h"
#include "controller/object/json_rpc.h"
#include "controller/sidecar/script.h"

namespace midwatch::sidecar {

struct ToClient {
  std::string line;
};
/// Start the MCP server with this command; its lines come back by OnMcpLine.
struct StartMcp {
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
};
struct ToMcp {
  std::string line;
};
struct ExitNow {
  int code = 0;
};
using SidecarOutput = std::variant<ToClient, StartMcp, ToMcp, ExitNow>;
using SidecarOutputs = std::vector<SidecarOutput>;

/// The agent's side of the Agent Client Protocol, version 1, for the `scripted` sidecar: one
/// session at a time, each prompt worked off by a Script that uses the tools of the session's MCP
/// server `midwatch`. A machine without I/O.
///
/// It introduces itself as `scripted (rules, no model)` and reports 0 tokens.
class ScriptedAgent {
 public:
  using MakeScript = std::function<std::unique_ptr<Script>()>;

  ScriptedAgent(MakeScript make_script, std::string version)
      : make_script_(std::move(make_script)), version_(std::move(version)) {}

  SidecarOutputs OnLine(std::string_view line);
  SidecarOutputs OnMcpLine(std::string_view line);
  /// The MCP server ended, or could not be started.
  SidecarOutputs OnMcpClosed(std::string_view why);

 private:
  enum class Tools : std::uint8_t { kNone, kStarting, kReady, kGone };

  void OnRequest(const JsonRpcMessage& message);
  void OnNewSession(const JsonRpcMessage& message);
  void OnPrompt(const JsonRpcMessage& message);
  void OnCancel();
  void OnMcpMessage(const JsonRpcMessage& message);
  void StartTools();
  void Advance(const std::optional<ToolAnswer>& answer);
  void Act(const Action& action);
  void Call(const CallTool& call);
  void Answered(const ToolAnswer& answer);
  void Update(Json update);
  void SayText(std::string_view kind, const std::string& text);
  void EndTurn(const std::string& stop_reason);

  const MakeScript make_script_;
  const std::string version_;
  std::string session_;
  int sessions_ = 0;
  Json server_;  // The MCP server `midwatch` of the session.
  Tools tools_ = Tools::kNone;
  std::unique_ptr<Script> script_;  // While a prompt is worked on.
  Json prompt_id_;
  std::int64_t next_id_ = 1;  // Of requests to the MCP server; the open one has the id before it.
  std::string open_call_;     // toolCallId of the call that is not answered.
  SidecarOutputs out_;
};

}  // namespace midwatch::sidecar
