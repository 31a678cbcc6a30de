#include "controller/cli/demo_world.h"

#include "controller/api/kinds.h"

namespace midwatch::cli {
namespace {

constexpr std::string_view kTopology[] = {
    R"(
apiVersion: v1
kind: Namespace
metadata: {name: payments, uid: ns-1, creationTimestamp: "2026-03-01T12:00:00Z", labels: {midwatch.dev/stack: core}}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: Stack
metadata: {name: core, uid: stack-1, creationTimestamp: "2026-03-01T12:00:00Z"}
spec: {displayName: Core services}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: database, namespace: payments, uid: mod-1, creationTimestamp: "2026-03-01T12:00:00Z"}
spec: {displayName: Payments database, source: {repository: https://git.example.com/payments, path: database}}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: ledger, namespace: payments, uid: mod-2, creationTimestamp: "2026-03-02T11:15:00Z"}
spec: {displayName: Ledger}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: Agent
metadata: {name: diagnoser, namespace: ai, uid: agent-1, generation: 2, creationTimestamp: "2026-03-01T12:00:00Z"}
spec: {assignedToAllModules: false, permissions: DenyAll}
status:
  observedGeneration: 2
  active: true
  connectedInstances: 1
  liveRuns: 0
  capacity: 2
  conditions:
  - {type: Ready, status: "True", lastTransitionTime: "2026-03-01T12:00:05Z", reason: Seen, message: ""}
  - {type: Connected, status: "True", lastTransitionTime: "2026-03-02T10:00:00Z", reason: InstanceConnected, message: one instance is connected}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: AgentInstance
metadata: {name: diagnoser-x7k2m, namespace: ai, uid: inst-1, creationTimestamp: "2026-03-02T10:00:00Z"}
spec:
  agentRef: {name: diagnoser}
  capacity: 2
  protocolVersions: [1]
  sidecars: [{name: scripted, default: true}]
status: {connected: true, liveRuns: 0}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: OrganizationMission
metadata: {name: diagnose-everything, uid: mission-1, creationTimestamp: "2026-03-01T12:00:00Z"}
spec: {agentRef: {namespace: ai, name: diagnoser}, missionType: AutoDiagnose}
status: {active: true}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: NamespaceMission
metadata: {name: summarize, namespace: payments, uid: mission-2, creationTimestamp: "2026-03-01T12:00:00Z"}
spec: {agentRef: {namespace: ai, name: diagnoser}, missionType: SummarizeJob}
status: {active: true}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: ModuleMission
metadata: {name: diagnose-ledger, namespace: payments, uid: mission-3, creationTimestamp: "2026-03-01T12:00:00Z"}
spec: {agentRef: {namespace: ai, name: diagnoser}, missionType: AutoDiagnose, moduleRef: {name: ledger}}
status: {active: true}
)"};

constexpr std::string_view kDiagnosedJob[] = {
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: ModuleJob
metadata: {name: database-41, namespace: payments, uid: job-41, creationTimestamp: "2026-03-02T11:50:00Z"}
spec:
  moduleRef: {name: database}
  jobID: "41"
  operation: Apply
  revision: 3f2a91c
  transitions:
  - {seq: 0, state: Running, at: "2026-03-02T11:50:00Z"}
  - {seq: 1, state: Failed, at: "2026-03-02T11:52:00Z", exitCode: 1}
  artifacts:
  - {name: log, digest: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", size: 812}
status:
  state: Failed
  matches:
  - key: "1"
    missionType: AutoDiagnose
    missions: [{kind: OrganizationMission, name: diagnose-everything, id: mission-1, dispatch: database-k4xq9w2m7dlp, created: true}]
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: Dispatch
metadata: {name: database-k4xq9w2m7dlp, namespace: payments, uid: dispatch-41, creationTimestamp: "2026-03-02T11:52:00Z"}
spec:
  missionRef: {kind: OrganizationMission, name: diagnose-everything, id: mission-1}
  moduleJobRef: {name: database-41, jobID: "41", key: "1"}
  moduleRef: {name: database}
  missionType: AutoDiagnose
  agentRef: {namespace: ai, name: diagnoser}
status:
  phase: Succeeded
  attempts: 2
  runOrdinal: 2
  instance: diagnoser-x7k2m
  run: {namespace: ai, name: database-k4xq9w2m7dlp-2}
  startedAt: "2026-03-02T11:52:01Z"
  finishedAt: "2026-03-02T11:52:48Z"
  report: {name: database-k4xq9w2m7dlp}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: Run
metadata: {name: database-k4xq9w2m7dlp-1, namespace: ai, uid: run-1, creationTimestamp: "2026-03-02T11:52:01Z"}
spec:
  dispatchRef: {namespace: payments, name: database-k4xq9w2m7dlp, uid: dispatch-41}
  agentRef: {name: diagnoser}
  instance: diagnoser-f9c3d
  sidecarName: scripted
  missionType: AutoDiagnose
  attempt: 1
  ordinal: 1
  timeoutSeconds: 10800
  permissions: DenyAll
  module: {namespace: payments, name: database}
  job: {name: database-41, jobID: "41", operation: Apply, state: Failed, exitCode: 1}
status: {phase: Failed, reason: InstanceLost, message: the instance went silent, startedAt: "2026-03-02T11:52:02Z", finishedAt: "2026-03-02T11:52:42Z"}
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: Run
metadata: {name: database-k4xq9w2m7dlp-2, namespace: ai, uid: run-2, creationTimestamp: "2026-03-02T11:52:45Z"}
spec:
  dispatchRef: {namespace: payments, name: database-k4xq9w2m7dlp, uid: dispatch-41}
  agentRef: {name: diagnoser}
  instance: diagnoser-x7k2m
  sidecarName: scripted
  missionType: AutoDiagnose
  attempt: 2
  ordinal: 2
  timeoutSeconds: 10800
  permissions: DenyAll
  module: {namespace: payments, name: database}
  job: {name: database-41, jobID: "41", operation: Apply, state: Failed, exitCode: 1}
status:
  phase: Succeeded
  startedAt: "2026-03-02T11:52:46Z"
  finishedAt: "2026-03-02T11:52:48Z"
  sessionLog: {digest: "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", size: 900}
)"};

constexpr std::string_view kParkedJob[] = {
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: ModuleJob
metadata: {name: ledger-7, namespace: payments, uid: job-7, creationTimestamp: "2026-03-02T11:58:00Z"}
spec:
  moduleRef: {name: ledger}
  jobID: "7"
  operation: Deploy
  transitions:
  - {seq: 0, state: Running, at: "2026-03-02T11:58:00Z"}
  - {seq: 1, state: Failed, at: "2026-03-02T11:59:00Z", exitCode: 2}
status:
  state: Failed
  matches:
  - key: "1"
    missionType: AutoDiagnose
    missions: [{kind: ModuleMission, namespace: payments, name: diagnose-ledger, id: mission-3, dispatch: ledger-m3v8t1z6hrcx, created: true}]
)",
    R"(
apiVersion: midwatch.dev/v1alpha1
kind: Dispatch
metadata: {name: ledger-m3v8t1z6hrcx, namespace: payments, uid: dispatch-7, creationTimestamp: "2026-03-02T11:59:00Z"}
spec:
  missionRef: {kind: ModuleMission, namespace: payments, name: diagnose-ledger, id: mission-3}
  moduleJobRef: {name: ledger-7, jobID: "7", key: "1"}
  moduleRef: {name: ledger}
  missionType: AutoDiagnose
  agentRef: {namespace: ai, name: diagnoser}
status:
  phase: Parked
  reason: AgentNotAssigned
  message: Agent "ai/diagnoser" may not work on Module "payments/ledger"
  since: "2026-03-02T11:59:01Z"
  blockedOn: [{kind: Agent, namespace: ai, name: diagnoser}]
  unparkedBy: an AgentAssignment that covers the Module, the namespace joining a Stack, or assignedToAllModules
)"};

constexpr std::string_view kApprovalReport = R"(
apiVersion: midwatch.dev/v1alpha1
kind: Report
metadata: {name: database-plan, namespace: payments, uid: report-2, creationTimestamp: "2026-03-02T11:40:00Z"}
spec:
  dispatchRef: {name: database-plan}
  moduleJobRef: {name: database-40, jobID: "40", key: "1"}
  moduleRef: {name: database}
  missionType: ApprovalRecommend
  headline: "needs a human: a database is replaced"
  producedBy: {sidecar: claude, producer: Claude Agent 0.9}
  usage: {inputTokens: 5200, outputTokens: 640}
  recommendation:
    recommend: NeedsHuman
    reason: The plan replaces the primary database. The last three plans of this Module changed tags alone.
    risks:
    - {severity: Critical, description: "aws_db_instance.main is destroyed and created again; its data is lost without a snapshot"}
    - {severity: Low, description: Two tags change.}
    evidence:
    - {artifact: plan, quote: '"actions": ["delete", "create"]'}
  resultDigest: "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
)";

constexpr std::string_view kSummaryReport = R"(
apiVersion: midwatch.dev/v1alpha1
kind: Report
metadata: {name: database-done, namespace: payments, uid: report-3, creationTimestamp: "2026-03-02T11:30:00Z"}
spec:
  dispatchRef: {name: database-done}
  moduleJobRef: {name: database-39, jobID: "39", key: "1"}
  moduleRef: {name: database}
  missionType: SummarizeJob
  headline: two changes
  producedBy: {sidecar: last-line}
  summary:
    summary: The job created a security group and changed the size of the database.
    changes:
    - {action: Create, target: aws_security_group.db}
    - {action: Update, target: aws_db_instance.main, note: "instance class db.t3.large"}
    evidence:
    - {artifact: log, lines: "88", quote: "Apply complete! Resources: 1 added, 1 changed, 0 destroyed."}
  resultDigest: "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
)";

constexpr std::string_view kSource = R"(
apiVersion: midwatch.dev/v1alpha1
kind: GitSource
metadata: {name: platform, namespace: midwatch-system, uid: source-1, creationTimestamp: "2026-03-01T12:00:00Z"}
spec: {url: https://git.example.com/platform, ref: {branch: main}}
status:
  active: true
  applied: {revision: 1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d}
)";

}  // namespace

std::string DiagnosisReport(std::string_view dispatch, std::string_view job) {
  return R"(
apiVersion: midwatch.dev/v1alpha1
kind: Report
metadata: {name: )" +
         std::string(dispatch) +
         R"(, namespace: payments, uid: report-1, creationTimestamp: "2026-03-02T11:52:49Z"}
spec:
  dispatchRef: {name: )" +
         std::string(dispatch) + R"(}
  moduleJobRef: {name: )" +
         std::string(job) + R"(, jobID: "41", key: "1"}
  moduleRef: {name: database}
  missionType: AutoDiagnose
  headline: the state is locked by another run
  producedBy: {sidecar: scripted, producer: 'scripted (rules, no model)'}
  usage: {inputTokens: 0, outputTokens: 0}
  diagnosis:
    rootCause: >-
      Another run holds the lock of the Terraform state, so this one could not begin. The lock was taken by ci@runner-3
      twelve minutes ago.
    category: Conflict
    transient: true
    confidence: High
    evidence:
    - {artifact: log, lines: "12-13", quote: "Error: Error acquiring the state lock\nLock Info: ci@runner-3"}
    - {artifact: log, lines: "19", quote: "Terraform acquires a state lock to protect the state"}
    nextSteps:
    - Wait until the other run has ended, then run the job again.
    - If no run is alive, release the lock with terraform force-unlock and the id from line 13.
  resultDigest: "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
)";
}

DemoWorld::DemoWorld() {
  for (const std::string_view yaml : kTopology) {
    Put(yaml);
  }
  for (const std::string_view yaml : kDiagnosedJob) {
    Put(yaml);
  }
  for (const std::string_view yaml : kParkedJob) {
    Put(yaml);
  }
  Put(DiagnosisReport("database-k4xq9w2m7dlp", "database-41"));
  Put(kApprovalReport);
  Put(kSummaryReport);
  Put(kSource);
  kube.ClearCalls();
}

void DemoWorld::PutDeclaredModule(std::string_view file) {
  Put(R"(
apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata:
  name: cache
  namespace: payments
  annotations:
    midwatch.dev/source-identity: gitsources.midwatch.dev/midwatch-system/platform
    midwatch.dev/source-file: )" +
      std::string(file) + "\nspec: {displayName: Sessions}\n");
}

Json DemoWorld::SetRun(int attempt, Json status, std::string_view stop) {
  const std::string name = "database-k4xq9w2m7dlp-" + std::to_string(attempt);
  const Json before = kube.Find({"runs.midwatch.dev", "ai", name}).Body();
  Json run = before;
  run.Set("status", std::move(status));
  if (!stop.empty()) {
    run["spec"].Set("stopRequested", Json::Of({{"reason", stop}, {"at", "2026-03-02T11:52:33Z"}}));
  }
  kube.Put(*api::FindKind("midwatch.dev/v1alpha1", "Run"), run);
  return before;
}

}  // namespace midwatch::cli
