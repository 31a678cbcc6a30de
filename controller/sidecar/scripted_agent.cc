#include "controller/sidecar/scripted_agent.h"

#include <utility>

#include "controller/base/text.h"

namespace midwatch::sidecar {
namespace {

constexpr const char* kMcpVersion = "2025-11-25";
constexpr std::size_t kShownOfAnswer = 2000;

std::string TextOf(const Json& content) {
  std::string text;
  for (const Json& block : content.Items()) text += block.At("text").AsString();
  return text;
}

bool Reads(std::string_view tool) { return tool != "save_artifact" && tool != "submit_result"; }

}  // namespace

SidecarOutputs ScriptedAgent::OnLine(std::string_view line) {
  const auto message = ParseJsonRpc(line);
  if (!message) {
    out_.emplace_back(ToClient{ErrorLine({}, JsonRpcCode::kParseError, message.error().message)});
  } else if (message->kind == JsonRpcKind::kRequest) {
    OnRequest(*message);
  } else if (message->method == "session/cancel") {
    OnCancel();
  }
  return std::exchange(out_, {});
}

SidecarOutputs ScriptedAgent::OnMcpLine(std::string_view line) {
  const auto message = ParseJsonRpc(line);
  if (message) OnMcpMessage(*message);
  return std::exchange(out_, {});
}

SidecarOutputs ScriptedAgent::OnMcpClosed(std::string_view why) {
  tools_ = Tools::kGone;
  if (script_) {
    SayText("agent_message_chunk", "The tools of Midwatch are gone: " + std::string(why));
    EndTurn("end_turn");
  }
  return std::exchange(out_, {});
}

void ScriptedAgent::OnRequest(const JsonRpcMessage& message) {
  if (message.method == "initialize") {
    out_.emplace_back(ToClient{ResultLine(
        message.id,
        Json::Of({{"protocolVersion", 1},
                  {"agentCapabilities",
                   Json::Of({{"loadSession", false},
                             {"promptCapabilities", Json::Of({{"embeddedContext", true}})}})},
                  {"agentInfo", Json::Of({{"name", "scripted"},
                                          {"title", "scripted (rules, no model)"},
                                          {"version", version_}})},
                  {"authMethods", Json::EmptyArray()}}))});
  } else if (message.method == "session/new") {
    OnNewSession(message);
  } else if (message.method == "session/prompt") {
    OnPrompt(message);
  } else {
    out_.emplace_back(ToClient{ErrorLine(message.id, JsonRpcCode::kMethodNotFound,
                                         "Method not found: " + message.method)});
  }
}

void ScriptedAgent::OnNewSession(const JsonRpcMessage& message) {
  server_ = Json();
  for (const Json& server : message.params.At("mcpServers").Items()) {
    if (server.At("name").AsString() == "midwatch") server_ = server;
  }
  session_ = "session-" + std::to_string(++sessions_);
  out_.emplace_back(ToClient{ResultLine(message.id, Json::Of({{"sessionId", session_}}))});
}

void ScriptedAgent::OnPrompt(const JsonRpcMessage& message) {
  const bool known = !session_.empty() && message.params.At("sessionId").AsString() == session_;
  if (!known || script_) {
    const char* why = known ? "a prompt is being worked on" : "unknown session";
    out_.emplace_back(ToClient{ErrorLine(message.id, JsonRpcCode::kInvalidParams, why)});
    return;
  }
  prompt_id_ = message.id;
  script_ = make_script_();
  if (tools_ == Tools::kNone && server_.IsObject()) return StartTools();
  Advance(std::nullopt);
}

void ScriptedAgent::OnCancel() {
  if (script_) EndTurn("cancelled");
}

void ScriptedAgent::StartTools() {
  tools_ = Tools::kStarting;
  StartMcp start;
  start.command.push_back(server_.At("command").AsString());
  for (const Json& argument : server_.At("args").Items())
    start.command.push_back(argument.AsString());
  for (const Json& variable : server_.At("env").Items()) {
    start.environment[variable.At("name").AsString()] = variable.At("value").AsString();
  }
  out_.emplace_back(std::move(start));
  out_.emplace_back(ToMcp{RequestLine(
      next_id_++, "initialize",
      Json::Of({{"protocolVersion", kMcpVersion},
                {"capabilities", Json::EmptyObject()},
                {"clientInfo", Json::Of({{"name", "scripted"}, {"version", version_}})}}))});
}

void ScriptedAgent::OnMcpMessage(const JsonRpcMessage& message) {
  const bool answers =
      (message.kind == JsonRpcKind::kResult || message.kind == JsonRpcKind::kError) &&
      message.id == Json(next_id_ - 1);
  if (!answers) return;
  if (tools_ == Tools::kStarting) {
    tools_ = Tools::kReady;
    out_.emplace_back(ToMcp{NotificationLine("notifications/initialized", {})});
    if (script_) Advance(std::nullopt);
    return;
  }
  if (!script_ || open_call_.empty()) return;
  if (message.kind == JsonRpcKind::kError) return Answered({message.error_message, true});
  Answered({TextOf(message.result.At("content")), message.result.At("isError").AsBool()});
}

void ScriptedAgent::Answered(const ToolAnswer& answer) {
  const Json block = Json::Of(
      {{"type", "content"},
       {"content",
        Json::Of({{"type", "text"}, {"text", Json(Utf8Prefix(answer.text, kShownOfAnswer))}})}});
  Update(Json::Of({{"sessionUpdate", "tool_call_update"},
                   {"toolCallId", std::exchange(open_call_, {})},
                   {"status", answer.is_error ? "failed" : "completed"},
                   {"content", Json::ArrayOf({block})}}));
  Advance(answer);
}

void ScriptedAgent::Advance(const std::optional<ToolAnswer>& answer) {
  for (const Action& action : script_->Next(answer)) Act(action);
}

void ScriptedAgent::Act(const Action& action) {
  if (const auto* think = std::get_if<Think>(&action)) {
    SayText("agent_thought_chunk", think->text + "\n");
  } else if (const auto* say = std::get_if<Say>(&action)) {
    SayText("agent_message_chunk", say->text);
  } else if (const auto* plan = std::get_if<ShowPlan>(&action)) {
    Update(Json::Of({{"sessionUpdate", "plan"}, {"entries", plan->entries}}));
  } else if (const auto* update = std::get_if<SendUpdate>(&action)) {
    Update(update->update);
  } else if (const auto* raw = std::get_if<SendRaw>(&action)) {
    out_.emplace_back(ToClient{raw->line + "\n"});
  } else if (const auto* call = std::get_if<CallTool>(&action)) {
    Call(*call);
  } else if (const auto* finish = std::get_if<Finish>(&action)) {
    EndTurn(finish->stop_reason);
  } else if (const auto* exit = std::get_if<Exit>(&action)) {
    out_.emplace_back(ExitNow{exit->code});
  }
}

void ScriptedAgent::Call(const CallTool& call) {
  if (tools_ != Tools::kReady) {
    SayText("agent_message_chunk", "This session has no tools of Midwatch.");
    return EndTurn("end_turn");
  }
  open_call_ = "call-" + std::to_string(next_id_);
  Update(Json::Of({{"sessionUpdate", "tool_call"},
                   {"toolCallId", open_call_},
                   {"title", call.tool},
                   {"kind", Reads(call.tool) ? "read" : "other"},
                   {"status", "in_progress"},
                   {"rawInput", call.arguments}}));
  out_.emplace_back(ToMcp{RequestLine(
      next_id_++, "tools/call", Json::Of({{"name", call.tool}, {"arguments", call.arguments}}))});
}

void ScriptedAgent::Update(Json update) {
  out_.emplace_back(ToClient{NotificationLine(
      "session/update", Json::Of({{"sessionId", session_}, {"update", std::move(update)}}))});
}

void ScriptedAgent::SayText(std::string_view kind, const std::string& text) {
  Update(Json::Of(
      {{"sessionUpdate", Json(kind)}, {"content", Json::Of({{"type", "text"}, {"text", text}})}}));
}

void ScriptedAgent::EndTurn(const std::string& stop_reason) {
  script_.reset();
  open_call_.clear();
  const Json usage = Json::Of({{"inputTokens", 0}, {"outputTokens", 0}, {"totalTokens", 0}});
  out_.emplace_back(
      ToClient{ResultLine(prompt_id_, Json::Of({{"stopReason", stop_reason}, {"usage", usage}}))});
}

}  // namespace midwatch::sidecar
