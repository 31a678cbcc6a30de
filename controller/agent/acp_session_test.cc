#include "controller/agent/acp_session.h"

#include <gtest/gtest.h>

namespace midwatch::agent {
namespace {

constexpr MonoTime kStart{1'000'000};

/// Outputs as short words, in order: `> METHOD`, `> result X`, `> error CODE`, `KIND TEXT`, `= END
/// WHY`, `by NAME`, `tokens IN/OUT`.
struct Shower {
  std::vector<std::string>& out;

  void operator()(const AcpSend& send) const {
    const auto message = ParseJsonRpc(send.line.substr(0, send.line.size() - 1));
    ASSERT_TRUE(message) << send.line;
    switch (message->kind) {
      case JsonRpcKind::kRequest:
      case JsonRpcKind::kNotification:
        out.push_back("> " + message->method);
        break;
      case JsonRpcKind::kResult:
        out.push_back("> result " + message->result.Dump());
        break;
      case JsonRpcKind::kError:
        out.push_back("> error " + std::to_string(message->error_code));
        break;
    }
  }
  void operator()(const SessionRecord& record) const {
    std::string shown = std::string(WordOf(record.kind));
    if (!record.text.empty()) shown += " " + record.text;
    if (const Json* answer = record.data.Find("answer")) shown += " " + answer->AsString();
    out.push_back(shown);
  }
  void operator()(const AcpIntroduced& who) const { out.push_back("by " + who.producer); }
  void operator()(const AcpUsage& used) const {
    out.push_back("tokens " + std::to_string(used.usage.input_tokens) + "/" +
                  std::to_string(used.usage.output_tokens));
  }
  void operator()(const AcpEnded& ended) const {
    constexpr const char* kWords[] = {"completed", "refused", "cancelled", "broken"};
    out.push_back("= " + std::string(kWords[static_cast<int>(ended.end)]) + " " + ended.why);
  }
};

std::vector<std::string> Show(const AcpOutputs& outputs) {
  std::vector<std::string> shown;
  for (const AcpOutput& output : outputs) std::visit(Shower{shown}, output);
  return shown;
}

constexpr const char* kInitialized =
    R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"agentInfo":{"name":"x","version":"2"}}})";
constexpr const char* kCreated = R"({"jsonrpc":"2.0","id":1,"result":{"sessionId":"s"}})";

AcpConfig Config(api::Permissions permissions = api::Permissions::kDenyAll) {
  AcpConfig config;
  config.working_directory = "/w";
  config.instructions = "do it";
  config.attachments = {{"midwatch://run/x", "text/plain", "data"}};
  config.permissions = permissions;
  config.own_tools = {"log", "submit_result"};
  config.version = "1";
  return config;
}

AcpSession Prompting(api::Permissions permissions = api::Permissions::kDenyAll) {
  AcpSession session(Config(permissions));
  session.Start(kStart);
  session.OnLine(kInitialized);
  session.OnLine(kCreated);
  return session;
}

std::string Update(const std::string& update) {
  return R"({"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":)" +
         update + "}}";
}

TEST(AcpSessionTest, ShakesHandsAndPrompts) {
  AcpSession session(Config());
  EXPECT_EQ(Show(session.Start(kStart)), std::vector<std::string>{"> initialize"});
  EXPECT_EQ(Show(session.OnLine(kInitialized)),
            (std::vector<std::string>{"by x 2", "> session/new"}));
  const AcpOutputs prompted = session.OnLine(kCreated);
  ASSERT_EQ(Show(prompted), std::vector<std::string>{"> session/prompt"});
  const auto message = ParseJsonRpc(std::get<AcpSend>(prompted[0]).line);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->params.At("prompt").Dump(),
            R"([{"text":"do it","type":"text"},{"text":"data","type":"text"}])");
}

TEST(AcpSessionTest, SendsResourcesToThoseWhoTakeThem) {
  AcpSession session(Config());
  session.Start(kStart);
  session.OnLine(
      R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"agentCapabilities":{"promptCapabilities":{"embeddedContext":true}}}})");
  const AcpOutputs prompted = session.OnLine(kCreated);
  const auto message = ParseJsonRpc(std::get<AcpSend>(prompted[0]).line);
  EXPECT_EQ(message->params.At("prompt").Items()[1].At("resource", "text").AsString(), "data");
}

struct LineCase {
  const char* name;
  std::string line;
  std::vector<std::string> want;
};
class PromptingTest : public testing::TestWithParam<LineCase> {};

TEST_P(PromptingTest, AnswersLines) {
  AcpSession session = Prompting();
  EXPECT_EQ(Show(session.OnLine(GetParam().line)), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Updates, PromptingTest,
    testing::Values(
        LineCase{
            "Thought",
            Update(
                R"({"sessionUpdate":"agent_thought_chunk","content":{"type":"text","text":"hm"}})"),
            {"reasoning hm"}},
        LineCase{
            "Message",
            Update(
                R"({"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"so"}})"),
            {"answer so"}},
        LineCase{
            "UserMessage",
            Update(
                R"({"sessionUpdate":"user_message_chunk","content":{"type":"text","text":"q"}})"),
            {"prompt q"}},
        LineCase{
            "Image",
            Update(
                R"({"sessionUpdate":"agent_message_chunk","content":{"type":"image","data":"AA"}})"),
            {"answer [image]"}},
        LineCase{
            "Link",
            Update(
                R"({"sessionUpdate":"agent_message_chunk","content":{"type":"resource_link","name":"n","uri":"u"}})"),
            {"answer [n](u)"}},
        LineCase{
            "ToolCall",
            Update(
                R"({"sessionUpdate":"tool_call","toolCallId":"1","title":"log","kind":"read","status":"pending"})"),
            {"toolCall"}},
        LineCase{
            "ToolProgressWithoutNews",
            Update(
                R"({"sessionUpdate":"tool_call_update","toolCallId":"1","status":"in_progress"})"),
            {}},
        LineCase{
            "ToolInput",
            Update(R"({"sessionUpdate":"tool_call_update","toolCallId":"1","rawInput":{"a":1}})"),
            {"toolCall"}},
        LineCase{
            "ToolResult",
            Update(
                R"({"sessionUpdate":"tool_call_update","toolCallId":"1","status":"completed","content":[{"type":"content","content":{"type":"text","text":"42"}}]})"),
            {"toolResult 42"}},
        LineCase{
            "ToolFailed",
            Update(R"({"sessionUpdate":"tool_call_update","toolCallId":"1","status":"failed"})"),
            {"toolResult"}},
        LineCase{
            "ToolCallAtOnce",
            Update(
                R"({"sessionUpdate":"tool_call","toolCallId":"1","title":"t","status":"completed"})"),
            {"toolCall", "toolResult"}},
        LineCase{
            "Diff",
            Update(
                R"({"sessionUpdate":"tool_call_update","toolCallId":"1","status":"completed","content":[{"type":"diff","path":"/a","newText":""}]})"),
            {"toolResult [diff of /a]"}},
        LineCase{"Plan", Update(R"({"sessionUpdate":"plan","entries":[]})"), {"plan"}},
        LineCase{
            "Usage", Update(R"({"sessionUpdate":"usage_update","used":5,"size":10})"), {"usage"}},
        LineCase{"Commands",
                 Update(R"({"sessionUpdate":"available_commands_update","availableCommands":[]})"),
                 {}},
        LineCase{
            "Mode", Update(R"({"sessionUpdate":"current_mode_update","currentModeId":"m"})"), {}},
        LineCase{"Options",
                 Update(R"({"sessionUpdate":"config_option_update","configOptions":[]})"),
                 {}},
        LineCase{"Info", Update(R"({"sessionUpdate":"session_info_update","title":"t"})"), {}},
        LineCase{"Compaction",
                 Update(R"({"sessionUpdate":"compaction_update","compactionId":"c"})"),
                 {}},
        LineCase{"CompactionSummary",
                 Update(R"({"sessionUpdate":"compaction_summary_chunk","compactionId":"c"})"),
                 {}},
        LineCase{"Notice",
                 Update(R"({"sessionUpdate":"notice","severity":"warning","title":"slow"})"),
                 {"system the sidecar notes, warning: slow"}},
        LineCase{
            "Audio",
            Update(
                R"({"sessionUpdate":"agent_message_chunk","content":{"type":"audio","data":"AA"}})"),
            {"answer [audio]"}},
        LineCase{
            "EmbeddedResource",
            Update(
                R"({"sessionUpdate":"agent_message_chunk","content":{"type":"resource","resource":{"uri":"u","text":"inside"}}})"),
            {"answer inside"}},
        LineCase{
            "EmbeddedTerminal",
            Update(
                R"({"sessionUpdate":"tool_call_update","toolCallId":"1","status":"completed","content":[{"type":"terminal","terminalId":"t"}]})"),
            {"toolResult [terminal]"}},
        LineCase{"ToolCallOfWrongTypes",
                 Update(R"({"sessionUpdate":"tool_call","toolCallId":7,"title":[],"kind":{}})"),
                 {"toolCall"}},
        LineCase{"Unknown",
                 Update(R"({"sessionUpdate":"dance"})"),
                 {"system ignored an update of unknown kind: \"dance\""}},
        LineCase{"NoUpdate", Update("7"), {"system ignored an update of unknown kind: \"\""}},
        LineCase{
            "OtherSession",
            R"({"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"z","update":{}}})",
            {"system ignored an update of another session"}}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Requests, PromptingTest,
    testing::Values(
        LineCase{
            "ReadFile",
            R"({"jsonrpc":"2.0","id":9,"method":"fs/read_text_file","params":{"path":"/etc/shadow"}})",
            {"system refused a request that was not offered: fs/read_text_file", "> error -32601"}},
        LineCase{"WriteFile",
                 R"({"jsonrpc":"2.0","id":9,"method":"fs/write_text_file","params":{}})",
                 {"system refused a request that was not offered: fs/write_text_file",
                  "> error -32601"}},
        LineCase{
            "Terminal",
            R"({"jsonrpc":"2.0","id":9,"method":"terminal/create","params":{}})",
            {"system refused a request that was not offered: terminal/create", "> error -32601"}},
        LineCase{"Elicitation",
                 R"({"jsonrpc":"2.0","id":9,"method":"elicitation/create","params":{}})",
                 {"system refused a request that was not offered: elicitation/create",
                  "> error -32601"}},
        LineCase{
            "TerminalOutput",
            R"({"jsonrpc":"2.0","id":9,"method":"terminal/output","params":{}})",
            {"system refused a request that was not offered: terminal/output", "> error -32601"}},
        LineCase{
            "TerminalRelease",
            R"({"jsonrpc":"2.0","id":9,"method":"terminal/release","params":{}})",
            {"system refused a request that was not offered: terminal/release", "> error -32601"}},
        LineCase{"TerminalWait",
                 R"({"jsonrpc":"2.0","id":9,"method":"terminal/wait_for_exit","params":{}})",
                 {"system refused a request that was not offered: terminal/wait_for_exit",
                  "> error -32601"}},
        LineCase{
            "TerminalKill",
            R"({"jsonrpc":"2.0","id":9,"method":"terminal/kill","params":{}})",
            {"system refused a request that was not offered: terminal/kill", "> error -32601"}},
        LineCase{"ElicitationComplete",
                 R"({"jsonrpc":"2.0","method":"elicitation/complete","params":{}})",
                 {"system ignored a notification: elicitation/complete"}},
        LineCase{"Extension",
                 R"({"jsonrpc":"2.0","id":9,"method":"_vendor/x","params":{}})",
                 {"system refused a request that was not offered: _vendor/x", "> error -32601"}},
        LineCase{"ExtensionNotification",
                 R"({"jsonrpc":"2.0","method":"_vendor/x","params":{}})",
                 {"system ignored a notification: _vendor/x"}},
        LineCase{"NullIdIsAnswered",
                 R"({"jsonrpc":"2.0","id":null,"method":"x"})",
                 {"system refused a request that was not offered: x", "> error -32601"}},
        LineCase{"FractionId",
                 R"({"jsonrpc":"2.0","id":1.5,"method":"x"})",
                 {"system the sidecar sent what is no message of the protocol: id: expected a "
                  "string or an integer",
                  "> error -32600"}},
        LineCase{"ObjectId",
                 R"({"jsonrpc":"2.0","id":{},"method":"x"})",
                 {"system the sidecar sent what is no message of the protocol: id: expected a "
                  "string or an integer",
                  "> error -32600"}},
        LineCase{"Batch",
                 R"([{"jsonrpc":"2.0","id":9,"method":"x"}])",
                 {"system the sidecar sent what is no message of the protocol: expected a JSON-RPC "
                  "2.0 message",
                  "> error -32600"}},
        LineCase{"LongMethod",
                 R"({"jsonrpc":"2.0","method":")" + std::string(500'000, 'm') + "\"}",
                 {"system ignored a notification: " + std::string(200, 'm')}},
        LineCase{
            "PermissionOfAnotherSession",
            R"({"jsonrpc":"2.0","id":9,"method":"session/request_permission","params":{"sessionId":"z","toolCall":{"toolCallId":"1","kind":"read"},"options":[]}})",
            {"system refused a request for permission that names no call of ours",
             "> error -32602"}},
        LineCase{"UnknownRequest",
                 R"({"jsonrpc":"2.0","id":"a","method":"x"})",
                 {"system refused a request that was not offered: x", "> error -32601"}},
        LineCase{"UnknownNotification",
                 R"({"jsonrpc":"2.0","method":"x"})",
                 {"system ignored a notification: x"}},
        LineCase{"ProtocolLevel",
                 R"({"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":1}})",
                 {}},
        LineCase{"PermissionWithoutOptions",
                 R"({"jsonrpc":"2.0","id":9,"method":"session/request_permission","params":{}})",
                 {"system refused a request for permission that names no call of ours",
                  "> error -32602"}},
        LineCase{"Blank", "  ", {}}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Endings, PromptingTest,
    testing::Values(
        LineCase{"EndTurn",
                 R"({"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn"}})",
                 {"= completed end_turn"}},
        LineCase{"MaxTokens",
                 R"({"jsonrpc":"2.0","id":2,"result":{"stopReason":"max_tokens"}})",
                 {"= completed max_tokens"}},
        LineCase{"Refusal",
                 R"({"jsonrpc":"2.0","id":2,"result":{"stopReason":"refusal"}})",
                 {"= refused refusal"}},
        LineCase{"Cancelled",
                 R"({"jsonrpc":"2.0","id":2,"result":{"stopReason":"cancelled"}})",
                 {"= cancelled cancelled"}},
        LineCase{
            "Tokens",
            R"({"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn","usage":{"inputTokens":3,"cachedReadTokens":4,"outputTokens":5}}})",
            {"tokens 7/5", "= completed end_turn"}},
        LineCase{
            "ThoughtTokens",
            R"({"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":5,"thoughtTokens":6}}})",
            {"tokens 1/11", "= completed end_turn"}},
        LineCase{
            "ImpossibleTokens",
            R"({"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn","usage":{"inputTokens":9223372036854775807,"cachedReadTokens":9223372036854775807,"outputTokens":-1}}})",
            {"tokens 2251799813685248/0", "= completed end_turn"}},
        LineCase{"MaxTurnRequests",
                 R"({"jsonrpc":"2.0","id":2,"result":{"stopReason":"max_turn_requests"}})",
                 {"= completed max_turn_requests"}},
        LineCase{"NoReason",
                 R"({"jsonrpc":"2.0","id":2,"result":{}})",
                 {"= broken ended its turn without a stopReason"}},
        LineCase{"Error",
                 R"({"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"boom"}})",
                 {"= broken answered with an error: boom (-32603)"}},
        LineCase{"Login",
                 R"({"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"key"}})",
                 {"= broken wants to be logged in first: key (-32000)"}},
        LineCase{"RequestCancelled",
                 R"({"jsonrpc":"2.0","id":2,"error":{"code":-32800,"message":"c"}})",
                 {"= cancelled cancelled"}},
        LineCase{"ErrorOfNothing",
                 R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"p"}})",
                 {"system the sidecar reported an error: p (-32700)"}},
        LineCase{"OldAnswer",
                 R"({"jsonrpc":"2.0","id":1,"result":{"sessionId":"t"}})",
                 {"system the sidecar sent what is no message of the protocol: an answer to "
                  "nothing that was asked"}},
        LineCase{"AnswerWithTextId",
                 R"({"jsonrpc":"2.0","id":"2","result":{"stopReason":"end_turn"}})",
                 {"system the sidecar sent what is no message of the protocol: an answer to "
                  "nothing that was asked"}}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct HandshakeCase {
  const char* name;
  const char* line;
  const char* want;
};
class HandshakeTest : public testing::TestWithParam<HandshakeCase> {};

TEST_P(HandshakeTest, Fails) {
  AcpSession session(Config());
  session.Start(kStart);
  const auto shown = Show(session.OnLine(GetParam().line));
  ASSERT_FALSE(shown.empty());
  EXPECT_EQ(shown.back(), GetParam().want);
  EXPECT_TRUE(session.ended());
}

INSTANTIATE_TEST_SUITE_P(
    Versions, HandshakeTest,
    testing::Values(
        HandshakeCase{"Newer", R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":2}})",
                      "= broken speaks version 2 of the Agent Client Protocol, expected 1"},
        HandshakeCase{"Text", R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"1"}})",
                      "= broken speaks version \"1\" of the Agent Client Protocol, expected 1"},
        HandshakeCase{"None", R"({"jsonrpc":"2.0","id":0,"result":{}})",
                      "= broken speaks version null of the Agent Client Protocol, expected 1"},
        HandshakeCase{"Refused",
                      R"({"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"no"}})",
                      "= broken answered with an error: no (-32601)"}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct PermissionCase {
  const char* name;
  api::Permissions permissions;
  const char* call;
  const char* options;
  const char* want;  // `allowed X`, `denied X`, X the option or `cancelled`.
};
class PermissionTest : public testing::TestWithParam<PermissionCase> {};

// Security case s47.
TEST_P(PermissionTest, IsAnsweredByRule) {
  const PermissionCase& c = GetParam();
  AcpSession session = Prompting(c.permissions);
  session.OnLine(
      Update(R"({"sessionUpdate":"tool_call","toolCallId":"known","title":"t","kind":"read"})"));
  const AcpOutputs outputs = session.OnLine(
      std::string(
          R"({"jsonrpc":"2.0","id":"p","method":"session/request_permission","params":{"sessionId":"s","toolCall":)") +
      c.call + R"(,"options":)" + c.options + "}}");
  ASSERT_EQ(outputs.size(), 2u);
  const auto& record = std::get<SessionRecord>(outputs[0]);
  EXPECT_EQ(record.kind, RecordKind::kPermission);
  const auto answer = ParseJsonRpc(std::get<AcpSend>(outputs[1]).line);
  ASSERT_TRUE(answer);
  const Json& outcome = answer->result.At("outcome");
  const std::string chosen = outcome.At("outcome").AsString() == "selected"
                                 ? outcome.At("optionId").AsString()
                                 : outcome.At("outcome").AsString();
  EXPECT_EQ(record.data.At("answer").AsString() + " " + chosen, c.want);
}

constexpr auto kDenyAll = api::Permissions::kDenyAll;
constexpr auto kAllowReads = api::Permissions::kAllowReads;
constexpr const char* kAll =
    R"([{"optionId":"aa","kind":"allow_always"},{"optionId":"a","kind":"allow_once"},{"optionId":"r","kind":"reject_once"},{"optionId":"ra","kind":"reject_always"}])";

INSTANTIATE_TEST_SUITE_P(
    Rules, PermissionTest,
    testing::Values(
        PermissionCase{"ReadDenied", kDenyAll, R"({"toolCallId":"1","kind":"read"})", kAll,
                       "denied r"},
        PermissionCase{"ReadAllowed", kAllowReads, R"({"toolCallId":"1","kind":"read"})", kAll,
                       "allowed a"},
        PermissionCase{"SearchAllowed", kAllowReads, R"({"toolCallId":"1","kind":"search"})", kAll,
                       "allowed a"},
        PermissionCase{"KindKnownFromTheCall", kAllowReads, R"({"toolCallId":"known"})", kAll,
                       "allowed a"},
        PermissionCase{"KindUnknown", kAllowReads, R"({"toolCallId":"1"})", kAll, "denied r"},
        PermissionCase{"ExecuteDenied", kAllowReads, R"({"toolCallId":"1","kind":"execute"})", kAll,
                       "denied r"},
        PermissionCase{"FetchDenied", kAllowReads, R"({"toolCallId":"1","kind":"fetch"})", kAll,
                       "denied r"},
        PermissionCase{"EditDenied", kAllowReads, R"({"toolCallId":"known","kind":"edit"})", kAll,
                       "denied r"},
        PermissionCase{"OwnToolAllowed", kDenyAll,
                       R"({"toolCallId":"1","title":"mcp__midwatch__submit_result"})", kAll,
                       "allowed a"},
        PermissionCase{"OwnToolOfWrongKind", kDenyAll,
                       R"({"toolCallId":"1","title":"mcp__midwatch__log","kind":"execute"})", kAll,
                       "denied r"},
        PermissionCase{"TitleOnlyBeginsLikeOne", kDenyAll,
                       R"({"toolCallId":"1","title":"mcp__midwatch__log; rm"})", kAll, "denied r"},
        PermissionCase{
            "AlwaysIsNeverChosen", kAllowReads, R"({"toolCallId":"1","kind":"read"})",
            R"([{"optionId":"aa","kind":"allow_always"},{"optionId":"r","kind":"reject_once"}])",
            "denied r"},
        PermissionCase{"OnlyRejectAlways", kDenyAll, R"({"toolCallId":"1"})",
                       R"([{"optionId":"ra","kind":"reject_always"}])", "denied ra"},
        PermissionCase{"NoFittingOption", kDenyAll, R"({"toolCallId":"1"})",
                       R"([{"optionId":"a","kind":"allow_once"}])", "denied cancelled"},
        PermissionCase{"NoOptions", kDenyAll, R"({"toolCallId":"1"})", "[]", "denied cancelled"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(AcpSessionTest, AnswersPermissionsWithCancelledAfterACancel) {
  AcpSession session = Prompting(kAllowReads);
  EXPECT_EQ(Show(session.Cancel()), std::vector<std::string>{"> session/cancel"});
  const auto shown = Show(session.OnLine(
      R"({"jsonrpc":"2.0","id":"p","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"kind":"read"},"options":[{"optionId":"a","kind":"allow_once"}]}})"));
  EXPECT_EQ(shown.back(), R"(> result {"outcome":{"outcome":"cancelled"}})");
  EXPECT_EQ(Show(session.OnLine(
                R"({"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"aborted"}})")),
            std::vector<std::string>{"= cancelled cancelled"});
}

TEST(AcpSessionTest, CancelBeforeTheTurnEndsAtOnce) {
  AcpSession session(Config());
  session.Start(kStart);
  EXPECT_EQ(Show(session.Cancel()),
            std::vector<std::string>{"= cancelled cancelled before the turn began"});
  EXPECT_TRUE(session.Cancel().empty());
}

TEST(AcpSessionTest, EndsAfterTooMuchGarbage) {
  AcpSession session = Prompting();
  for (int i = 0; i < AcpSession::kMaxBadLines; ++i) {
    EXPECT_EQ(session.OnLine("garbage").size(), 1u);
    EXPECT_FALSE(session.ended());
  }
  session.OnLine("garbage");
  EXPECT_TRUE(session.ended());
  EXPECT_TRUE(session.OnLine(kInitialized).empty());
}

TEST(AcpSessionTest, EndsAtALineThatIsTooLong) {
  AcpSession session = Prompting();
  EXPECT_EQ(Show(session.OnLineTooLong()),
            std::vector<std::string>{"= broken sent a line of more than 1 MiB"});
}

TEST(AcpSessionTest, WaitsForTheHandshakeOnlySoLong) {
  AcpSession session(Config());
  session.Start(kStart);
  ASSERT_EQ(session.NextWake(), kStart + AcpSession::kHandshakeTime);
  EXPECT_TRUE(session.OnTime(kStart + AcpSession::kHandshakeTime - Duration(1)).empty());
  EXPECT_FALSE(session.OnTime(kStart + AcpSession::kHandshakeTime).empty());
  EXPECT_TRUE(session.ended());
  EXPECT_FALSE(Prompting().NextWake());
}

/// Lines that come when nobody waits for them; a session of its own for each.
TEST(AcpSessionTest, WhatComesOutOfOrderMovesNothing) {
  const std::string permission =
      R"({"jsonrpc":"2.0","id":9,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"1","kind":"read"},"options":[]}})";
  const std::string no_answer =
      "system the sidecar sent what is no message of the protocol: an answer to nothing that was "
      "asked";
  AcpSession session(Config());
  session.Start(kStart);
  EXPECT_EQ(
      Show(session.OnLine(permission)),
      (std::vector<std::string>{
          "system refused a request for permission that names no call of ours", "> error -32602"}));
  EXPECT_EQ(Show(session.OnLine(kCreated)), std::vector<std::string>{no_answer});
  session.OnLine(kInitialized);
  EXPECT_EQ(Show(session.OnLine(kInitialized)), std::vector<std::string>{no_answer});
  EXPECT_EQ(Show(session.OnLine(kCreated)), std::vector<std::string>{"> session/prompt"});
  EXPECT_EQ(Show(session.OnLine(kCreated)), std::vector<std::string>{no_answer});
  const std::string end = R"({"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn"}})";
  EXPECT_EQ(Show(session.OnLine(end)), std::vector<std::string>{"= completed end_turn"});
  for (const std::string& late : {end, permission, Update(R"({"sessionUpdate":"plan"})")}) {
    EXPECT_TRUE(session.OnLine(late).empty()) << late;
  }
}

TEST(AcpSessionTest, IgnoresUpdatesBeforeThereIsASession) {
  AcpSession session(Config());
  session.Start(kStart);
  EXPECT_EQ(Show(session.OnLine(Update(R"({"sessionUpdate":"plan","entries":[]})"))),
            std::vector<std::string>{"system ignored an update of another session"});
}

}  // namespace
}  // namespace midwatch::agent
