#include "controller/agent/sidecar_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "controller/agent/test_host.h"
#include "controller/object/json_rpc.h"
#include "controller/testing/manual_clock.h"

namespace midwatch::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "sk-0123456789abcdefghij";

/// A host whose one sidecar, and whoever connects to its socket, is the test.
class OpenHost final : public ProcessRunner, public TicketServer {
 public:
  class Handle final : public Process {
   public:
    explicit Handle(OpenHost& host) : host_(host) {}
    bool Write(std::string) override { return true; }
    void CloseInput() override { host_.input_closed = true; }
    void Signal(int) override {}
    void Stop(Duration) override { host_.stopped = true; }
    void KillAt(MonoTime) override {}

   private:
    OpenHost& host_;
  };
  class Socket final : public TicketSocket {
   public:
    const std::string& path() const override { return path_; }
    const std::string& directory() const override { return path_; }

   private:
    const std::string path_ = "/s";
  };
  class Connection final : public TicketConnection {
   public:
    bool Write(std::string bytes) override {
      written += bytes;
      return true;
    }
    void Close() override { closed = true; }
    void Resume() override { ++resumed; }

    std::string written;
    bool closed = false;
    int resumed = 0;
  };

  Result<std::unique_ptr<Process>> Start(const ProcessSpec&,
                                         std::shared_ptr<ProcessSink> sink) override {
    sidecar = std::move(sink);
    return std::make_unique<Handle>(*this);
  }
  Result<std::unique_ptr<TicketSocket>> Open(
      std::string, Secret<std::string>,
      std::function<std::shared_ptr<TicketSink>()> make) override {
    accept = std::move(make);
    return std::make_unique<Socket>();
  }

  std::shared_ptr<ProcessSink> sidecar;
  std::function<std::shared_ptr<TicketSink>()> accept;
  bool input_closed = false;
  bool stopped = false;
};

class SidecarSessionTest : public testing::Test {
 protected:
  SidecarSessionTest() { Begin(); }

  /// A Run of its own, with a plan unless that is empty.
  void Begin(const std::string& plan = {}) {
    host_config_.version = "1";
    SessionSetup setup;
    setup.run.metadata.name = "r";
    setup.run.metadata.namespace_name = "agents";
    setup.run.spec.mission_type = api::MissionType::kAutoDiagnose;
    setup.run.spec.timeout_seconds = 600;
    setup.sidecar.command = "/bin/sidecar";
    setup.sidecar.env["API_KEY"] = kKey;
    setup.ticket = "ticket-of-this-run";
    setup.kill_at = clock_.Read().mono + std::chrono::seconds(30);
    store_.Put(log_, [&](Result<std::string> digest) {
      setup.run.spec.inputs = {{.name = "log", .digest = *digest}};
    });
    if (!plan.empty()) {
      store_.Put(plan, [&](Result<std::string> digest) {
        setup.run.spec.inputs.push_back({.name = "plan", .digest = *digest});
      });
    }
    session_ = std::make_unique<SidecarSession>(
        std::move(setup), host_config_,
        SidecarSession::Ports{host_, host_, store_,
                              [this](SessionEvent event) { events_.push_back(std::move(event)); }});
    session_->Begin(clock_.Read());
    Settle();
  }

  /// Hands over what came, which then waits for its turn.
  void Enqueue() {
    while (!events_.empty()) {
      session_->OnEvent(std::move(events_.front()), clock_.Read());
      events_.pop_front();
    }
  }
  /// Until nothing moves at this instant.
  void Settle() {
    for (;;) {
      const Now now = clock_.Read();
      const auto wake = session_->NextWake();
      if (!events_.empty()) {
        SessionEvent event = std::move(events_.front());
        events_.pop_front();
        session_->OnEvent(std::move(event), now);
      } else if (wake && *wake <= now.mono) {
        session_->OnTime(now);
      } else {
        return;
      }
    }
  }
  void Say(const std::string& line) {
    host_.sidecar->OnStdout(line);
    Settle();
  }
  void Answer(int id, Json result) { Say(ResultLine(Json(id), std::move(result))); }
  void Introduce(Json info = {}) {
    Answer(0, Json::Of({{"protocolVersion", 1}, {"agentInfo", std::move(info)}}));
    Answer(1, Json::Of({{"sessionId", "s"}}));
  }
  std::shared_ptr<OpenHost::Connection> Connect() {
    tools_ = host_.accept();
    auto peer = std::make_shared<OpenHost::Connection>();
    tools_->OnOpen(peer);
    Settle();
    return peer;
  }
  void Call(const char* tool, Json arguments) {
    tools_->OnBytes(RequestLine(Json(7), "tools/call",
                                Json::Of({{"name", tool}, {"arguments", std::move(arguments)}})));
    Settle();
  }
  RunOutcome End(ProcessExit exit = {}) {
    host_.sidecar->OnExit(exit);
    Settle();
    EXPECT_EQ(session_->view().stage, SessionView::Stage::kDone);
    return session_->view().outcome;
  }
  std::string Log() const { return store_.logs.at("runs/agents/r"); }

  const std::string log_ = "start\nFATAL: no such role\n";
  HostConfig host_config_;
  fakes::ManualClock clock_;
  MemoryStore store_;
  OpenHost host_;
  std::deque<SessionEvent> events_;
  std::unique_ptr<SidecarSession> session_;
  std::shared_ptr<TicketSink> tools_;
};

/// Where a cut falls into the key that comes after.
std::string UpTo(std::size_t limit) { return std::string(limit - 8, 'x') + " "; }

constexpr const char* kPartOfKey = "sk-0123";
constexpr const char* kTricks = "a\x1b[31m\xe2\x80\xae\xc2\x9b\nb";

TEST_F(SidecarSessionTest, AnErrorThatQuotesTheKeyIsToldWithoutIt) {
  Introduce();
  Say(ErrorLine(Json(2), JsonRpcCode::kInternalError, UpTo(500) + kKey + kTricks));
  const RunOutcome outcome = End();
  EXPECT_EQ(outcome.reason, "SidecarFailed");
  EXPECT_THAT(outcome.message, HasSubstr("answered with an error: xxx"));
  EXPECT_THAT(outcome.message, Not(HasSubstr(kPartOfKey)));
  EXPECT_THAT(Log(), Not(HasSubstr(kPartOfKey)));
}

/// Whoever has a plan made chooses what is looked for, and in what.
TEST_F(SidecarSessionTest, APlanThatTakesForeverToMaskEndsTheRun) {
  const std::string alike(10'000'000, 'a');
  const Json change =
      Json::Of({{"after", Json::Of({{"s", alike.substr(0, 200'000) + "b"}, {"t", alike}})},
                {"after_sensitive", Json::Of({{"s", true}})}});
  Begin(Json::Of({{"resource_changes", Json::ArrayOf({Json::Of({{"change", change}})})}}).Dump());
  EXPECT_EQ(session_->view().outcome.reason, "InputUnavailable");
  EXPECT_THAT(session_->view().outcome.message, HasSubstr("the plan marks as sensitive"));
}

TEST_F(SidecarSessionTest, APlanThatCannotBeReadIsLeftOut) {
  Begin(R"({"resource_changes":[{"change":{"after":"s3cret-of-the-plan","after_sensitive":tr)");
  Introduce();
  const auto peer = Connect();
  Call("log", Json::Of({{"artifact", "plan"}}));
  EXPECT_THAT(peer->written, HasSubstr("left out"));
  EXPECT_THAT(peer->written, Not(HasSubstr("s3cret")));
}

TEST_F(SidecarSessionTest, AnErrorOfTheHandshakeIsPlainText) {
  Say(ErrorLine(Json(0), JsonRpcCode::kInternalError, std::string(kKey) + kTricks));
  EXPECT_EQ(End().message, "the sidecar answered with an error: ***a[31m b (-32603)");
}

TEST_F(SidecarSessionTest, AMessageIsCutOnlyAfterItWasMasked) {
  const std::string start = "the sidecar ended its turn (";
  Introduce();
  Answer(2, Json::Of({{"stopReason", UpTo(1024 - start.size()) + kKey}}));
  const RunOutcome outcome = End();
  EXPECT_EQ(outcome.reason, "OutputMissing");
  EXPECT_LE(outcome.message.size(), 1024u);
  EXPECT_THAT(outcome.message, Not(HasSubstr(kPartOfKey)));
}

TEST_F(SidecarSessionTest, AStopReasonIsPlainText) {
  Introduce();
  Answer(2, Json::Of({{"stopReason", std::string(kKey) + kTricks}}));
  EXPECT_EQ(End().message,
            "the sidecar ended its turn (***a[31m b) without the result that it owes");
}

TEST_F(SidecarSessionTest, WhoHasEndedItsTurnMayEndByItselfFirst) {
  Introduce();
  Answer(2, Json::Of({{"stopReason", "end_turn"}}));
  EXPECT_TRUE(host_.input_closed);
  clock_.Advance(SidecarSession::kCloseTime - Duration{1});
  Settle();
  EXPECT_FALSE(host_.stopped);
  clock_.Advance(Duration{1});
  Settle();
  EXPECT_TRUE(host_.stopped);
}

TEST_F(SidecarSessionTest, HowASidecarIntroducesItselfIsPlainText) {
  Introduce(Json::Of({{"title", std::string(kKey) + kTricks}}));
  EXPECT_EQ(session_->view().facts.producer, "***a[31m b");
}

TEST_F(SidecarSessionTest, ATitleIsCutOnlyAfterItWasMasked) {
  Introduce(Json::Of({{"title", UpTo(128) + kKey}}));
  EXPECT_EQ(session_->view().facts.producer, UpTo(128) + "***");
}

TEST_F(SidecarSessionTest, ASecretIsFoundBehindWhatIsLeftOut) {
  Introduce(Json::Of({{"name",
                       "sk-\xe2\x80\xae"
                       "0123456789abcdefghij"},
                      {"version", kKey}}));
  EXPECT_EQ(session_->view().facts.producer, "*** ***");
}

TEST_F(SidecarSessionTest, TheLastLineOfStandardErrorIsPlainText) {
  host_.sidecar->OnStderr(UpTo(300) + kKey + "\x1b[31m\n");
  const RunOutcome outcome = End({.code = 3});
  EXPECT_THAT(outcome.message, HasSubstr("the sidecar ended with exit code 3: xxx"));
  EXPECT_THAT(outcome.message, Not(HasSubstr(kPartOfKey)));
  EXPECT_THAT(outcome.message, Not(HasSubstr("\x1b")));
}

TEST_F(SidecarSessionTest, AnArtifactIsNotNamedAfterASecret) {
  Introduce();
  const auto peer = Connect();
  Call("save_artifact", Json::Of({{"name", kKey}, {"content", "x"}}));
  EXPECT_THAT(peer->written, HasSubstr("its name holds a secret"));
  EXPECT_TRUE(session_->view().facts.artifacts.empty());
}

TEST_F(SidecarSessionTest, TheMediaTypeOfAnArtifactIsPlainText) {
  Introduce();
  Connect();
  Call("save_artifact", Json::Of({{"name", "a"}, {"content", kKey}, {"mediaType", kTricks}}));
  Call("save_artifact",
       Json::Of({{"name", "b"}, {"content", "x"}, {"mediaType", UpTo(128) + kKey}}));
  const auto& artifacts = session_->view().facts.artifacts;
  ASSERT_EQ(artifacts.size(), 2u);
  EXPECT_EQ(artifacts[0].media_type, "a[31m b");
  EXPECT_EQ(artifacts[1].media_type, UpTo(128) + "***");
  EXPECT_EQ(store_.blobs.at(artifacts[0].digest), "***");
}

Json Diagnosis(const std::string& text) {
  return Json::Of(
      {{"rootCause", text},
       {"category", "Network"},
       {"transient", true},
       {"confidence", "High"},
       {"evidence", Json::ArrayOf({Json::Of({{"artifact", "log"}, {"quote", "FATAL"}})})}});
}

TEST_F(SidecarSessionTest, WhyAResultWasRefusedIsPlainText) {
  Introduce();
  Connect();
  Json bad = Diagnosis("x");
  bad.Set("category", std::string(kTricks) + UpTo(200) + kKey);
  bad.Set(kKey, 1);
  for (const std::size_t length : {40U, 60U, 120U, 200U, 250U, 256U}) {
    Json evidence = Json::Of({{"artifact", "log"}, {"quote", UpTo(length) + kKey}});
    Json other = Diagnosis("x");
    other.Set("evidence", Json::ArrayOf({std::move(evidence)}));
    Call("submit_result", std::move(other));
    EXPECT_THAT(Log(), Not(HasSubstr(kPartOfKey)));
  }
  Call("submit_result", std::move(bad));
  Answer(2, Json::Of({{"stopReason", "end_turn"}}));
  const RunOutcome outcome = End();
  EXPECT_EQ(outcome.reason, "ResultInvalid");
  EXPECT_THAT(outcome.message, HasSubstr("***: unknown field"));
  for (const char* part : {kPartOfKey, "\x1b", "\n", "\xe2\x80\xae"}) {
    EXPECT_THAT(outcome.message, Not(HasSubstr(part)));
  }
  EXPECT_THAT(Log(), Not(HasSubstr(kPartOfKey)));
}

TEST_F(SidecarSessionTest, TheTextsOfAResultArePlain) {
  Introduce();
  Connect();
  Call("submit_result", Diagnosis(std::string(kKey) + kTricks));
  ASSERT_TRUE(session_->view().facts.result);
  EXPECT_THAT(session_->view().facts.result->inline_json, HasSubstr(R"("***a[31m\nb")"));
}

TEST_F(SidecarSessionTest, WhyItIsStoppedOrKilledIsPlainText) {
  session_->Stop({api::RunPhase::kCancelled, "Cancelled", std::string(kKey) + kTricks},
                 clock_.Read());
  session_->Kill({api::RunPhase::kFailed, "InstanceLost", std::string(kKey) + kTricks},
                 clock_.Read());
  EXPECT_EQ(End({.code = 0, .signal = 9}).message, "***a[31m b");
}

TEST_F(SidecarSessionTest, AnswersOneLineATurn) {
  Introduce();
  const auto peer = Connect();
  const std::string ping = RequestLine(Json(1), "ping", Json::EmptyObject());
  tools_->OnBytes(ping + ping.substr(0, 5));
  tools_->OnBytes(ping.substr(5) + ping);
  Enqueue();
  EXPECT_EQ(peer->written, "");
  const auto answers = [&] { return std::count(peer->written.begin(), peer->written.end(), '\n'); };
  int most = 0;
  for (int before = 0; session_->NextWake() <= clock_.Read().mono;) {
    session_->OnTime(clock_.Read());
    most = std::max(most, static_cast<int>(answers()) - before);
    before = static_cast<int>(answers());
  }
  EXPECT_EQ(answers(), 3);
  EXPECT_EQ(most, 1);
}

TEST_F(SidecarSessionTest, HangsUpOnBabbleAndIsDoneWithWhatWaitsOfIt) {
  Introduce();
  const auto peer = Connect();
  std::string babble;
  for (int i = 0; i < 30'000; ++i) babble += "x\n";
  const std::string ping = RequestLine(Json(1), "ping", Json::EmptyObject());
  tools_->OnBytes(babble + ping);
  const auto sane = Connect();
  tools_->OnBytes(ping);
  Enqueue();
  int turns = 0;
  for (; session_->NextWake() <= clock_.Read().mono; ++turns) session_->OnTime(clock_.Read());
  EXPECT_TRUE(peer->closed);
  EXPECT_EQ(std::count(peer->written.begin(), peer->written.end(), '\n'),
            McpServer::kMaxUnreadable);
  EXPECT_LT(turns, McpServer::kMaxUnreadable + 10);
  EXPECT_FALSE(sane->closed);
  EXPECT_THAT(sane->written, HasSubstr("result"));
}

TEST_F(SidecarSessionTest, AllConnectionsOfARunTogetherAreReadNoFasterThanAnswered) {
  Introduce();
  const auto first = Connect();
  const auto first_tools = tools_;
  Connect();
  const std::string blank = std::string(64 << 10, ' ') + '\n';
  std::size_t sent = 0;
  for (; tools_->WantsMore(); sent += blank.size()) tools_->OnBytes(blank);
  EXPECT_LE(sent, kFullOfTools + blank.size());
  EXPECT_FALSE(first_tools->WantsMore());
  EXPECT_EQ(first->resumed, 0);
  tools_->OnClosed();  // What waits of it still counts.
  EXPECT_FALSE(host_.accept()->WantsMore());
  Settle();
  EXPECT_TRUE(first_tools->WantsMore());
  EXPECT_GT(first->resumed, 0);
}

TEST_F(SidecarSessionTest, ManySmallPiecesCountForWhatTheyTake) {
  Introduce();
  Connect();
  std::size_t pieces = 0;
  for (; tools_->WantsMore(); ++pieces) tools_->OnBytes("x");
  EXPECT_LE(pieces, kFullOfTools / kPieceCost + 1);
}

TEST_F(SidecarSessionTest, ARunHasSoManyConnectionsUntilItHasLetGoOfThem) {
  Introduce();
  std::vector<std::shared_ptr<TicketSink>> sinks;
  for (std::size_t i = 0; i < kMaxConnections; ++i) {
    Connect();
    sinks.push_back(tools_);
  }
  EXPECT_EQ(host_.accept(), nullptr);
  sinks.back()->OnClosed();
  EXPECT_EQ(host_.accept(), nullptr) << "the session has not heard of it yet";
  Settle();
  EXPECT_NE(host_.accept(), nullptr);
}

TEST_F(SidecarSessionTest, WhatItsToolsWereAskedBeforeItEndedCounts) {
  Introduce();
  Connect();
  const Json call = Json::Of({{"name", "submit_result"}, {"arguments", Diagnosis("no such role")}});
  tools_->OnBytes(RequestLine(Json(7), "tools/call", call));
  tools_->OnClosed();
  EXPECT_EQ(End().phase, api::RunPhase::kSucceeded);
}

}  // namespace
}  // namespace midwatch::agent
