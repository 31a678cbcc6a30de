#include <gtest/gtest.h>

#include <csignal>

#include "controller/api/codec.h"
#include "controller/api/dispatch.h"
#include "controller/api/module_job.h"
#include "controller/base/digest.h"
#include "controller/cli/demo_world.h"
#include "controller/cli/exit_codes.h"

namespace midwatch::cli {
namespace {

using Arguments = std::vector<std::string>;

/// The demo world with a program `deploy` and a controller that matches its job.
class JobTest : public testing::Test {
 protected:
  JobTest() {
    world.environment["DB_PASSWORD"] = "hunter2-hunter2";
    world.environment["CI_MODE"] = "fast";
    Program(
        {.output = {{false, "deploying…\n"}, {true, "Error: password hunter2-hunter2 refused\n"}},
         .exit = {.code = 1, .signal = 0}});
  }

  void Program(TestProgram program) { world.processes.programs["deploy"] = std::move(program); }

  static Arguments Exec(Arguments options) {
    Arguments all = {"job", "exec", "-m", "payments/database"};
    all.insert(all.end(), options.begin(), options.end());
    all.insert(all.end(), {"--", "deploy"});
    return all;
  }

  api::ModuleJob Job() {
    const auto jobs = world.kube.All("modulejobs.midwatch.dev");
    api::ModuleJob newest;
    for (const Object& object : jobs) {
      if (object.name() != "database-41" && object.name() != "ledger-7") {
        newest = *api::FromObject<api::ModuleJob>(object);
      }
    }
    return newest;
  }

  /// What the controller does once the job has its last transition.
  void Match(const std::vector<std::string>& dispatches) {
    Json missions = Json::EmptyArray();
    for (const std::string& name : dispatches) {
      missions.Append(Json::Of({{"kind", "OrganizationMission"},
                                {"name", "diagnose-everything"},
                                {"id", "mission-1"},
                                {"dispatch", name},
                                {"created", true}}));
    }
    const api::ModuleJob job = Job();
    Json body = world.kube.Find({"modulejobs.midwatch.dev", "payments", job.metadata.name}).Body();
    body["status"].Set(
        "matches",
        Json::ArrayOf({Json::Of({{"key", std::to_string(job.spec.transitions.back().seq)},
                                 {"missionType", "AutoDiagnose"},
                                 {"missions", std::move(missions)}})}));
    world.kube.Put(api::ModuleJob::Type(), body);
  }

  void PutDispatch(const std::string& name, Json status) {
    world.kube.Put(
        api::Dispatch::Type(),
        Json::Of({{"apiVersion", "midwatch.dev/v1alpha1"},
                  {"kind", "Dispatch"},
                  {"metadata", Json::Of({{"name", name}, {"namespace", "payments"}})},
                  {"spec", Json::Of({{"moduleJobRef", Json::Of({{"name", Job().metadata.name}})},
                                     {"missionType", "AutoDiagnose"},
                                     {"agentRef",
                                      Json::Of({{"namespace", "ai"}, {"name", "diagnoser"}})}})},
                  {"status", std::move(status)}}));
  }

  std::string Uploaded(const std::string& name) {
    for (const api::Artifact& artifact : Job().spec.artifacts) {
      if (artifact.name == name) {
        return world.artifacts.contents[artifact.digest];
      }
    }
    return "<none>";
  }

  std::vector<api::JobState> States() {
    std::vector<api::JobState> out;
    for (const api::JobTransition& one : Job().spec.transitions) {
      out.push_back(one.state);
    }
    return out;
  }

  DemoWorld world;
};

TEST_F(JobTest, AFailureIsReportedWithItsLogAndDiagnosed) {
  world.waiter.next.emplace_back([this] { Match({"database-new"}); });
  world.waiter.next.emplace_back([this] {
    PutDispatch("database-new", Json::Of({{"phase", "Running"}}));
  });
  world.waiter.next.emplace_back([this] {
    world.Put(DiagnosisReport("database-new", Job().metadata.name));
    PutDispatch("database-new", Json::Of({{"phase", "Succeeded"},
                                          {"report", Json::Of({{"name", "database-new"}})}}));
  });
  ExpectGolden("job_exec_failed", world.Run(Exec({"--wait", "1m", "--job-id", "42"})));
  EXPECT_EQ(world.exit_code, 1);
  EXPECT_EQ(States(), (std::vector{api::JobState::kRunning, api::JobState::kFailed}));
  EXPECT_EQ(Job().metadata.name, "database-42");
  EXPECT_EQ(Job().spec.transitions.back().exit_code, 1);
  EXPECT_EQ(Uploaded("log"), "deploying…\nError: password *** refused\n");
}

TEST_F(JobTest, OfSeveralMissionsEachResultSaysWhoAskedForIt) {
  world.waiter.next.emplace_back([this] { Match({"database-new", "database-other"}); });
  world.waiter.next.emplace_back([this] {
    world.Put(DiagnosisReport("database-new", Job().metadata.name));
    PutDispatch("database-new", Json::Of({{"phase", "Succeeded"},
                                          {"report", Json::Of({{"name", "database-new"}})}}));
    PutDispatch("database-other", Json::Of({{"phase", "Failed"},
                                            {"reason", "SidecarFailed"},
                                            {"message", "the sidecar ended with exit code 7"}}));
  });
  ExpectGolden("job_exec_several", world.Run(Exec({"--wait", "1m", "--job-id", "42"})));
}

TEST_F(JobTest, WhatIsSaidDoesNotStandBehindHalfALine) {
  Program({.output = {{true, "no end"}}, .exit = {.code = 1, .signal = 0}});
  const std::string said = world.Run(Exec({"--job-id", "42"}));
  EXPECT_NE(said.find("no end\n! midwatch: modulejob/payments/database-42 is Failed"),
            std::string::npos)
      << said;
}

TEST_F(JobTest, TheLogIsUploadedBeforeTheEndIsReported) {
  bool uploaded = false;
  world.processes.programs["deploy"].effect = [&] {
    // Nothing of the end is known while the command runs.
    EXPECT_EQ(States(), std::vector{api::JobState::kRunning});
    uploaded = world.artifacts.contents.empty();
  };
  world.Run(Exec({}));
  EXPECT_TRUE(uploaded);
  const auto calls = world.kube.calls();
  EXPECT_EQ(calls.back().substr(0, 5), "patch");  // One write has both, the artifacts and the end.
  EXPECT_EQ(Job().spec.artifacts.size(), 1U);
}

TEST_F(JobTest, TheCommandGetsTheWholeEnvironmentAndItsJob) {
  world.Run(Exec({"--job-id", "42"}));
  const auto& environment = world.processes.started.front().environment;
  EXPECT_EQ(environment.at("CI_MODE"), "fast");
  EXPECT_EQ(environment.at("MIDWATCH_JOB"), "payments/database-42");
}

TEST_F(JobTest, WhatParksSaysWhyAndWhatEndsIt) {
  world.waiter.next.emplace_back([this] { Match({"database-new", "database-two"}); });
  world.waiter.next.emplace_back([this] {
    PutDispatch("database-new",
                Json::Of({{"phase", "Parked"},
                          {"reason", "NoConnectedInstance"},
                          {"message", "no instance of Agent \"ai/diagnoser\" is connected"},
                          {"unparkedBy", "an instance of the Agent connects"}}));
    PutDispatch("database-two", Json::Of({{"phase", "Failed"},
                                          {"reason", "OutputMissing"},
                                          {"message", "the sidecar ended without a result"}}));
  });
  const MonoTime before = world.clock.Read().mono;
  ExpectGolden("job_exec_parked", world.Run(Exec({"--wait", "5m", "--job-id", "42"})));
  EXPECT_LT(world.clock.Read().mono - before,
            std::chrono::seconds(20));  // No instance may ever come.
}

TEST_F(JobTest, WhatWaitsForASlotIsWaitedFor) {
  world.waiter.next.emplace_back([this] { Match({"database-new"}); });
  world.waiter.next.emplace_back([this] {
    PutDispatch("database-new", Json::Of({{"phase", "Parked"}, {"reason", "AtCapacity"}}));
  });
  const MonoTime before = world.clock.Read().mono;
  world.Run(Exec({"--wait", "5m", "--job-id", "42"}));
  EXPECT_GE(world.clock.Read().mono - before, std::chrono::minutes(5));
}

TEST_F(JobTest, WhatNobodyCoversIsSaid) {
  world.waiter.next.emplace_back([this] { Match({}); });
  const std::string none = world.Run(Exec({"--wait", "30s", "--job-id", "42"}));
  const std::string silent = world.Run(Exec({"--wait", "30s", "--job-id", "43"}));
  ExpectGolden("job_exec_nothing", none + "\n" + silent);
}

TEST_F(JobTest, TheApprovalExitCodeAsksForApproval) {
  Program({.output = {{false, "2 to change\n"}}, .exit = {.code = 2, .signal = 0}});
  world.files.files["plan.json"] = R"({"password": "hunter2-hunter2"})";
  const Arguments command = Exec({"--approval-exit-code", "2", "--plan", "plan.json", "--operation",
                                  "plan", "--job-id", "42"});
  ExpectGolden("job_exec_approval", world.Run(command));
  EXPECT_EQ(world.exit_code, 2);
  EXPECT_EQ(States().back(), api::JobState::kApprovalRequired);
  EXPECT_EQ(Job().spec.operation, api::Operation::kPlan);
  EXPECT_EQ(Uploaded("plan"), R"({"password": "***"})");
}

TEST_F(JobTest, AnOutageChangesNothingButWarnings) {
  Program({.output = {{false, "ok\n"}}, .exit = {.code = 7, .signal = 0}});
  world.reachable = false;
  const std::string unreachable = world.Run(Exec({}));
  EXPECT_EQ(world.exit_code, 7);
  world.reachable = true;
  world.kube.FailNext({.error = {ErrorCode::kUnavailable, "connection refused"}, .times = 1000});
  world.artifacts.failure = Error{ErrorCode::kUnavailable, "connection refused"};
  const std::string refused = world.Run(Exec({}));
  EXPECT_EQ(world.exit_code, 7);
  ExpectGolden("job_exec_outage", unreachable + "\n" + refused);
}

TEST_F(JobTest, AnOutageThatEndsIsMadeUpFor) {
  world.kube.FailNext({.error = {ErrorCode::kUnavailable, "connection refused"}, .times = 4});
  world.Run(Exec({"--job-id", "42"}));
  EXPECT_EQ(States(), (std::vector{api::JobState::kRunning, api::JobState::kFailed}));
}

TEST_F(JobTest, TheLogIsNotLostInAnOutageThatEnds) {
  world.processes.programs["deploy"].effect = [this] {
    world.artifacts.failure = Error{ErrorCode::kUnavailable, "connection refused"};
  };
  world.waiter.next.emplace_back([this] { world.artifacts.failure.reset(); });
  const std::string said = world.Run(Exec({"--job-id", "42"}));
  EXPECT_EQ(said.find("is not uploaded"), std::string::npos) << said;
  EXPECT_EQ(Uploaded("log"), "deploying…\nError: password *** refused\n");
}

TEST_F(JobTest, AWriteWhoseAnswerWasLostIsNotRepeated) {
  world.kube.FailNext({.verb = "patch",
                       .resource = {},
                       .error = {ErrorCode::kOutcomeUnknown, "connection reset"},
                       .times = 1,
                       .happens = true});
  world.Run(Exec({"--job-id", "42"}));
  EXPECT_EQ(States(), (std::vector{api::JobState::kRunning, api::JobState::kFailed}));
}

TEST_F(JobTest, ConflictsAreResolved) {
  world.kube.FailNext({.verb = "patch",
                       .resource = {},
                       .error = {ErrorCode::kConflict, "the object has been modified"},
                       .times = 3});
  world.Run(Exec({"--job-id", "42"}));
  EXPECT_EQ(States().back(), api::JobState::kFailed);
}

TEST_F(JobTest, SignalsArePassedOnAndTheJobIsCancelled) {
  Program({.output = {{false, "working\n"}}, .exit = {}, .until_signal = true});
  world.processes.programs["deploy"].effect = [this] { world.waiter.signals.push_back(SIGTERM); };
  ExpectGolden("job_exec_signal", world.Run(Exec({"--wait", "1m", "--job-id", "42"})));
  EXPECT_EQ(world.exit_code, kExitSignalBase + SIGTERM);
  EXPECT_EQ(States().back(), api::JobState::kCancelled);
}

TEST_F(JobTest, ASignalBeforeTheCommandBeginsCancelsTheJobWithoutIt) {
  world.waiter.signals.push_back(SIGINT);
  world.Run(Exec({"--job-id", "42"}));
  EXPECT_EQ(world.exit_code, kExitSignalBase + SIGINT);
  EXPECT_TRUE(world.processes.started.empty());
  EXPECT_EQ(States().back(), api::JobState::kCancelled);
}

TEST_F(JobTest, ASignalForTheCommandAloneCancelsNothing) {
  Program({.output = {}, .exit = {}, .until_signal = true});
  world.processes.programs["deploy"].effect = [this] { world.waiter.signals.push_back(SIGUSR1); };
  world.Run(Exec({"--job-id", "42"}));
  EXPECT_EQ(world.exit_code, kExitSignalBase + SIGUSR1);
  EXPECT_EQ(States().back(), api::JobState::kFailed);
}

TEST_F(JobTest, AModuleThatDoesNotExistIsTold) {
  EXPECT_NE(world.Run({"job", "exec", "-m", "payments/databse", "--", "deploy"})
                .find("there is no Module payments/databse"),
            std::string::npos);
  EXPECT_EQ(world.Run(Exec({})).find("there is no Module"), std::string::npos);
}

TEST_F(JobTest, TheCommandStandsInForMidwatch) {
  world.Run(Exec({}));
  EXPECT_TRUE(world.processes.started.front().pass_through);
}

TEST_F(JobTest, ACommandThatCannotStartFailsTheJob) {
  world.processes.programs.clear();
  ExpectGolden("job_exec_not_started", world.Run(Exec({"--job-id", "42"})));
  EXPECT_EQ(world.exit_code, kExitNotStarted);
  EXPECT_EQ(States().back(), api::JobState::kFailed);
}

TEST_F(JobTest, AJobIdThatExistsIsLeftAlone) {
  world.Run(Exec({"--job-id", "42"}));
  const std::size_t before = Job().spec.transitions.size();
  ExpectGolden("job_exec_again", world.Run(Exec({"--job-id", "42"})));
  EXPECT_EQ(Job().spec.transitions.size(), before);
}

TEST_F(JobTest, ThePiecesDoTheSame) {
  world.files.files["build.log"] = "Error: password hunter2-hunter2 refused\n";
  world.files.files["plan.json"] = "{}";
  ExpectGolden(
      "job_pieces",
      world.RunAll(
          {{"job", "start", "-m", "payments/database", "--job-id", "Build 42"},
           {"job", "update", "payments/database-build-42-nope", "--state", "running"},
           {"job", "start", "-m", "payments/database", "--job-id", "42"},
           {"job", "start", "-m", "payments/database", "--job-id", "42"},
           {"job", "update", "payments/database-42", "--state", "approvalrequired", "--plan",
            "plan.json"},
           {"job", "finish", "payments/database-42", "--state", "running"},
           {"job", "finish", "payments/database-42"},
           {"job", "finish", "payments/database-42", "--exit-code", "0", "--state", "Failed"},
           {"job", "finish", "payments/database-42", "--exit-code", "1", "--log", "build.log"},
           {"job", "finish", "payments/database-42", "--exit-code", "0"},
           {"job", "finish", "payments/database-42", "--exit-code", "0", "--log", "nope.log"},
           {"job", "start", "-m", "payments/database", "--job-id", "43"},
           {"job", "finish", "payments/database-43", "--state", "Cancelled", "--wait", "10s"}}));
}

TEST_F(JobTest, ALogThatIsTooLongIsRefusedWithItsBound) {
  world.files.files["big.log"] = std::string((16U << 20) + 1, 'x');
  world.Run({"job", "start", "-m", "payments/database", "--job-id", "big"});
  const std::string said =
      world.Run({"job", "finish", "payments/database-big", "--exit-code", "1", "--log", "big.log"});
  EXPECT_NE(said.find("error: big.log: expected at most 16 MiB"), std::string::npos) << said;
}

TEST_F(JobTest, ANamespaceMayBeNamedLikeAKind) {
  world.Put("apiVersion: v1\nkind: Namespace\nmetadata: {name: agents}\n");
  EXPECT_NE(
      world.Run({"job", "start", "-m", "agents/tool", "--job-id", "j1"}).find("agents/tool-j1\n"),
      std::string::npos);
  EXPECT_NE(world.Run({"job", "finish", "agents/tool-j1", "--exit-code", "0"})
                .find("modulejob/agents/tool-j1 is Success"),
            std::string::npos);
  EXPECT_NE(world.Run({"job", "finish", "agents/tool-j1", "--exit-code", "1"})
                .find("the job has ended as Success"),
            std::string::npos);
  EXPECT_NE(world.Run({"tree", "agents/tool-j1"}).find("ModuleJob agents/tool-j1"),
            std::string::npos);
}

TEST_F(JobTest, TheCiSystemFillsInWhatIsLeftOpen) {
  world.environment.insert({{"GITHUB_ACTIONS", "true"},
                            {"GITHUB_SERVER_URL", "https://github.com"},
                            {"GITHUB_REPOSITORY", "acme/payments"},
                            {"GITHUB_RUN_ID", "8817"},
                            {"GITHUB_RUN_ATTEMPT", "2"},
                            {"GITHUB_SHA", "3f2a91c"},
                            {"GITHUB_REF", "refs/pull/12/merge"},
                            {"GITHUB_ACTOR", "ann"}});
  world.Run(Exec({}));
  const api::ModuleJobSpec spec = Job().spec;
  EXPECT_EQ(spec.job_id.rfind("8817-2-", 0), 0U);
  EXPECT_EQ(spec.revision, "3f2a91c");
  EXPECT_EQ(spec.url, "https://github.com/acme/payments/actions/runs/8817");
  ASSERT_TRUE(spec.source);
  EXPECT_EQ(spec.source->pull_request, "12");
  EXPECT_EQ(spec.source->actor, "ann");
}

}  // namespace
}  // namespace midwatch::cli
