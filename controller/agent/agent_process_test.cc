#include "controller/agent/agent_process.h"

#include <gmock/gmock.h>

#include "controller/agent/agent_test_world.h"
#include "controller/api/lease.h"
#include "controller/api/names.h"
#include "controller/api/run_ending.h"

namespace midwatch::agent {
namespace {

using testing::HasSubstr;

TEST_F(AgentProcessTest, RegistersAndRenewsItsLease) {
  Settle();
  ASSERT_EQ(Instances().size(), 1u);
  EXPECT_EQ(Instances()[0].name(), process_->instance());
  const auto lease = [&] {
    return api::FromObject<api::Lease>(
               api_.Find({"leases.coordination.k8s.io", "agents", process_->instance()}))
        .value();
  };
  EXPECT_EQ(lease().spec.holder_identity, process_->instance());
  EXPECT_EQ(lease().spec.lease_duration_seconds, 30);
  EXPECT_EQ(lease().metadata.owner_references.at(0).uid, Instances()[0].uid());
  const std::string before = lease().metadata.resource_version;
  Pass(std::chrono::seconds(9));
  EXPECT_EQ(lease().metadata.resource_version, before);
  Pass(std::chrono::seconds(1));
  EXPECT_NE(lease().metadata.resource_version, before);
}

TEST_F(AgentProcessTest, HasNoNameOfALockWhateverItsAgentIsCalled) {
  for (const char* agent : {"lock", "lock-smith"}) {
    agent_ = agent;
    Boot();
    EXPECT_THAT(process_->instance(), testing::StartsWith("agent-" + agent_ + "-"));
  }
}

TEST_F(AgentProcessTest, DoesARun) {
  Settle();
  CreateRun("r");
  Settle();
  const api::Run run = Get("r");
  EXPECT_EQ(run.status.phase, api::RunPhase::kSucceeded) << run.status.message;
  EXPECT_TRUE(run.status.sidecar_stopped);
  EXPECT_TRUE(run.status.acknowledged_at && run.status.started_at && run.status.finished_at);
  ASSERT_TRUE(run.status.result && run.status.usage && run.status.session_log);
  EXPECT_EQ(run.status.producer, "scripted (rules, no model)");
  EXPECT_EQ(run.status.usage->input_tokens, 0);
  EXPECT_GT(run.status.prompt_bytes.value_or(0), 0);
  EXPECT_THAT(run.status.result->inline_json,
              HasSubstr("The database role \\\"payments\\\" does not exist"));
  EXPECT_EQ(store_.blobs.at(run.status.result->digest), run.status.result->inline_json);
  const std::string& log = store_.logs.at("runs/agents/r");
  EXPECT_EQ(DigestOf(log), run.status.session_log->digest);
  EXPECT_THAT(log, HasSubstr("\"promptDigest\":\"" + run.status.prompt_digest + "\""));
  EXPECT_THAT(log, HasSubstr("\"kind\":\"reasoning\""));
  EXPECT_THAT(log, HasSubstr("\"kind\":\"toolResult\""));
  EXPECT_FALSE(host_.sockets.at(0)->open);
}

TEST_F(AgentProcessTest, WhatBecameOfAResultIsToldAfterTheCallThatSubmittedIt) {
  host_.tools_first = true;
  Settle();
  CreateRun("r");
  Pass(std::chrono::seconds(1));
  const std::string& log = store_.logs.at("runs/agents/r");
  const std::size_t call = log.find("\"title\":\"submit_result\"");
  ASSERT_NE(call, std::string::npos);
  ASSERT_NE(log.find("\"kind\":\"result\""), std::string::npos);
  EXPECT_LT(call, log.find("\"kind\":\"result\""));
}

// An Agent has had many, and a host need not hold them all.
TEST_F(AgentProcessTest, ReadsNoRunsThatHaveEnded) {
  for (const auto phase : {api::RunPhase::kSucceeded, api::RunPhase::kFailed,
                           api::RunPhase::kCancelled, api::RunPhase::kRunning}) {
    const std::string name = "of-" + std::to_string(static_cast<int>(phase));
    CreateRun(name);
    api::Run run = Get(name);
    run.spec.instance = "another";
    run.status.phase = phase;
    api_.Put(api::Run::Type(), api::ToBody(run));
  }
  Settle();
  EXPECT_EQ(client_.listed, 2U) << "its own instance, and the Run that goes on";
  CreateRun("r");
  Settle();
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kSucceeded) << "and what it does is not lost";
}

TEST_F(AgentProcessTest, ComesToRestAndWritesNothingMore) {
  Settle();
  CreateRun("r");
  Settle();
  api_.ClearCalls();
  Pass(std::chrono::seconds(25));
  for (const std::string& call : api_.calls()) EXPECT_THAT(call, HasSubstr("leases")) << call;
}

TEST_F(AgentProcessTest, GivesTheSidecarAnEnvironmentOfItsOwn) {
  Settle();
  CreateRun("r");
  Settle();
  const ProcessSpec& spec = host_.sidecars.at(0)->spec;
  EXPECT_EQ(spec.environment.at("API_KEY"), "s3cret-key");
  EXPECT_FALSE(spec.environment.contains("KUBECONFIG"));
  EXPECT_TRUE(spec.sandbox);
  EXPECT_EQ(spec.memory_limit, std::uint64_t{512} << 20);
  EXPECT_EQ(spec.cpu_seconds, 60u);
  EXPECT_TRUE(spec.kill_at);
}

// Security case s49, with the next test.
TEST_F(AgentProcessTest, MasksSecretsThatItPassesOn) {
  Play("{\"say\":\"the key is s3cret-key\"}");
  Settle();
  CreateRun("r");
  Settle();
  EXPECT_THAT(store_.logs.at("runs/agents/r"), testing::Not(HasSubstr("s3cret-key")));
}

TEST_F(AgentProcessTest, MasksWhatThePlanMarksAsSensitive) {
  plan_ = R"({"resource_changes":[{"address":"a.db","change":{"actions":["create"],"before":null,)"
          R"("after":{"size":7,"password":"s3cret\"pass"},"after_sensitive":{"password":true}}}]})";
  Play("{\"call\":\"log\",\"arguments\":{\"artifact\":\"plan\"}}");
  Settle();
  CreateRun("r");
  Settle();
  EXPECT_THAT(store_.logs.at("runs/agents/r"), HasSubstr("a.db"));
  EXPECT_THAT(store_.logs.at("runs/agents/r"), testing::Not(HasSubstr("s3cret")));
}

TEST_F(AgentProcessTest, ManyRequestsInAllAreNotTooManyAtATime) {
  const std::string call = R"({"call":"save_artifact","arguments":{"name":"..","content":")" +
                           std::string(900'000, 'x') + "\"}}\n";
  std::string transcript;
  for (int i = 0; i < 20; ++i) transcript += call;  // 18 MB: more than may wait at a time.
  Play(transcript + R"({"call":"job","arguments":{}})");
  Settle();
  CreateRun("r");
  Settle();
  EXPECT_THAT(store_.logs.at("runs/agents/r"), HasSubstr("AutoDiagnose"));
}

/// A world of its own in which the agent can be frozen at any of its steps.
class Freezer : public AgentProcessTest {
 public:
  void TestBody() override {}

  /// Lets a Run go its way and freezes the agent before its step number `step`. False: it has
  /// fewer.
  bool Freeze(int step, Duration time) {
    Settle();
    CreateRun("r");
    int done = 0;
    for (bool moved = true; moved && done < step; ++done) {
      const Now now = clock_.Read();
      moved = process_->Step(now) || host_.Step(now.mono);
    }
    if (done < step) return false;
    const MonoTime end = clock_.Read().mono + time;
    while (clock_.Read().mono < end) {
      clock_.Advance(std::chrono::seconds(1));
      while (host_.Step(clock_.Read().mono)) {
        EXPECT_LE(Alive(), 1);
      }
    }
    constexpr Duration kPatience = std::chrono::seconds(40);  // The controller's: Lease and grace.
    if (time >= kPatience) {
      EXPECT_EQ(Alive(), 0) << "nothing runs any more when the controller gives up";
      LoseInstanceAndRun();
    }
    Pass(std::chrono::seconds(90));
    return true;
  }
  void LoseInstanceAndRun() {
    LoseInstance();
    if (!HasEnded(Get("r").status.phase)) RequestStop("r", api::StopReason::kInstanceLost);
  }
  std::ptrdiff_t Alive() const {
    return std::count_if(host_.sidecars.begin(), host_.sidecars.end(),
                         [](const auto& sidecar) { return sidecar->alive; });
  }
  std::size_t Started() const { return host_.sidecars.size(); }
  api::Run TheRun() { return Get("r"); }
};

class FreezeTest : public testing::TestWithParam<int> {};

TEST_P(FreezeTest, AtWhateverStepLeavesOneSidecarAtMostAndOneEnd) {
  const Duration time = std::chrono::seconds(GetParam());
  int steps = 0;
  for (bool goes_on = true; goes_on; ++steps) {
    SCOPED_TRACE("frozen at step " + std::to_string(steps));
    Freezer world;
    goes_on = world.Freeze(steps, time);
    if (!goes_on) break;
    EXPECT_EQ(world.Alive(), 0);
    EXPECT_LE(world.Started(), 1u);
    const api::Run run = world.TheRun();
    const bool lost = run.spec.stop_requested &&
                      run.spec.stop_requested->reason == api::StopReason::kInstanceLost;
    EXPECT_TRUE(lost || HasEnded(run.status.phase)) << api::ToString(run.status.phase);
    if (time < std::chrono::seconds(20)) {
      EXPECT_EQ(run.status.phase, api::RunPhase::kSucceeded) << run.status.reason;
    }
    const bool failed = HasEnded(run.status.phase) && run.status.phase != api::RunPhase::kSucceeded;
    if (failed) {
      EXPECT_EQ(run.status.reason, "InstanceLost") << run.status.message;
      EXPECT_FALSE(run.status.result);
    }
  }
  EXPECT_GT(steps, 30) << "it has phases to be frozen at";
}

INSTANTIATE_TEST_SUITE_P(Seconds, FreezeTest, testing::Values(5, 32, 45),
                         testing::PrintToStringParamName());

TEST_F(AgentProcessTest, LeavesRunsOfOtherInstancesAlone) {
  Settle();
  CreateRun("r");
  api::Run run = Get("r");
  run.spec.instance = "other";
  api_.Put(api::Run::Type(), api::ToBody(run));
  Settle();
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kPending);
  EXPECT_TRUE(host_.sidecars.empty());
}

TEST_F(AgentProcessTest, StartsNothingThatWasWithdrawnBeforeItWasAcknowledged) {
  Settle();
  api_.HoldEvents(true);
  CreateRun("r");
  RequestStop("r", api::StopReason::kNotAcknowledged);
  while (api_.DeliverEvent()) Settle();
  EXPECT_TRUE(host_.sidecars.empty());
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kCancelled);
}

TEST_F(AgentProcessTest, StartsOnceWhenTheAnswerToTheAcknowledgementIsLost) {
  Settle();
  CreateRun("r");
  api_.FailNext({.verb = "update",
                 .resource = "runs.midwatch.dev",
                 .error = {ErrorCode::kOutcomeUnknown, "lost"},
                 .times = 1,
                 .happens = true});
  Settle();
  EXPECT_EQ(host_.sidecars.size(), 1u);
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kSucceeded);
}

TEST_F(AgentProcessTest, WritesTheEndOnceItCan) {
  Settle();
  CreateRun("r");
  api_.FailNext({.verb = "update",
                 .resource = "runs.midwatch.dev",
                 .error = {ErrorCode::kUnavailable, "down"},
                 .times = 3});
  Pass(std::chrono::seconds(5));
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kSucceeded);
}

TEST_F(AgentProcessTest, DoesNoMoreThanItsCapacity) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("a");
  CreateRun("b");
  Settle();
  EXPECT_EQ(host_.sidecars.size(), 1u);
}

struct EndCase {
  const char* name;
  const char* transcript;
  const char* phase;
  const char* reason;
};
class SidecarEndTest : public AgentProcessTest, public testing::WithParamInterface<EndCase> {};

TEST_P(SidecarEndTest, IsTold) {
  Play(GetParam().transcript);
  Settle();
  CreateRun("r");
  Pass(std::chrono::seconds(30));
  const api::Run run = Get("r");
  EXPECT_EQ(api::ToString(run.status.phase), GetParam().phase);
  EXPECT_EQ(run.status.reason, GetParam().reason) << run.status.message;
  EXPECT_TRUE(run.status.sidecar_stopped);
  EXPECT_FALSE(run.status.result);
  EXPECT_FALSE(host_.sidecars.at(0)->alive);
}

INSTANTIATE_TEST_SUITE_P(
    Ends, SidecarEndTest,
    testing::Values(
        EndCase{"ExitsWithoutAResult", "{\"exit\":0}", "Failed", "OutputMissing"},
        EndCase{"EndsItsTurnWithoutAResult", "{\"stop\":\"end_turn\"}", "Failed", "OutputMissing"},
        EndCase{"Refuses", "{\"stop\":\"refusal\"}", "Failed", "OutputMissing"},
        EndCase{"Crashes", "{\"exit\":3}", "Failed", "SidecarFailed"},
        EndCase{"SubmitsAnInvalidResult", "{\"call\":\"submit_result\",\"arguments\":{}}", "Failed",
                "ResultInvalid"},
        EndCase{"PrintsALineOfManyMegabytes", "{\"flood\":3000000}", "Failed", "SidecarFailed"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST_F(AgentProcessTest, ASecondResultIsRefused) {
  // Steps of a JSON object stand on one line each.
  const std::string rest =
      R"(,"category":"Unknown","transient":false,"confidence":"Low","evidence":[]}})";
  const std::string submit = R"({"call":"submit_result","arguments":{"rootCause":)";
  const std::string transcript = submit + "\"a\"" + rest + "\n" + submit + "\"b\"" + rest;
  Play(transcript);
  Settle();
  CreateRun("r");
  Settle();
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kSucceeded);
  EXPECT_THAT(Get("r").status.result->inline_json, HasSubstr("\"rootCause\":\"a\""));
  EXPECT_THAT(store_.logs.at("runs/agents/r"), HasSubstr("a result was accepted already"));
}

TEST_F(AgentProcessTest, StopsAHangingSidecarAtItsTime) {
  Play("{\"hang\":true}");
  host_.stubborn = true;
  Settle();
  CreateRun("r", 60);
  Pass(std::chrono::seconds(59));
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kRunning);
  Pass(std::chrono::seconds(11));
  EXPECT_EQ(Get("r").status.reason, "TimedOut");
  EXPECT_TRUE(Get("r").status.sidecar_stopped);
}

TEST_F(AgentProcessTest, CancelsOnRequest) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  RequestStop("r", api::StopReason::kCancelled);
  Pass(std::chrono::seconds(12));
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kCancelled);
  EXPECT_TRUE(Get("r").status.sidecar_stopped);
}

// Security case s65, with the test before.
TEST_F(AgentProcessTest, KillsWhenTheRunIsDeleted) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  api_.Remove({"runs.midwatch.dev", "agents", "r"});
  Settle();
  EXPECT_FALSE(host_.sidecars.at(0)->alive);
}

TEST_F(AgentProcessTest, SidecarsDieWithTheLeaseAndItSaysSo) {
  Play("{\"hang\":true}");
  Settle();
  const std::string first = process_->instance();
  CreateRun("r");
  Settle();
  ASSERT_TRUE(host_.sidecars.at(0)->alive);
  const MonoTime deadline = host_.sidecars.at(0)->kill_at;
  client_.down = true;
  while (clock_.Read().mono + std::chrono::seconds(1) < deadline) {
    Pass(std::chrono::seconds(1));
    EXPECT_TRUE(host_.sidecars.at(0)->alive);
  }
  Pass(std::chrono::seconds(2));
  EXPECT_FALSE(host_.sidecars.at(0)->alive);
  client_.down = false;
  api_.EndWatches({ErrorCode::kUnavailable, "cut"});
  Pass(std::chrono::seconds(60));
  EXPECT_EQ(Get("r").status.reason, "InstanceLost");
  EXPECT_TRUE(Get("r").status.sidecar_stopped);
}

TEST_F(AgentProcessTest, EachRenewalMovesTheDeadline) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  const MonoTime before = host_.sidecars.at(0)->kill_at;
  Pass(std::chrono::seconds(120));
  EXPECT_TRUE(host_.sidecars.at(0)->alive);
  EXPECT_GE(host_.sidecars.at(0)->kill_at - before, std::chrono::seconds(110));
}

TEST_F(AgentProcessTest, ARenewalCountsOnceItIsAcknowledgedFromWhenItWasSent) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  const MonoTime before = host_.sidecars.at(0)->kill_at;
  api_.HoldAnswers(true);
  clock_.Advance(std::chrono::seconds(10));
  Settle();
  const MonoTime sent = clock_.Read().mono;
  clock_.Advance(std::chrono::seconds(7));
  Settle();
  EXPECT_EQ(host_.sidecars.at(0)->kill_at, before);
  api_.HoldAnswers(false);
  while (api_.DeliverAnswer()) {
  }
  Settle();
  EXPECT_EQ(host_.sidecars.at(0)->kill_at, sent + std::chrono::seconds(30));
}

TEST_F(AgentProcessTest, TakesAnotherNameOnceItIsLost) {
  Settle();
  const std::string first = process_->instance();
  LoseInstance();
  Settle();
  EXPECT_NE(process_->instance(), first);
  EXPECT_EQ(Instances().size(), 2u);
  CreateRun("r");
  Settle();
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kSucceeded);
}

TEST_F(AgentProcessTest, TakesAnotherNameOnceItsLeaseWasTaken) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  const std::string first = process_->instance();
  auto lease =
      api::FromObject<api::Lease>(api_.Find({"leases.coordination.k8s.io", "agents", first}))
          .value();
  lease.spec.holder_identity = api::field_managers::kController;
  api_.Put(api::Lease::Type(), api::ToBody(lease));
  Pass(std::chrono::seconds(11));  // Its renewal is refused, and it looks why.
  EXPECT_NE(process_->instance(), first);
  EXPECT_FALSE(host_.sidecars.at(0)->alive);
}

TEST_F(AgentProcessTest, TakesAnotherNameOnceItsLeaseWasMadeAgainByAnother) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  const std::string first = process_->instance();
  const ObjectKey key{"leases.coordination.k8s.io", "agents", first};
  auto lease = api::FromObject<api::Lease>(api_.Find(key)).value();
  const std::string uid = lease.metadata.uid;
  api_.Remove(key);
  lease.metadata.uid.clear();
  lease.metadata.resource_version.clear();
  ASSERT_NE(api_.Put(api::Lease::Type(), api::ToBody(lease)).uid(), uid);
  Pass(std::chrono::seconds(11));  // Its renewal is refused, and it looks why.
  EXPECT_NE(process_->instance(), first);
  EXPECT_FALSE(host_.sidecars.at(0)->alive);
}

TEST_F(AgentProcessTest, TheLeaseOfAnotherIncarnationProlongsNothing) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  const MonoTime before = host_.sidecars.at(0)->kill_at;
  clock_.Advance(std::chrono::seconds(5));
  LoseInstance();
  Settle();
  EXPECT_EQ(host_.sidecars.at(0)->kill_at, before);
  EXPECT_FALSE(host_.sidecars.at(0)->alive);
}

TEST_F(AgentProcessTest, KillsThoughAStatusIsOnItsWay) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  api_.HoldAnswers(true);
  Settle();
  while (host_.sidecars.empty() && api_.DeliverAnswer()) Settle();
  ASSERT_EQ(host_.sidecars.size(), 1u);
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kRunning);  // Written, but not answered.
  RequestStop("r", api::StopReason::kInstanceLost);
  Settle();
  EXPECT_FALSE(host_.sidecars.at(0)->alive);
  api_.HoldAnswers(false);
  while (api_.DeliverAnswer()) Settle();
  EXPECT_EQ(Get("r").status.reason, "InstanceLost");
}

TEST_F(AgentProcessTest, AnOldAnswerThatARunIsGoneHidesNoNewOneOfItsName) {
  Settle();
  CreateRun("r");
  api_.HoldAnswers(true);
  api_.HoldEvents(true);
  api_.Remove({"runs.midwatch.dev", "agents", "r"});
  Settle();  // It is acknowledged: that it is gone is on its way.
  CreateRun("r");
  while (api_.DeliverEvent()) Settle();
  api_.HoldAnswers(false);
  api_.HoldEvents(false);
  while (api_.DeliverAnswer()) Settle();
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kSucceeded);
}

TEST_F(AgentProcessTest, AProcessThatWakesAfterTheLeaseSaysThatItsSidecarIsDead) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  clock_.Advance(std::chrono::seconds(35));  // Frozen; the watchdog is not, but its news wait.
  Pass(std::chrono::seconds(3));
  EXPECT_FALSE(host_.sidecars.at(0)->alive);
  EXPECT_EQ(Get("r").status.reason, "InstanceLost");
}

TEST_F(AgentProcessTest, DrainsWhatRunsAndLeaves) {
  Settle();
  CreateRun("r");
  process_->Drain();
  Settle();
  EXPECT_TRUE(process_->finished());
  EXPECT_TRUE(Instances().empty());
  EXPECT_TRUE(host_.sidecars.empty());
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kPending);
}

TEST_F(AgentProcessTest, DrainStopsWhatDoesNotEnd) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  process_->Drain();
  Pass(std::chrono::seconds(29));
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kRunning);
  EXPECT_TRUE(api::FromObject<api::AgentInstance>(Instances().at(0))->spec.draining);
  Pass(std::chrono::seconds(15));
  EXPECT_EQ(Get("r").status.reason, "Drained");
  EXPECT_TRUE(process_->finished());
}

TEST_F(AgentProcessTest, SaysWhatBecomesOfItsRuns) {
  Settle();
  CreateRun("r");
  Settle();
  CreateRun("withdrawn");
  RequestStop("withdrawn", api::StopReason::kNotAcknowledged);
  Settle();
  EXPECT_THAT(log_.lines(),
              testing::IsSupersetOf(
                  {"INFO a Run is started run=r sidecar=scripted work=AutoDiagnose attempt=1",
                   "INFO a Run has ended run=r result=Succeeded reason= message=",
                   "INFO a Run has ended before it was started run=withdrawn "
                   "reason=NotAcknowledged message=it was not taken in time"}));
}

TEST_F(AgentProcessTest, SaysOnceThatTheConnectionIsLostAndThatItIsBack) {
  Settle();
  client_.down = true;
  Pass(std::chrono::seconds(25));
  client_.down = false;
  Pass(std::chrono::seconds(25));
  const auto lines = log_.lines();
  const auto about = [&](std::string_view what) {
    return std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(what) != std::string::npos;
    });
  };
  EXPECT_EQ(about("WARN the connection to the server was lost"), 1);
  EXPECT_EQ(about("INFO the connection to the server is back"), 1);
}

/// Whatever is reset, it is asked again ever later, up to the time between two renewals.
class ResetTest : public AgentProcessTest, public testing::WithParamInterface<const char*> {};

TEST_P(ResetTest, IsAskedAgainEverLater) {
  if (std::string_view(GetParam()) != "create") Settle();
  api_.FailNext(
      {.verb = "", .resource = "", .error = {ErrorCode::kOutcomeUnknown, "reset"}, .times = 1000});
  const std::size_t before = api_.calls().size();
  Pass(std::chrono::seconds(60));
  const auto calls = api_.calls();
  const auto asked = std::count_if(calls.begin() + static_cast<std::ptrdiff_t>(before), calls.end(),
                                   [](const auto& call) {
                                     return call.find("agentinstances") != std::string::npos ||
                                            call.find("leases") != std::string::npos;
                                   });
  EXPECT_GE(asked, 4);
  EXPECT_LE(asked, 20);
}

INSTANTIATE_TEST_SUITE_P(Requests, ResetTest, testing::Values("create", "renew"),
                         [](const auto& suite) { return std::string(suite.param); });

TEST_F(AgentProcessTest, FailsWhatItCannotStart) {
  host_.refuse_start = true;
  Settle();
  CreateRun("r");
  Settle();
  EXPECT_EQ(Get("r").status.reason, "SidecarFailed");
  EXPECT_THAT(Get("r").status.message, HasSubstr("not found"));
}

TEST_F(AgentProcessTest, FailsWhatHasAnInputThatIsNotThere) {
  Settle();
  store_.blobs.clear();
  CreateRun("r");
  store_.blobs.clear();
  Settle();
  EXPECT_EQ(Get("r").status.reason, "InputUnavailable");
  EXPECT_TRUE(host_.sidecars.empty());
}

TEST_F(AgentProcessTest, ALogAnswerThatWasLostIsNoSecondPiece) {
  store_.lose_answer = true;
  Settle();
  CreateRun("r");
  Pass(std::chrono::seconds(5));
  EXPECT_EQ(DigestOf(store_.logs.at("runs/agents/r")), Get("r").status.session_log->digest);
}

TEST_F(AgentProcessTest, ARunEndsThoughItsLogCannotBeWritten) {
  store_.refuse = ErrorCode::kUnavailable;
  Settle();
  CreateRun("r");
  Pass(std::chrono::seconds(40));
  EXPECT_EQ(Get("r").status.phase, api::RunPhase::kSucceeded);
  EXPECT_FALSE(Get("r").status.session_log);
}

}  // namespace
}  // namespace midwatch::agent
