#include "controller/agent/mcp_server.h"

#include <algorithm>
#include <utility>

#include "controller/agent/mcp_tools.h"
#include "controller/base/pattern.h"
#include "controller/base/text.h"

namespace midwatch::agent {
namespace {

constexpr std::string_view kModern = "2026-07-28";
constexpr std::string_view kWithInitialize[] = {"2025-11-25", "2025-06-18", "2025-03-26",
                                                "2024-11-05"};
constexpr const char* kVersionMember = "io.modelcontextprotocol/protocolVersion";
constexpr std::size_t kMaxName = 128;
constexpr std::size_t kShownRefusal = 2000;

Json ServerInfo(const std::string& version) {
  return Json::Of({{"name", "midwatch"}, {"title", "Midwatch"}, {"version", version}});
}

/// Enough of what came in for who sent it to know it again.
std::string Shown(std::string_view argument) {
  return std::string(Utf8Prefix(argument, kShownOfArgument));
}

bool IsArtifactName(const std::string& name) {
  const bool characters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
  const auto is_end = [](char c) { return c != '-' && c != '_' && c != '.'; };
  return characters && !name.empty() && name.size() <= kMaxName && is_end(name.front()) &&
         is_end(name.back());
}

Json ParsedPlan(const ArtifactTexts& inputs) {
  const auto plan = inputs.find("plan");
  if (plan == inputs.end()) return {};
  auto parsed = ParseJson(plan->second.text(), JsonLimits{.bytes = kMaxPlan});
  return parsed ? std::move(parsed->value) : Json();
}

}  // namespace

McpDesk::McpDesk(api::RunSpec spec, ArtifactTexts texts, SecretMask secrets)
    : run(std::move(spec)),
      inputs(std::move(texts)),
      check(run.mission_type),
      plan(ParsedPlan(inputs)),
      mask(std::move(secrets)),
      outward(mask) {}

std::vector<std::string> McpServer::ToolNames() {
  return {"job", "log", "plan", "history", "save_artifact", "submit_result"};
}

McpOutputs McpServer::OnLine(std::string_view line) {
  if (Trim(line).empty()) {
    return {};
  }
  const auto message = ParseJsonRpc(line);
  if (!message) {
    ++unreadable_;
    const bool is_json = message.error().code == ErrorCode::kInvalid;
    out_.emplace_back(
        McpSend{ErrorLine({}, is_json ? JsonRpcCode::kInvalidRequest : JsonRpcCode::kParseError,
                          message.error().message)});
  } else if (message->kind == JsonRpcKind::kRequest) {
    OnRequest(*message);
  }
  return std::exchange(out_, {});
}

McpOutputs McpServer::OnLineTooLong() {
  ++unreadable_;
  out_.emplace_back(McpSend{ErrorLine({}, JsonRpcCode::kParseError, "a line of more than 1 MiB")});
  return std::exchange(out_, {});
}

void McpServer::OnRequest(const JsonRpcMessage& message) {
  const Json& version = message.params.At("_meta", kVersionMember);
  modern_ = version.AsString() == kModern;
  if (version.IsString() && !modern_) {
    out_.emplace_back(McpSend{
        ErrorLine(message.id, JsonRpcCode::kUnsupportedVersion, "Unsupported protocol version",
                  Json::Of({{"supported", Json::ArrayOf({Json(kModern), Json(kWithInitialize[0])})},
                            {"requested", version}}))});
    return;
  }
  if (message.method == "initialize") return OnInitialize(message);
  if (message.method == "ping") return Answer(message.id, Json::EmptyObject());
  if (message.method == "server/discover") {
    return Answer(
        message.id,
        Json::Of(
            {{"supportedVersions", Json::ArrayOf({Json(kModern)})},
             {"capabilities", Json::Of({{"tools", Json::EmptyObject()}})},
             {"_meta", Json::Of({{"io.modelcontextprotocol/serverInfo", ServerInfo(version_)}})}}));
  }
  if (message.method == "tools/list") {
    return Answer(message.id, Json::Of({{"tools", ToolList(desk_.check.input_schema())}}));
  }
  if (message.method == "tools/call") return CallTool(message);
  out_.emplace_back(McpSend{ErrorLine(message.id, JsonRpcCode::kMethodNotFound,
                                      "Method not found: " + Shown(message.method))});
}

void McpServer::OnInitialize(const JsonRpcMessage& message) {
  const std::string& wanted = message.params.At("protocolVersion").AsString();
  std::string_view spoken = kWithInitialize[0];
  for (const std::string_view known : kWithInitialize) {
    if (wanted == known) spoken = known;
  }
  Answer(message.id, Json::Of({{"protocolVersion", Json(spoken)},
                               {"capabilities", Json::Of({{"tools", Json::EmptyObject()}})},
                               {"serverInfo", ServerInfo(version_)}}));
}

void McpServer::CallTool(const JsonRpcMessage& message) {
  const std::string& name = message.params.At("name").AsString();
  const Json& arguments = message.params.At("arguments");
  const auto read = [&](const Result<std::string>& text) {
    AnswerTool(message.id, text ? ToolResult{*text} : ToolResult{text.error().message, true});
  };
  if (name == "job") return read(JobTool(desk_.run, desk_.inputs));
  if (name == "log") return read(LogTool(arguments, desk_.inputs, desk_.search_left));
  if (name == "plan") return read(PlanTool(arguments, desk_.plan));
  if (name == "history") return read(HistoryTool(desk_.run));
  if (name == "submit_result") return AnswerTool(message.id, SubmitResult(arguments));
  if (name == "save_artifact") {
    if (const auto at_once = SaveArtifact(message.id, arguments)) AnswerTool(message.id, *at_once);
    return;
  }
  out_.emplace_back(
      McpSend{ErrorLine(message.id, JsonRpcCode::kInvalidParams, "Unknown tool: " + Shown(name))});
}

Result<Json> McpServer::AsKept(Result<Json> accepted) const {
  if (!accepted) return accepted;
  Json kept = desk_.outward.Document(*std::move(accepted));
  MIDWATCH_TRY(desk_.check.CheckKept(kept));
  return kept;
}

McpServer::ToolResult McpServer::SubmitResult(const Json& arguments) {
  std::string refusal;
  if (!desk_.result.IsNull()) {
    refusal = "a result was accepted already; there is only one";
  } else if (desk_.refused_results >= kMaxRefusals) {
    refusal = "too many results were refused; this Run takes no more";
  } else {
    auto result = AsKept(desk_.check.Check(WithEachString(arguments, desk_.mask), desk_.inputs));
    if (result) {
      desk_.result = std::move(*result);
      out_.emplace_back(
          SessionRecord{RecordKind::kResult, "accepted", Json::Of({{"result", desk_.result}})});
      out_.emplace_back(McpSubmitted{});
      return {"accepted"};
    }
    refusal = std::move(result.error().message);
    desk_.last_refusal = desk_.mask.Prefix(refusal, kShownRefusal);
    ++desk_.refused_results;
  }
  Json why = Json::Of({{"why", desk_.mask.Prefix(refusal, kShownRefusal)}});
  out_.emplace_back(SessionRecord{RecordKind::kResult, "refused", std::move(why)});
  return {"refused:\n" + refusal, true};
}

std::optional<McpServer::ToolResult> McpServer::SaveArtifact(const Json& id,
                                                             const Json& arguments) {
  const std::string& name = arguments.At("name").AsString();
  const Json& content = arguments.At("content");
  if (!IsArtifactName(name)) {
    return ToolResult{
        "name: " + Quote(Shown(name)) + ": expected letters, digits, '-', '_' and '.'", true};
  }
  if (!content.IsString()) return ToolResult{"content: expected a text", true};
  const bool taken = desk_.inputs.contains(name) ||
                     std::find(desk_.saved.begin(), desk_.saved.end(), name) != desk_.saved.end();
  if (taken) return ToolResult{"name: " + Quote(name) + " is taken", true};
  const std::string& bytes = content.AsString();
  if (desk_.saved.size() >= kMaxSaved || desk_.saved_bytes + bytes.size() > kMaxSavedBytes) {
    return ToolResult{"this Run may save " + std::to_string(kMaxSaved) + " artifacts of " +
                          std::to_string(kMaxSavedBytes) + " bytes in all, and no more",
                      true};
  }
  desk_.saved.push_back(name);
  desk_.saved_bytes += bytes.size();
  const std::string& media_type = arguments.At("mediaType").AsString();
  out_.emplace_back(McpSave{id, name, media_type.empty() ? "text/plain" : media_type, bytes});
  return std::nullopt;
}

McpOutputs McpServer::OnSaved(const Json& request, const std::string& name,
                              const Result<std::string>& digest) {
  if (digest) {
    AnswerTool(request, {"saved " + name + " as " + *digest});
  } else {
    std::erase(desk_.saved, name);
    AnswerTool(request, {"not saved: " + digest.error().message, true});
  }
  return std::exchange(out_, {});
}

void McpServer::AnswerTool(const Json& id, const ToolResult& result) {
  const Json block = Json::Of({{"type", "text"}, {"text", result.text}});
  Answer(id, Json::Of({{"content", Json::ArrayOf({block})}, {"isError", result.is_error}}));
}

void McpServer::Answer(const Json& id, Json result) {
  if (modern_) result.Set("resultType", "complete");
  out_.emplace_back(McpSend{ResultLine(id, std::move(result))});
}

}  // namespace midwatch::agent
