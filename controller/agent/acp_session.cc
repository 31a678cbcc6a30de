#include "controller/agent/acp_session.h"

#include <algorithm>
#include <utility>

#include "controller/api/codec.h"
#include "controller/base/text.h"

namespace midwatch::agent {
namespace {

constexpr std::size_t kShownOfBadLine = 200;
constexpr std::size_t kShownOfError = 500;
constexpr std::size_t kShownOfMethod = 200;
constexpr std::size_t kMaxToolCallId = 256;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 50;

std::string TextOf(const Json& content) {
  const std::string& type = content.At("type").AsString();
  if (type == "text") {
    return content.At("text").AsString();
  }
  if (type == "resource_link") {
    return "[" + content.At("name").AsString() + "](" + content.At("uri").AsString() + ")";
  }
  if (type == "resource") {
    return content.At("resource", "text").AsString();
  }
  return "[" + type + "]";
}

std::string TextOfToolContent(const Json& content) {
  std::string text;
  for (const Json& item : content.Items()) {
    const std::string& type = item.At("type").AsString();
    if (type == "content") {
      text += TextOf(item.At("content"));
    } else if (type == "diff") {
      text += "[diff of " + item.At("path").AsString() + "]";
    } else {
      text += "[" + type + "]";
    }
    text += "\n";
  }
  return std::string(Trim(text));
}

/// The title is meant for people; without one the name and version are shown.
std::string ProducerOf(const Json& info) {
  const std::string& title = info.At("title").AsString();
  if (!title.empty()) {
    return title;
  }
  const std::string named = info.At("name").AsString() + " " + info.At("version").AsString();
  return std::string(Trim(named));
}

const Json* FindOption(const Json& options, std::string_view kind) {
  for (const Json& option : options.Items()) {
    if (option.At("kind").AsString() == kind && option.At("optionId").IsString()) {
      return &option;
    }
  }
  return nullptr;
}

std::int64_t Tokens(const Json& number) {
  return std::clamp<std::int64_t>(number.AsInt(), 0, kMostTokens);
}

}  // namespace

AcpOutputs AcpSession::Start(MonoTime now) {
  handshake_until_ = now + kHandshakeTime;
  state_ = State::kInitializing;
  const Json capabilities = Json::Of(
      {{"fs", Json::Of({{"readTextFile", false}, {"writeTextFile", false}})}, {"terminal", false}});
  Ask("initialize", Json::Of({{"protocolVersion", kProtocolVersion},
                              {"clientCapabilities", capabilities},
                              {"clientInfo", Json::Of({{"name", "midwatch"},
                                                       {"title", "Midwatch"},
                                                       {"version", config_.version}})}}));
  return std::exchange(out_, {});
}

AcpOutputs AcpSession::OnLine(std::string_view line) {
  if (ended() || Trim(line).empty()) {
    return {};
  }
  const auto message = ParseJsonRpc(line);
  if (!message) {
    OnBadLine(message.error().message, line);
    if (message.error().code == ErrorCode::kInvalid && !ended()) {
      out_.emplace_back(
          AcpSend{ErrorLine({}, JsonRpcCode::kInvalidRequest, message.error().message)});
    }
    return std::exchange(out_, {});
  }
  switch (message->kind) {
    case JsonRpcKind::kRequest:
      OnRequest(*message);
      break;
    case JsonRpcKind::kNotification:
      OnNotification(*message);
      break;
    case JsonRpcKind::kResult:
      OnResult(*message);
      break;
    case JsonRpcKind::kError:
      OnError(*message);
      break;
  }
  return std::exchange(out_, {});
}

AcpOutputs AcpSession::OnLineTooLong() {
  if (!ended()) {
    End(AcpEnd::kBroken, "sent a line of more than 1 MiB");
  }
  return std::exchange(out_, {});
}

AcpOutputs AcpSession::OnTime(MonoTime now) {
  const auto wake = NextWake();
  if (wake && now >= *wake) {
    End(AcpEnd::kBroken, "did not answer the handshake within 60 s");
  }
  return std::exchange(out_, {});
}

AcpOutputs AcpSession::Cancel() {
  if (state_ == State::kPrompting) {
    state_ = State::kCancelling;
    out_.emplace_back(
        AcpSend{NotificationLine("session/cancel", Json::Of({{"sessionId", session_id_}}))});
  } else if (state_ != State::kCancelling && state_ != State::kEnded) {
    End(AcpEnd::kCancelled, "cancelled before the turn began");
  }
  return std::exchange(out_, {});
}

std::optional<MonoTime> AcpSession::NextWake() const {
  const bool handshake = state_ == State::kInitializing || state_ == State::kCreating;
  return handshake ? std::optional(handshake_until_) : std::nullopt;
}

void AcpSession::OnResult(const JsonRpcMessage& message) {
  if (message.id != Json(next_id_ - 1)) {
    return OnBadLine("an answer to nothing that was asked", message.id.Dump());
  }
  switch (state_) {
    case State::kInitializing:
      return OnInitialized(message.result);
    case State::kCreating:
      return OnCreated(message.result);
    case State::kPrompting:
    case State::kCancelling:
      return OnTurnEnded(message.result);
    case State::kNew:
    case State::kEnded:
      return;
  }
}

void AcpSession::OnError(const JsonRpcMessage& message) {
  const std::string shown = config_.mask.Prefix(message.error_message, kShownOfError) + " (" +
                            std::to_string(message.error_code) + ")";
  if (message.id != Json(next_id_ - 1)) {
    return Record(RecordKind::kSystem, "the sidecar reported an error: " + shown);
  }
  const bool cancelled = state_ == State::kCancelling ||
                         message.error_code == static_cast<int>(JsonRpcCode::kRequestCancelled);
  if (cancelled) {
    return End(AcpEnd::kCancelled, "cancelled");
  }
  if (message.error_code == static_cast<int>(JsonRpcCode::kAuthRequired)) {
    return End(AcpEnd::kBroken, "wants to be logged in first: " + shown);
  }
  End(AcpEnd::kBroken, "answered with an error: " + shown);
}

void AcpSession::OnInitialized(const Json& result) {
  const Json& version = result.At("protocolVersion");
  if (!version.IsInt() || version.AsInt() != kProtocolVersion) {
    return End(AcpEnd::kBroken,
               "speaks version " + version.Dump() + " of the Agent Client Protocol, expected 1");
  }
  out_.emplace_back(AcpIntroduced{ProducerOf(result.At("agentInfo"))});
  takes_resources_ =
      result.At("agentCapabilities", "promptCapabilities", "embeddedContext").AsBool();
  state_ = State::kCreating;
  Ask("session/new",
      Json::Of({{"cwd", config_.working_directory}, {"mcpServers", config_.mcp_servers}}));
}

void AcpSession::OnCreated(const Json& result) {
  session_id_ = result.At("sessionId").AsString();
  if (session_id_.empty()) {
    return End(AcpEnd::kBroken, "made a session without a sessionId");
  }
  state_ = State::kPrompting;
  Ask("session/prompt", Json::Of({{"sessionId", session_id_}, {"prompt", Prompt()}}));
}

void AcpSession::OnTurnEnded(const Json& result) {
  const Json& usage = result.At("usage");
  if (usage.IsObject()) {
    const std::int64_t input = Tokens(usage.At("inputTokens")) +
                               Tokens(usage.At("cachedReadTokens")) +
                               Tokens(usage.At("cachedWriteTokens"));
    const std::int64_t output =
        Tokens(usage.At("outputTokens")) + Tokens(usage.At("thoughtTokens"));
    out_.emplace_back(AcpUsage{{input, output}});
  }
  const std::string& reason = result.At("stopReason").AsString();
  if (reason.empty()) {
    return End(AcpEnd::kBroken, "ended its turn without a stopReason");
  }
  if (reason == "cancelled") {
    return End(AcpEnd::kCancelled, reason);
  }
  End(reason == "refusal" ? AcpEnd::kRefused : AcpEnd::kCompleted, reason);
}

void AcpSession::OnRequest(const JsonRpcMessage& message) {
  if (message.method == "session/request_permission") {
    return OnPermission(message);
  }
  const std::string method = config_.mask.Prefix(message.method, kShownOfMethod);
  Record(RecordKind::kSystem, "refused a request that was not offered: " + method);
  out_.emplace_back(AcpSend{ErrorLine(message.id, JsonRpcCode::kMethodNotFound,
                                      method + " is not offered by this client")});
}

void AcpSession::OnPermission(const JsonRpcMessage& message) {
  const Json& call = message.params.At("toolCall");
  const Json& options = message.params.At("options");
  if (!IsOurs(message.params) || !call.IsObject() || !options.IsArray()) {
    Record(RecordKind::kSystem, "refused a request for permission that names no call of ours");
    out_.emplace_back(
        AcpSend{ErrorLine(message.id, JsonRpcCode::kInvalidParams,
                          "expected the sessionId of the session, toolCall and options")});
    return;
  }
  const Json* chosen = nullptr;
  bool allowed = state_ == State::kPrompting && IsAllowed(call);
  if (allowed) {
    chosen = FindOption(options, "allow_once");
    allowed = chosen != nullptr;
  }
  if (!allowed && state_ == State::kPrompting) {
    chosen = FindOption(options, "reject_once");
    chosen = chosen != nullptr ? chosen : FindOption(options, "reject_always");
  }
  Json outcome = Json::Of({{"outcome", "cancelled"}});
  if (chosen != nullptr) {
    outcome = Json::Of({{"outcome", "selected"}, {"optionId", chosen->At("optionId")}});
  }
  Record(RecordKind::kPermission, call.At("title").AsString(),
         Json::Of({{"toolCallId", call.At("toolCallId")},
                   {"input", call.At("rawInput")},
                   {"permissions", Json(api::ToString(config_.permissions))},
                   {"answer", allowed ? "allowed" : "denied"}}));
  out_.emplace_back(AcpSend{ResultLine(message.id, Json::Of({{"outcome", outcome}}))});
}

bool AcpSession::IsAllowed(const Json& tool_call) const {
  std::string kind = tool_call.At("kind").AsString();
  if (kind.empty()) {
    const auto known = tool_kinds_.find(tool_call.At("toolCallId").AsString());
    kind = known == tool_kinds_.end() ? "other" : known->second;
  }
  const bool reads = kind == "read" || kind == "search" || kind == "think";
  if (reads && config_.permissions == api::Permissions::kAllowReads) {
    return true;
  }
  const std::string& title = tool_call.At("title").AsString();
  return (reads || kind == "other") &&
         std::any_of(config_.own_tools.begin(), config_.own_tools.end(),
                     [&](const std::string& tool) { return title == "mcp__midwatch__" + tool; });
}

bool AcpSession::IsOurs(const Json& params) const {
  return !session_id_.empty() && params.At("sessionId").AsString() == session_id_;
}

void AcpSession::OnNotification(const JsonRpcMessage& message) {
  if (message.method == "session/update") {
    if (!IsOurs(message.params)) {
      return Record(RecordKind::kSystem, "ignored an update of another session");
    }
    return OnUpdate(message.params.At("update"));
  }
  if (!message.method.starts_with("$/")) {
    Record(RecordKind::kSystem,
           "ignored a notification: " + config_.mask.Prefix(message.method, kShownOfMethod));
  }
}

void AcpSession::OnUpdate(const Json& update) {
  const std::string& kind = update.At("sessionUpdate").AsString();
  const Json& content = update.At("content");
  if (kind == "agent_thought_chunk") {
    return Record(RecordKind::kReasoning, TextOf(content), {}, true);
  }
  if (kind == "agent_message_chunk") {
    return Record(RecordKind::kAnswer, TextOf(content), {}, true);
  }
  if (kind == "user_message_chunk") {
    return Record(RecordKind::kPrompt, TextOf(content), {}, true);
  }
  if (kind == "tool_call" || kind == "tool_call_update") {
    return OnToolCall(update, kind == "tool_call");
  }
  if (kind == "plan") {
    return Record(RecordKind::kPlan, "", Json::Of({{"entries", update.At("entries")}}));
  }
  if (kind == "usage_update") {
    Record(RecordKind::kUsage, "",
           Json::Of({{"contextTokens", update.At("used")},
                     {"contextSize", update.At("size")},
                     {"cost", update.At("cost")}}));
    return;
  }
  if (kind == "notice") {
    const std::string said = update.At("severity").AsString() + ": " +
                             update.At("title").AsString() + " " +
                             update.At("description").AsString();
    return Record(RecordKind::kSystem,
                  "the sidecar notes, " + config_.mask.Prefix(Trim(said), kShownOfError));
  }
  constexpr std::string_view kQuiet[] = {"available_commands_update", "current_mode_update",
                                         "config_option_update",      "session_info_update",
                                         "compaction_update",         "compaction_summary_chunk"};
  if (std::find(std::begin(kQuiet), std::end(kQuiet), kind) == std::end(kQuiet)) {
    const std::string shown = config_.mask.Prefix(kind, kShownOfMethod);
    Record(RecordKind::kSystem, "ignored an update of unknown kind: " + Quote(shown));
  }
}

void AcpSession::OnToolCall(const Json& update, bool is_new) {
  const std::string& id = update.At("toolCallId").AsString();
  const std::string& kind = update.At("kind").AsString();
  const bool room = tool_kinds_.size() < kMaxToolCalls || tool_kinds_.contains(id);
  if (!kind.empty() && room && id.size() <= kMaxToolCallId && kind.size() <= kMaxToolCallId) {
    tool_kinds_[id] = kind;
  }
  const std::string& status = update.At("status").AsString();
  const bool over = status == "completed" || status == "failed";
  const std::string text = TextOfToolContent(update.At("content"));
  Json data = Json::Of({{"toolCallId", id}});
  for (const char* member : {"title", "status", "locations"}) {
    if (const Json* value = update.Find(member)) data.Set(member, *value);
  }
  if (!kind.empty()) data.Set("toolKind", kind);
  if (const Json* input = update.Find("rawInput")) data.Set("input", *input);
  if (is_new || !over) {
    // Progress that says nothing new is left out.
    const bool news = is_new || !text.empty() || update.Find("rawInput") != nullptr;
    if (news) Record(RecordKind::kToolCall, over ? "" : text, data);
  }
  if (over) {
    if (text.empty()) data.Set("output", update.At("rawOutput"));
    Record(RecordKind::kToolResult, text, std::move(data));
  }
}

void AcpSession::OnBadLine(const std::string& why, std::string_view line) {
  Record(RecordKind::kSystem, "the sidecar sent what is no message of the protocol: " + why,
         Json::Of({{"line", Json(config_.mask.Prefix(line, kShownOfBadLine))}}));
  if (++bad_lines_ > kMaxBadLines) {
    End(AcpEnd::kBroken, "sent more than " + std::to_string(kMaxBadLines) +
                             " lines that are no messages of the protocol");
  }
}

Json AcpSession::Prompt() const {
  Json blocks = Json::EmptyArray();
  blocks.Append(Json::Of({{"type", "text"}, {"text", config_.instructions}}));
  for (const AcpConfig::Attachment& attachment : config_.attachments) {
    if (takes_resources_) {
      const Json resource = Json::Of({{"uri", attachment.uri},
                                      {"mimeType", attachment.media_type},
                                      {"text", attachment.text}});
      blocks.Append(Json::Of({{"type", "resource"}, {"resource", resource}}));
    } else {
      blocks.Append(Json::Of({{"type", "text"}, {"text", attachment.text}}));
    }
  }
  return blocks;
}

void AcpSession::Ask(std::string_view method, Json params) {
  out_.emplace_back(AcpSend{RequestLine(next_id_, method, std::move(params))});
  ++next_id_;
}

void AcpSession::Record(RecordKind kind, std::string text, Json data, bool piece) {
  out_.emplace_back(SessionRecord{kind, std::move(text), std::move(data), piece});
}

void AcpSession::End(AcpEnd end, std::string why) {
  state_ = State::kEnded;
  out_.emplace_back(AcpEnded{end, std::move(why)});
}

}  // namespace midwatch::agent
