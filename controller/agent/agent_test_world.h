#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/agent/agent_process.h"
#include "controller/agent/test_host.h"
#include "controller/api/agent_instance.h"
#include "controller/api/codec.h"
#include "controller/api/run.h"
#include "controller/base/digest.h"
#include "controller/sidecar/rules_script.h"
#include "controller/sidecar/transcript.h"
#include "controller/testing/fake_kube_client.h"
#include "controller/testing/manual_clock.h"
#include "controller/testing/recorders.h"
#include "controller/testing/seeded_random.h"

namespace midwatch::agent {

inline sidecar::ScriptedAgent::MakeScript ByRules() {
  auto book = std::make_shared<const sidecar::RuleBook>(sidecar::LoadRules({}).value());
  return [book] { return std::make_unique<sidecar::RulesScript>(book); };
}

inline constexpr const char* kLog = "start\nFATAL:  role \"payments\" does not exist\n";

/// An agent with its host and a server, in memory.
class AgentProcessTest : public testing::Test {
 protected:
  AgentProcessTest() {
    host_.make_script = ByRules();
    Boot();
  }

  void Boot() {
    AgentSettings settings;
    settings.namespace_name = "agents";
    settings.agent = agent_;
    settings.hostname = "h";
    settings.config.capacity = 1;
    settings.config.sidecars = {{.name = "scripted",
                                 .command = "/bin/midwatch",
                                 .args = {"sidecar", "scripted"},
                                 .pass_env = {"API_KEY"},
                                 .memory_mebibytes = 512,
                                 .cpu_seconds = 60,
                                 .is_default = true}};
    settings.host.version = "1";
    settings.host.mcp_command = {"/bin/midwatch", "mcp"};
    settings.host.environment = {
        {"PATH", "/bin"}, {"API_KEY", "s3cret-key"}, {"KUBECONFIG", "/root/secret"}};
    process_ = std::make_unique<AgentProcess>(
        AgentProcess::Ports{client_, host_, host_, store_, random_, waker_, log_, metrics_},
        settings);
  }

  /// Until nothing moves at this instant.
  void Settle() {
    for (int i = 0; i < 100'000; ++i) {
      const Now now = clock_.Read();
      if (!process_->Step(now) && !host_.Step(now.mono)) return;
    }
    FAIL() << "it does not come to rest";
  }
  /// Lets time pass, stopping wherever somebody wants to wake.
  void Pass(Duration time) {
    const MonoTime end = clock_.Read().mono + time;
    Settle();
    while (clock_.Read().mono < end) {
      const auto wake = process_->NextWake();
      const Duration step =
          wake && *wake < end ? *wake - clock_.Read().mono : end - clock_.Read().mono;
      ASSERT_GT(step.count(), 0) << "it wants to wake in the past";
      clock_.Advance(std::min<Duration>(step, std::chrono::seconds(1)));
      Settle();
    }
  }

  std::string CreateRun(const std::string& name, std::int64_t timeout = 600) {
    std::string digest;
    store_.Put(kLog, [&](Result<std::string> put) { digest = *put; });
    api::Run run;
    run.metadata.name = name;
    run.metadata.namespace_name = "agents";
    run.spec.dispatch_ref = {.namespace_name = "payments", .name = "d", .uid = "d-uid"};
    run.spec.agent_ref.name = "helper";
    run.spec.instance = process_->instance();
    run.spec.sidecar_name = "scripted";
    run.spec.mission_type = api::MissionType::kAutoDiagnose;
    run.spec.attempt = 1;
    run.spec.ordinal = 1;
    run.spec.timeout_seconds = timeout;
    run.spec.module = {.namespace_name = "payments", .name = "database"};
    run.spec.job = {.name = "j", .job_id = "42", .exit_code = 2};
    run.spec.inputs = {{.name = "log", .digest = digest}};
    if (!plan_.empty()) {
      store_.Put(plan_, [&](Result<std::string> put) { digest = *put; });
      run.spec.inputs.push_back({.name = "plan", .digest = digest});
    }
    return api_.Put(api::Run::Type(), api::ToBody(run)).uid();
  }
  api::Run Get(const std::string& name) {
    return api::FromObject<api::Run>(api_.Find({"runs.midwatch.dev", "agents", name})).value();
  }
  void RequestStop(const std::string& name, api::StopReason why) {
    api::Run run = Get(name);
    run.spec.stop_requested = api::StopRequest{.reason = why, .at = clock_.Read().wall};
    api_.Put(api::Run::Type(), api::ToBody(run));
  }
  void LoseInstance() {
    auto lost = api::FromObject<api::AgentInstance>(Instances().at(0)).value();
    lost.status.conditions = {{.type = "Connected",
                               .status = api::ConditionStatus::kFalse,
                               .reason = "HeartbeatStopped"}};
    api_.Put(api::AgentInstance::Type(), api::ToBody(lost));
  }
  std::vector<Object> Instances() { return api_.All("agentinstances.midwatch.dev"); }
  void Play(std::string transcript) {
    host_.make_script = [transcript] {
      return std::move(sidecar::Transcript::Parse(transcript).value());
    };
  }

  fakes::ManualClock clock_;
  fakes::FakeKubeClient api_{clock_};
  BreakableClient client_{api_};
  fakes::SeededRandom random_{7};
  fakes::CountingWaker waker_;
  fakes::RecordingLog log_;
  fakes::RecordingMetrics metrics_;
  MemoryStore store_;
  VirtualHost host_;
  std::string agent_ = "helper";  // Of the next Boot.
  std::string plan_;              // Of the Runs that are created.
  std::unique_ptr<AgentProcess> process_;
};

}  // namespace midwatch::agent
