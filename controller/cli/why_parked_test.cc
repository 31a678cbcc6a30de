#include <gtest/gtest.h>

#include <functional>

#include "controller/api/agent.h"
#include "controller/api/agent_assignment.h"
#include "controller/api/agent_instance.h"
#include "controller/api/dispatch.h"
#include "controller/api/lease.h"
#include "controller/api/missions.h"
#include "controller/api/module_job.h"
#include "controller/api/reasons.h"
#include "controller/api/run.h"
#include "controller/cli/demo_world.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"

// `midwatch why` for each reason to be parked, as transcripts in testdata/why_parked/.

namespace midwatch::cli {
namespace {

const ObjectKey kDispatch{"dispatches.midwatch.dev", "payments", "ledger-m3v8t1z6hrcx"};
const ObjectKey kAgent{"agents.midwatch.dev", "ai", "diagnoser"};
const ObjectKey kInstance{"agentinstances.midwatch.dev", "ai", "diagnoser-x7k2m"};
const ObjectKey kMission{"modulemissions.midwatch.dev", "payments", "diagnose-ledger"};

void Change(DemoWorld& world, const ResourceType& type, const ObjectKey& key,
            const std::function<void(Json&)>& change) {
  Json body = world.kube.Find(key).Body();
  change(body);
  world.kube.Put(type, body);
}

/// Nothing stands in the way but the reason.
void Assign(DemoWorld& world) {
  world.Put(R"(
apiVersion: midwatch.dev/v1alpha1
kind: AgentAssignment
metadata: {name: everywhere, namespace: ai, uid: assignment-1}
spec: {agentRef: {name: diagnoser}, organization: true}
)");
}

void TakeTheSlot(DemoWorld& world) {
  Change(world, api::AgentInstance::Type(), kInstance,
         [](Json& body) { body["spec"].Set("capacity", 1); });
  Change(world, api::Dispatch::Type(),
         {"dispatches.midwatch.dev", "payments", "database-k4xq9w2m7dlp"},
         [](Json& body) { body["status"].Set("phase", "Running"); });
}

void HoldTheLock(DemoWorld& world) {
  const std::string name = dispatch::LockName("ledger-7", api::MissionType::kAutoDiagnose);
  world.kube.Put(api::Lease::Type(),
                 Json::Of({{"apiVersion", "coordination.k8s.io/v1"},
                           {"kind", "Lease"},
                           {"metadata", Json::Of({{"name", name}, {"namespace", "payments"}})},
                           {"spec", Json::Of({{"holderIdentity", "ai/ledger-other-1"}})}}));
}

/// Attempt 1 of the Dispatch has failed.
void FailARun(DemoWorld& world) {
  world.Put(R"(
apiVersion: midwatch.dev/v1alpha1
kind: Run
metadata: {name: ledger-m3v8t1z6hrcx-1, namespace: ai, uid: run-7}
spec:
  dispatchRef: {namespace: payments, name: ledger-m3v8t1z6hrcx, uid: dispatch-7}
  agentRef: {name: diagnoser}
  instance: diagnoser-x7k2m
  sidecarName: scripted
  missionType: AutoDiagnose
  attempt: 1
  ordinal: 1
  timeoutSeconds: 10800
  permissions: DenyAll
  module: {namespace: payments, name: ledger}
  job: {name: ledger-7, jobID: "7", operation: Apply, state: Failed}
status:
  phase: Failed
  reason: SidecarFailed
  message: "the sidecar ended with exit code 3: boom"
  startedAt: "2026-03-02T11:59:10Z"
  finishedAt: "2026-03-02T11:59:50Z"
  sidecarStopped: true
)");
}

void BackOff(DemoWorld& world) {
  FailARun(world);
  Change(world, api::Dispatch::Type(), kDispatch, [](Json& body) {
    body.Set("status", Json::Of({{"phase", "Parked"},
                                 {"reason", "RetryBackoff"},
                                 {"message", "attempt 1 was lost; the next one waits"},
                                 {"attempts", 1},
                                 {"startedAt", "2026-03-02T11:59:05Z"},
                                 {"since", "2026-03-02T11:59:50Z"},
                                 {"notBefore", "2026-03-02T12:00:08Z"}}));
  });
}

struct ParkCase {
  std::string_view reason;
  std::function<void(DemoWorld&)> change;
};

class WhyParked : public testing::TestWithParam<ParkCase> {};

TEST_P(WhyParked, IsSaidInSentences) {
  DemoWorld world;
  if (GetParam().reason != api::dispatch_reason::kAgentNotAssigned) {
    Assign(world);
  }
  GetParam().change(world);
  const std::string said =
      world.Run({"why", "dispatch/ledger-m3v8t1z6hrcx", "-n", "payments", "--colour", "never"});
  EXPECT_NE(said.find("parked as " + std::string(GetParam().reason)), std::string::npos) << said;
  // The rules that hold are the same in all of them.
  ExpectGolden("why_parked/" + std::string(GetParam().reason), said.substr(said.find("  ✗")));
}

namespace reason = api::dispatch_reason;
INSTANTIATE_TEST_SUITE_P(
    Reasons, WhyParked,
    testing::Values(
        ParkCase{reason::kAgentNotFound, [](DemoWorld& world) { world.kube.Remove(kAgent); }},
        ParkCase{reason::kAgentSuspended,
                 [](DemoWorld& world) {
                   Change(world, api::Agent::Type(), kAgent,
                          [](Json& body) { body["spec"].Set("suspend", true); });
                 }},
        ParkCase{reason::kAgentNotAssigned, [](DemoWorld&) {}},
        ParkCase{reason::kNoConnectedInstance,
                 [](DemoWorld& world) {
                   Change(world, api::AgentInstance::Type(), kInstance,
                          [](Json& body) { body["status"].Set("connected", false); });
                 }},
        ParkCase{reason::kSidecarUnavailable,
                 [](DemoWorld& world) {
                   for (const auto& [type, key] : {std::pair{api::ModuleMission::Type(), kMission},
                                                   std::pair{api::Dispatch::Type(), kDispatch}}) {
                     Change(world, type, key,
                            [](Json& body) { body["spec"].Set("sidecarName", "claude"); });
                   }
                 }},
        ParkCase{reason::kProtocolMismatch,
                 [](DemoWorld& world) {
                   Change(world, api::AgentInstance::Type(), kInstance, [](Json& body) {
                     body["spec"].Set("protocolVersions", Json::ArrayOf({99}));
                   });
                 }},
        ParkCase{reason::kAtCapacity, TakeTheSlot}, ParkCase{reason::kLockHeld, HoldTheLock},
        ParkCase{reason::kRetryBackoff, BackOff},
        ParkCase{reason::kMissionDisabled,
                 [](DemoWorld& world) {
                   Change(world, api::ModuleMission::Type(), kMission,
                          [](Json& body) { body["spec"].Set("isDisabled", true); });
                 }}),
    [](const auto& suite) { return std::string(suite.param.reason); });

TEST(Why, ASecondAttemptStartedWhenItsRunDid) {
  DemoWorld world;
  FailARun(world);
  Json second = world.kube.Find({"runs.midwatch.dev", "ai", "ledger-m3v8t1z6hrcx-1"}).Body();
  second["metadata"].Set("name", "ledger-m3v8t1z6hrcx-2");
  second["metadata"].Set("uid", "run-8");
  second["spec"].Set("attempt", 2);
  second["spec"].Set("ordinal", 2);
  second.Set("status", Json::Of({{"phase", "Running"}, {"startedAt", "2026-03-02T11:59:57Z"}}));
  world.kube.Put(api::Run::Type(), second);
  Change(world, api::Dispatch::Type(), kDispatch, [](Json& body) {
    body.Set(
        "status",
        Json::Of({{"phase", "Running"},
                  {"attempts", 2},
                  {"instance", "diagnoser-x7k2m"},
                  {"startedAt", "2026-03-02T11:59:05Z"},
                  {"run", Json::Of({{"namespace", "ai"}, {"name", "ledger-m3v8t1z6hrcx-2"}})}}));
  });
  ExpectGolden("why_second_attempt", world.Run({"why", "dispatch/payments/ledger-m3v8t1z6hrcx"}));
}

TEST(Why, AnAttemptWhoseInstanceWasLostIsTold) {
  DemoWorld world;
  BackOff(world);
  Change(world, api::Run::Type(), {"runs.midwatch.dev", "ai", "ledger-m3v8t1z6hrcx-1"},
         [](Json& body) {
           body["spec"].Set("stopRequested",
                            Json::Of({{"reason", "InstanceLost"}, {"at", "2026-03-02T11:59:30Z"}}));
           body.Set("status", Json::Of({{"phase", "Running"}}));
         });
  const std::string said = world.Run({"why", "dispatch/payments/ledger-m3v8t1z6hrcx"});
  EXPECT_NE(said.find("ledger-m3v8t1z6hrcx-1  Failed (InstanceLost)  30s ago"), std::string::npos)
      << said;
}

TEST(Why, WhatHasStartedDoesNotAskForItsMission) {
  DemoWorld world;
  Assign(world);
  BackOff(world);
  world.kube.Remove(kMission);
  const std::string said = world.Run({"why", "dispatch/payments/ledger-m3v8t1z6hrcx"});
  EXPECT_EQ(said.find("mission that asked for it exists"), std::string::npos) << said;
  EXPECT_NE(said.find("parked as RetryBackoff"), std::string::npos) << said;
}

TEST(Why, SaysWhatTheRecordOfAJobHadNoRoomFor) {
  DemoWorld world;
  Change(world, api::ModuleJob::Type(), {"modulejobs.midwatch.dev", "payments", "ledger-7"},
         [](Json& body) {
           body["status"].Set("matches",
                              Json::ArrayOf({Json::Of({{"key", "1"},
                                                       {"missionType", "AutoDiagnose"},
                                                       {"leftOut", 2},
                                                       {"missions", Json::EmptyArray()}})}));
         });
  const std::string said =
      world.Run({"why", "modulejob/ledger-7", "-n", "payments", "--colour", "never"});
  EXPECT_NE(said.find("2 more covered it and got no Dispatch: the record of a job has room for "
                      "512 missions."),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("diagnose-everything: the record had no room for it, or it came after"),
            std::string::npos)
      << said;
  EXPECT_EQ(said.find("So no Dispatch came of it"), std::string::npos);
}

}  // namespace
}  // namespace midwatch::cli
