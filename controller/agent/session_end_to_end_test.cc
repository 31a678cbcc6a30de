// The scripted sidecar, the client of its protocol and the tools of the Run, without a process
// between them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "controller/agent/acp_session.h"
#include "controller/agent/mcp_server.h"
#include "controller/sidecar/rules_script.h"
#include "controller/sidecar/scripted_agent.h"
#include "controller/sidecar/transcript.h"

namespace midwatch::agent {
namespace {

using testing::HasSubstr;

/// Carries lines between the three machines until nothing moves.
class World {
 public:
  World(api::RunSpec run, ArtifactTexts inputs, sidecar::ScriptedAgent::MakeScript make_script)
      : desk_(std::move(run), std::move(inputs)),
        mcp_(desk_, "1"),
        acp_(Config()),
        sidecar_(std::move(make_script), "1") {}

  void Run() {
    Take(acp_.Start(MonoTime{0}));
    while (!to_sidecar_.empty() || !to_client_.empty() || !to_mcp_.empty() || !from_mcp_.empty()) {
      if (Pop(to_sidecar_)) Take(sidecar_.OnLine(line_));
      if (Pop(to_client_)) Take(acp_.OnLine(line_));
      if (Pop(to_mcp_)) Take(mcp_.OnLine(line_));
      if (Pop(from_mcp_)) Take(sidecar_.OnMcpLine(line_));
    }
  }

  McpDesk desk_;
  std::vector<SessionRecord> records_;
  std::optional<AcpEnded> ended_;
  std::string producer_;
  std::optional<int> exit_;

 private:
  static AcpConfig Config() {
    AcpConfig config;
    config.mcp_servers = Json::ArrayOf({Json::Of({{"name", "midwatch"},
                                                  {"command", "/bin/midwatch"},
                                                  {"args", Json::ArrayOf({"mcp"})},
                                                  {"env", Json::EmptyArray()}})});
    config.instructions = "go";
    return config;
  }
  bool Pop(std::deque<std::string>& queue) {
    if (queue.empty()) return false;
    line_ = std::move(queue.front());
    queue.pop_front();
    line_.pop_back();
    return true;
  }
  void Take(const AcpOutputs& outputs) {
    for (const AcpOutput& output : outputs) {
      if (const auto* send = std::get_if<AcpSend>(&output)) to_sidecar_.push_back(send->line);
      if (const auto* record = std::get_if<SessionRecord>(&output)) records_.push_back(*record);
      if (const auto* who = std::get_if<AcpIntroduced>(&output)) producer_ = who->producer;
      if (const auto* end = std::get_if<AcpEnded>(&output)) ended_ = *end;
    }
  }
  void Take(const McpOutputs& outputs) {
    for (const McpOutput& output : outputs) {
      if (const auto* send = std::get_if<McpSend>(&output)) from_mcp_.push_back(send->line);
    }
  }
  void Take(const sidecar::SidecarOutputs& outputs) {
    for (const sidecar::SidecarOutput& output : outputs) {
      if (const auto* line = std::get_if<sidecar::ToClient>(&output))
        to_client_.push_back(line->line);
      if (const auto* line = std::get_if<sidecar::ToMcp>(&output)) to_mcp_.push_back(line->line);
      if (const auto* exit = std::get_if<sidecar::ExitNow>(&output)) exit_ = exit->code;
    }
  }

  McpServer mcp_;
  AcpSession acp_;
  sidecar::ScriptedAgent sidecar_;
  std::deque<std::string> to_sidecar_;
  std::deque<std::string> to_client_;
  std::deque<std::string> to_mcp_;
  std::deque<std::string> from_mcp_;
  std::string line_;
};

sidecar::ScriptedAgent::MakeScript ByRules() {
  auto book = std::make_shared<const sidecar::RuleBook>(sidecar::LoadRules({}).value());
  return [book] { return std::make_unique<sidecar::RulesScript>(book); };
}
sidecar::ScriptedAgent::MakeScript Playing(const char* transcript) {
  return [transcript] { return std::move(sidecar::Transcript::Parse(transcript).value()); };
}

api::RunSpec Spec(api::MissionType type) {
  api::RunSpec spec;
  spec.mission_type = type;
  spec.module.name = "database";
  spec.job.exit_code = 1;
  return spec;
}
ArtifactTexts Texts(std::initializer_list<std::pair<const char*, std::string>> texts) {
  ArtifactTexts out;
  for (const auto& [name, text] : texts) out.emplace(name, ArtifactText(text));
  return out;
}

TEST(SessionEndToEndTest, ADiagnosisComesFromTheLog) {
  std::string log;
  for (int i = 1; i <= 5000; ++i) log += "step " + std::to_string(i) + "\r\n";
  log += "\x1b[31mFATAL:  role \"payments\" does not exist\x1b[0m\nexit status 2\n";
  World world(Spec(api::MissionType::kAutoDiagnose), Texts({{"log", log}}), ByRules());
  world.Run();
  ASSERT_TRUE(world.ended_);
  EXPECT_EQ(world.ended_->end, AcpEnd::kCompleted);
  EXPECT_EQ(world.producer_, "scripted (rules, no model)");
  const Json& result = world.desk_.result;
  EXPECT_EQ(result.At("category").AsString(), "Configuration");
  EXPECT_EQ(
      result.At("evidence").Items().at(0).Dump(),
      R"({"artifact":"log","lines":"5001","quote":"FATAL:  role \"payments\" does not exist"})");
  const auto has = [&](RecordKind kind) {
    return std::any_of(world.records_.begin(), world.records_.end(),
                       [&](const auto& r) { return r.kind == kind; });
  };
  for (const auto kind : {RecordKind::kReasoning, RecordKind::kAnswer, RecordKind::kToolCall,
                          RecordKind::kToolResult, RecordKind::kPlan}) {
    EXPECT_TRUE(has(kind)) << WordOf(kind);
  }
}

TEST(SessionEndToEndTest, ARecommendationComesFromThePlan) {
  const std::string plan =
      R"({"format_version":"1.2","resource_changes":[{"address":"aws_db_instance.main[\"a\"]","type":"aws_db_instance","change":{"actions":["delete"],"before":{"password":"hunter2"},"after":null}}]})";
  for (const std::string& text : {plan, ParseJson(plan).value().DumpPretty()}) {
    World world(Spec(api::MissionType::kApprovalRecommend), Texts({{"plan", text}}), ByRules());
    world.Run();
    const Json& result = world.desk_.result;
    EXPECT_EQ(result.At("recommend").AsString(), "Reject");
    EXPECT_EQ(result.At("evidence").Items().size(), 1u);
    for (const SessionRecord& record : world.records_) {
      EXPECT_EQ(record.text.find("hunter2"), std::string::npos);
    }
  }
}

TEST(SessionEndToEndTest, ASummaryComesFromTheLog) {
  World world(Spec(api::MissionType::kSummarizeJob),
              Texts({{"log", "No changes. Infrastructure is up-to-date.\n"}}), ByRules());
  world.Run();
  EXPECT_THAT(world.desk_.result.At("summary").AsString(),
              HasSubstr("Nothing needed to be changed."));
}

TEST(SessionEndToEndTest, WithoutInputsItSaysSo) {
  World world(Spec(api::MissionType::kAutoDiagnose), {}, ByRules());
  world.Run();
  EXPECT_EQ(world.desk_.result.At("confidence").AsString(), "Low");
}

TEST(SessionEndToEndTest, ALogThatCannotBeQuotedGivesAResultWithoutQuotes) {
  World world(Spec(api::MissionType::kAutoDiagnose),
              Texts({{"log", "No space left on device \xff\n"}}), ByRules());
  world.Run();
  EXPECT_EQ(world.desk_.result.At("category").AsString(), "Resource");
}

struct TranscriptCase {
  const char* name;
  const char* transcript;
  std::optional<AcpEnd> end;
  std::optional<int> exit;
};
class TranscriptTest : public testing::TestWithParam<TranscriptCase> {};

TEST_P(TranscriptTest, IsPlayed) {
  World world(Spec(api::MissionType::kAutoDiagnose), {}, Playing(GetParam().transcript));
  world.Run();
  EXPECT_EQ(world.ended_.has_value(), GetParam().end.has_value());
  if (world.ended_ && GetParam().end) {
    EXPECT_EQ(world.ended_->end, *GetParam().end);
  }
  EXPECT_EQ(world.exit_, GetParam().exit);
  EXPECT_TRUE(world.desk_.result.IsNull());
}

INSTANTIATE_TEST_SUITE_P(
    Plays, TranscriptTest,
    testing::Values(TranscriptCase{"Nothing", "# comment\n", AcpEnd::kCompleted, {}},
                    TranscriptCase{"Refusal", "{\"stop\":\"refusal\"}", AcpEnd::kRefused, {}},
                    TranscriptCase{"ExitsWithoutAResult", "{\"exit\":0}", {}, 0},
                    TranscriptCase{"Hangs", "{\"think\":\"hm\"}\n{\"hang\":true}", {}, {}},
                    TranscriptCase{"Garbage", "{\"raw\":\"garbage\"}", AcpEnd::kCompleted, {}},
                    TranscriptCase{"InvalidResult",
                                   "{\"call\":\"submit_result\",\"arguments\":{\"rootCause\":1}}",
                                   AcpEnd::kCompleted,
                                   {}},
                    TranscriptCase{"UnknownTool",
                                   "{\"call\":\"rm\",\"arguments\":{}}",
                                   AcpEnd::kCompleted,
                                   {}}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(TranscriptTest, BadLinesAreRefusedWithTheirNumber) {
  const auto bad = sidecar::Transcript::Parse("{\"say\":\"x\"}\n{\"dance\":1}");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("transcript:2: expected one of think"));
  EXPECT_FALSE(sidecar::Transcript::Parse("{"));
  EXPECT_FALSE(sidecar::Transcript::Parse("{\"flood\":0}"));
}

}  // namespace
}  // namespace midwatch::agent
