#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "controller/api/codec.h"
#include "controller/api/dispatch.h"
#include "controller/api/git_source.h"
#include "controller/api/kinds.h"
#include "controller/api/module_job.h"
#include "controller/cli/command_line.h"
#include "controller/cli/definition.h"
#include "controller/cli/demo_world.h"
#include "controller/cli/exit_codes.h"
#include "controller/manifest/sync_plan.h"
#include "controller/reconcilers/gitsource/gitsource_reconciler.h"

// What every command prints, as transcripts in testdata/ (`cli_test --rewrite` refreshes them).

namespace midwatch::cli {
namespace {

using Arguments = std::vector<std::string>;

struct TranscriptCase {
  const char* name;
  std::vector<Arguments> commands;
};

class Transcripts : public testing::TestWithParam<TranscriptCase> {};

TEST_P(Transcripts, AreAsRecorded) {
  DemoWorld world;
  ExpectGolden(GetParam().name, world.RunAll(GetParam().commands));
}

INSTANTIATE_TEST_SUITE_P(
    Look, Transcripts,
    testing::Values(
        TranscriptCase{"get_tables",
                       {{"get", "dispatches", "-n", "payments"},
                        {"get", "dp", "-n", "payments", "-o", "wide"},
                        {"get", "modules", "-A"},
                        {"get", "agents,agentinstances", "-n", "ai"},
                        {"get", "module", "database", "-n", "payments", "--no-headers"},
                        {"get", "module/database", "module/ledger", "-n", "payments"}}},
        TranscriptCase{"get_filters",
                       {{"get", "dispatches", "-A", "--state", "parked"},
                        {"get", "dispatches", "-A", "--state", "success"},
                        {"get", "dispatches", "-A", "--state", "Succeeded", "-o", "name"},
                        {"get", "runs,modulejobs", "-A", "--state", "failed", "-o", "name"},
                        {"get", "agents", "-A", "--state", "connected"},
                        {"get", "agents", "-A", "--state", "disconnected"},
                        {"get", "agents", "-A", "--state", "ready", "-o", "name"},
                        {"get", "dispatches", "-A", "--state", "nonsense"},
                        {"get", "dispatches", "-A", "--search", "ledger", "-o", "name"},
                        {"get", "modules", "-A", "--search", "LEDGER"},
                        {"get", "modules", "-n", "payments", "--search", "nothing like it"},
                        {"get", "modules", "-n", "payment"},
                        {"get", "modules"}}},
        TranscriptCase{"get_forms",
                       {{"get", "module", "database", "-n", "payments", "-o", "yaml"},
                        {"get", "module", "database", "-n", "payments", "-o", "json"},
                        {"get", "midwatch", "-n", "payments", "-o", "name"},
                        {"get", "stacks", "-o", "yaml"},
                        {"get", "module", "database", "nope", "-n", "payments", "-o", "name"}}},
        TranscriptCase{"get_errors",
                       {{"get", "dispatchs"},
                        {"get", "widgets"},
                        {"get", "module", "nope", "-n", "payments"},
                        {"get", "midwatch", "name"},
                        {"get", "modules", "-A", "database"},
                        {"get", "module/a", "b"}}},
        TranscriptCase{"references",
                       {{"tree", "payments/ledger-7"},
                        {"tree", "modulejob/payments/ledger-7"},
                        {"why", "payments/ledger-7"},
                        {"why", "mj/payments/nope"},
                        {"report", "dispatch/payments/ledger-m3v8t1z6hrcx"},
                        {"cancel", "dispatches.midwatch.dev/payments/ledger-m3v8t1z6hrcx"},
                        {"get", "modulejob/payments/database-41", "--no-headers"},
                        {"delete", "module/payments/ledger", "--dry-run"},
                        {"tree", "modulejob/payments/ledger-7", "-n", "orders"},
                        {"get", "module/payments/ledger", "-n", "orders"},
                        {"get", "stack/payments/core"},
                        {"tree", "agents/nope"},
                        {"why", "dispatch/payments/ledger-m3v8"},
                        {"tree", "module/payments/ledger"},
                        {"tree", "payments/ledger-m3v8t1z6hrcx"},
                        {"logs", "payments/ledger-m3v8t1z6hrcx"},
                        {"tree", "a/b/c/d"}}},
        TranscriptCase{"get_colours",
                       {{"get", "dispatches", "-n", "payments", "--colour", "always"}}},
        TranscriptCase{"describe",
                       {{"describe", "agent", "diagnoser", "-n", "ai"},
                        {"describe", "dispatch/ledger-m3v8t1z6hrcx", "-n", "payments"},
                        {"describe", "modulejob", "database-41", "-n", "payments"},
                        {"describe", "module", "databse", "ledger", "-n", "payments"},
                        {"describe", "modul"}}},
        TranscriptCase{"tree",
                       {{"tree", "modulejob/database-41", "-n", "payments"},
                        {"tree", "mj/ledger-7", "-n", "payments"},
                        {"tree", "modulejob/nope", "-n", "payments"},
                        {"tree", "modulejob/database-41"},
                        {"tree", "modulejob/ledger", "-n", "payments"},
                        {"tree", "module/database"}}},
        TranscriptCase{"why",
                       {{"why", "dispatch/ledger-m3v8t1z6hrcx", "-n", "payments"},
                        {"why", "dispatch/database-k4xq9w2m7dlp", "-n", "payments"},
                        {"why", "modulejob/ledger-7", "-n", "payments"},
                        {"why", "modulejob/database-41", "-n", "payments"},
                        {"why", "dispatch/ledger-m3v8t1z6hrcx"},
                        {"why", "modulejob/nope"},
                        {"why", "module/database"}}},
        TranscriptCase{
            "why_colours",
            {{"why", "dispatch/ledger-m3v8t1z6hrcx", "-n", "payments", "--colour", "always"}}},
        TranscriptCase{
            "report",
            {{"report", "-n", "payments", "database-k4xq9w2m7dlp"},
             {"report", "-n", "payments", "database-plan"},
             {"report", "-n", "payments", "database-done"},
             {"report", "-n", "payments", "database-plan", "-o", "markdown"},
             {"report", "-n", "payments", "dispatch/database-k4xq9w2m7dlp", "-o", "markdown"},
             {"report", "-n", "payments", "dispatch/ledger-m3v8t1z6hrcx"},
             {"report", "-n", "payments", "ledger-m3v8t1z6hrcx"},
             {"report", "modulejob/payments/database-41"},
             {"report", "modulejob/payments/database-41", "-o", "yaml"},
             {"report", "modulejob/payments/ledger-7"},
             {"report", "modulejob/payments/nope"},
             {"report", "payments/database-41"},
             {"report"}}},
        TranscriptCase{"report_colours",
                       {{"report", "-n", "payments", "database-k4xq9w2m7dlp", "--colour", "always"},
                        {"report", "-n", "payments", "database-plan", "--colour", "always"}}},
        TranscriptCase{"version",
                       {{"version"},
                        {"version", "--client"},
                        {"version", "-o", "json"},
                        {"version", "-o", "yaml"}}},
        TranscriptCase{"cancel",
                       {{"cancel", "dispatch/ledger-m3v8t1z6hrcx", "-n", "payments", "--reason",
                         "known outage"},
                        {"cancel", "dispatch/database-k4xq9w2m7dlp", "-n", "payments"},
                        {"cancel", "module/x"}}},
        TranscriptCase{"agent_token",
                       {{"agent", "token", "ai/diagnoser"}, {"agent", "token", "ai/reviewer"}}},
        TranscriptCase{"agent_token_only", {{"agent", "token", "ai/diagnoser", "--token-only"}}}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(TranscriptOfUnreachable, SaysWhatToDo) {
  DemoWorld world;
  world.reachable = false;
  std::string all = world.RunAll({{"get", "modules"},
                                  {"version"},
                                  {"version", "--client"},
                                  {"sync", "platform"},
                                  {"why", "dispatch/x"},
                                  {"apply", "-f", "-"},
                                  {"agent", "token", "ai/diagnoser"}});
  world.no_kubeconfig = true;
  ExpectGolden("unreachable", all + "\n" + world.RunAll({{"get", "modules"}, {"version"}}));
}

TEST(TranscriptOfDescribe, NamesOfDataArePeoplesOwn) {
  DemoWorld world;
  world.Put(R"(
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: payments}
data: {userName: YW5u, tokenRef: c2VjcmV0}
)");
  world.Put(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: payments}
data: {logLevel: debug, gitRef: main}
)");
  ExpectGolden(
      "describe_data",
      world.RunAll({{"describe", "secret/login", "configmap/settings", "-n", "payments"}}));
}

TEST(TranscriptOfDelete, WhatNobodyMayDoHasNoHintOfAnotherUser) {
  DemoWorld world;
  const auto forbidden = [&](const char* why) {
    world.kube.FailNext({.verb = "delete", .error = {ErrorCode::kForbidden, why}});
    return world.Run({"delete", "module/ledger", "-n", "payments"});
  };
  const std::string nobody =
      forbidden("modules.midwatch.dev \"ledger\" is forbidden: it may not be deleted");
  const std::string this_user =
      forbidden("modules.midwatch.dev is forbidden: User \"ann\" cannot delete resource");
  EXPECT_EQ(nobody.find("hint:"), std::string::npos) << nobody;
  EXPECT_NE(this_user.find("hint: use a kubeconfig whose user"), std::string::npos) << this_user;
}

TEST(TranscriptOfTree, GoesOnBelowItselfOnANarrowTerminal) {
  DemoWorld world;
  world.terminal = {.out_is_terminal = true, .err_is_terminal = true, .columns = 60};
  ExpectGolden("tree_narrow",
               world.RunAll({{"tree", "modulejob/database-41", "-n", "payments"},
                             {"tree", "mj/ledger-7", "-n", "payments", "--colour", "never"}}));
}

TEST(TranscriptOfTree, ALostRunDoesNotGrowOlder) {
  DemoWorld world;
  world.SetRun(1, Json::Of({{"phase", "Running"}, {"startedAt", "2026-03-02T11:52:02Z"}}),
               "InstanceLost");
  const std::string tree = world.Run({"tree", "modulejob/database-41", "-n", "payments"});
  EXPECT_NE(tree.find("Failed (InstanceLost)  31s"), std::string::npos) << tree;
}

TEST(TranscriptOfTree, ACancelledRunSaysSoOnce) {
  DemoWorld world;
  world.SetRun(1, Json::Of({{"phase", "Cancelled"}, {"reason", "Cancelled"}}));
  const std::string tree = world.Run({"tree", "modulejob/database-41", "-n", "payments"});
  EXPECT_EQ(tree.find("Cancelled (Cancelled)"), std::string::npos) << tree;
}

TEST(TranscriptOfTree, ARunThatNobodyTookDoesNotWait) {
  DemoWorld world;
  world.SetRun(1, Json::Of({{"phase", "Pending"}}), "NotAcknowledged");
  const std::string tree = world.Run({"tree", "modulejob/database-41", "-n", "payments"});
  EXPECT_NE(tree.find("Cancelled (NotAcknowledged)"), std::string::npos) << tree;
}

TEST(TranscriptOfReport, OfWorkThatHasEndedWithoutOneIsSaidHowItEnded) {
  DemoWorld world;
  const ObjectKey key{"dispatches.midwatch.dev", "payments", "ledger-m3v8t1z6hrcx"};
  Json dispatch = world.kube.Find(key).Body();
  dispatch.Set("status", Json::Of({{"phase", "Cancelled"}, {"reason", "Cancelled"}}));
  world.kube.Put(api::Dispatch::Type(), dispatch);
  for (const char* command : {"report", "logs"}) {
    const std::string said = world.Run({command, "-n", "payments", "dispatch/" + key.name});
    EXPECT_NE(said.find("payments says how it ended"), std::string::npos) << said;
  }
}

TEST(TranscriptOfReport, AnUnknownFailureMayBeTransient) {
  DemoWorld world;
  std::string report = DiagnosisReport("database-k4xq9w2m7dlp", "database-41");
  report.replace(report.find("category: Conflict"), 18, "category: Unknown");
  report.replace(report.find("transient: true"), 15, "transient: false");
  world.Put(report);
  for (const char* form : {"text", "markdown"}) {
    const std::string said =
        world.Run({"report", "-n", "payments", "database-k4xq9w2m7dlp", "-o", form});
    EXPECT_NE(said.find("Unknown; whether it is transient is not known"), std::string::npos)
        << said;
  }
}

TEST(TranscriptOfAgentToken, OneThatCannotBeWrittenIsRevoked) {
  DemoWorld world;
  world.files.read_only = true;
  const std::string said = world.Run({"agent", "token", "ai/diagnoser", "-f", "/mnt/x"});
  EXPECT_NE(said.find("no token was made"), std::string::npos) << said;
  EXPECT_EQ(world.exit_code, kExitFailed);
  EXPECT_TRUE(world.kube.All("secrets").empty());
}

// Manifests.

constexpr std::string_view kGoodModule = R"(apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: cache, namespace: payments}
spec: {displayName: Cache}
)";
constexpr std::string_view kBadMission = R"(apiVersion: midwatch.dev/v1alpha1
kind: ModuleMission
metadata: {name: diagnose, namespace: payments}
spec:
  agentRf: {namespace: ai, name: diagnoser}
  missionType: AutoDiagnos
  moduleRef: {name: cache}
)";

TEST(TranscriptOfValidate, ListsEveryErrorWithItsPlace) {
  TestWorld world;
  world.files.files["repo/modules/cache.yaml"] = kGoodModule;
  const std::string good = world.Run({"validate", "repo"});
  world.files.files["repo/missions/diagnose.yaml"] = kBadMission;
  world.files.files["repo/missions/broken.yaml"] = "a: [1\n";
  world.files.files["repo/.github/workflow.yaml"] = "not: ours";
  const std::string elsewhere = world.Run({"validate", "-n", "orders", "repo/modules"});
  ExpectGolden("validate", good + "\n" + elsewhere + "\n" +
                               world.RunAll({{"validate", "repo"},
                                             {"validate", "repo", "-o", "json"},
                                             {"validate", "repo", "-o", "yaml"},
                                             {"validate", "nowhere"},
                                             {"validate", "repo", "--colour", "always"}}));
}

TEST(TranscriptOfApply, SaysWhatBecameOfEachObject) {
  DemoWorld world;
  world.files.files["dir/module.yaml"] = kGoodModule;
  world.files.files["dir/database.yaml"] = R"(apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: database, namespace: payments}
spec: {displayName: Payments DB}
)";
  world.files.files["-"] =
      std::string(kGoodModule) + "---\nkind: Widget\napiVersion: v1\nmetadata: {name: w}\n";
  std::string all = world.RunAll({{"apply", "-f", "dir", "--dry-run"},
                                  {"apply", "-f", "dir"},
                                  {"apply", "-f", "dir"},
                                  {"apply", "-f", "dir/module.yaml", "-o", "name"},
                                  {"apply", "-f", "-"}}) +
                    "\n";
  world.kube.FailNext({.verb = "patch",
                       .resource = "modules.midwatch.dev",
                       .error = {ErrorCode::kConflict,
                                 "Apply failed with 1 conflict: conflict with \"midwatch-git\": "
                                 ".spec.displayName"}});
  all += world.Run({"apply", "-f", "dir/module.yaml"});
  ExpectGolden("apply", all);
}

TEST(TranscriptOfApply, AStatusThatIsWrittenInBetweenChangesNothing) {
  DemoWorld world;
  world.files.files["module.yaml"] = kGoodModule;
  world.Run({"apply", "-f", "module.yaml"});
  world.kube.HoldAnswers(true);
  world.waiter.next.emplace_back([&] {
    Json seen = world.kube.Find({"modules.midwatch.dev", "payments", "cache"}).Body();
    seen.Set("status", Json::Of({{"observedGeneration", 1}}));
    world.kube.Put(*api::FindKind("midwatch.dev/v1alpha1", "Module"), seen);
    world.kube.HoldAnswers(false);
    world.kube.DeliverAnswer();
  });
  const std::string again = world.Run({"apply", "-f", "module.yaml"});
  EXPECT_NE(again.find("module.midwatch.dev/cache unchanged"), std::string::npos) << again;
}

TEST(TranscriptOfApply, DoesNotFightAGitSource) {
  DemoWorld world;
  world.files.files["module.yaml"] = kGoodModule;
  world.PutDeclaredModule("env/prod/cache.yaml");
  const Arguments forced = {"apply", "-f", "module.yaml", "--force-conflicts"};
  const auto conflict = [&](const Arguments& command) {
    world.kube.FailNext({.verb = "patch",
                         .resource = "modules.midwatch.dev",
                         .error = {ErrorCode::kConflict,
                                   "Apply failed with 1 conflict: conflict with \"midwatch-git\": "
                                   ".spec.displayName"}});
    return world.Run(command);
  };
  std::string all = conflict({"apply", "-f", "module.yaml"}) + "\n" + conflict(forced) + "\n";
  Json source = world.kube.Find({"gitsources.midwatch.dev", "midwatch-system", "platform"}).Body();
  source["spec"].Set("suspend", true);
  world.kube.Put(api::GitSource::Type(), source);
  ExpectGolden("apply_declared", all + conflict(forced));
}

TEST(TranscriptOfApply, WritesNothingUnlessAllIsInOrder) {
  DemoWorld world;
  world.files.files["dir/a.yaml"] = kGoodModule;
  world.files.files["dir/b.yaml"] = kBadMission;
  world.files.files["dir/c.yaml"] = std::string(kGoodModule) +
                                    "---\napiVersion: midwatch.dev/v1alpha1\nkind: Modul\n"
                                    "metadata: {name: m}\n";
  ExpectGolden("apply_refused",
               world.RunAll({{"apply", "-f", "dir"}, {"apply", "-f", "dir", "--dry-run"}}));
  EXPECT_FALSE(world.kube.Find({"modules.midwatch.dev", "payments", "cache"}));
}

TEST(TranscriptOfDelete, WaitsUntilFinalizersHaveLetGo) {
  DemoWorld world;
  world.Put(R"(
apiVersion: midwatch.dev/v1alpha1
kind: ModuleMission
metadata: {name: held, namespace: payments, finalizers: [midwatch.dev/demo]}
spec: {agentRef: {namespace: ai, name: diagnoser}, missionType: AutoDiagnose, moduleRef: {name: ledger}}
)");
  ExpectGolden("delete",
               world.RunAll({{"delete", "module", "ledger", "-n", "payments", "--dry-run"},
                             {"delete", "module", "ledger", "-n", "payments"},
                             {"delete", "module", "ledger", "-n", "payments"},
                             {"delete", "module/ledger", "-n", "payments", "--ignore-not-found"},
                             {"delete", "modulemission/held", "-n", "payments", "--timeout", "5s"},
                             {"delete", "module", "-n", "payments"},
                             {"delete"}}));
}

TEST(TranscriptOfDelete, SaysWhereEachIsMissingAndAHintOnce) {
  DemoWorld world;
  world.files.files["gone.yaml"] = R"(apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: a, namespace: orders}
---
apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: b, namespace: payments}
---
apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: c, namespace: payments}
)";
  ExpectGolden("delete_missing", world.Run({"delete", "-f", "gone.yaml", "-n", "payments"}));
}

TEST(TranscriptOfDiff, ShowsThePlanAgainstTheServer) {
  DemoWorld world;
  world.files.files["dir/cache.yaml"] = kGoodModule;
  world.files.files["dir/database.yaml"] = R"(apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: database, namespace: payments}
spec: {displayName: Payments DB}
)";
  ExpectGolden("diff_server", world.RunAll({{"diff", "dir"},
                                            {"diff", "dir", "-o", "json"},
                                            {"diff", "dir", "-o", "yaml"},
                                            {"diff", "dir", "--colour", "always"},
                                            {"apply", "-f", "dir"},
                                            {"diff", "dir"},
                                            {"diff"}}));
}

TEST(TranscriptOfDiff, SaysWhatApplyWouldRefuse) {
  DemoWorld world;
  world.files.files["database.yaml"] = R"(apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: database, namespace: payments}
spec: {displayName: Payments DB}
)";
  world.conflict = Error{ErrorCode::kConflict,
                         "Apply failed with 1 conflict: conflict with \"midwatch-git\": "
                         ".spec.displayName"};
  ExpectGolden("diff_conflict", world.RunAll({{"diff", "database.yaml"},
                                              {"diff", "database.yaml", "-o", "json"},
                                              {"diff", "database.yaml", "-o", "markdown"}}));
}

/// The source reads env/prod; the Modules cache and gone are from there.
void SyncFromEnvProd(DemoWorld& world) {
  Json source = world.kube.Find({"gitsources.midwatch.dev", "midwatch-system", "platform"}).Body();
  source["spec"].Set("path", "env/prod");
  world.kube.Put(api::GitSource::Type(), source);
  const std::string label = manifest::SourceLabel(
      gitsource::SyncSourceOf(*api::FromObject<api::GitSource>(*Object::FromJson(source)))
          .identity);
  for (const std::string name : {"cache", "gone"}) {
    world.Put(R"(
apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata:
  name: )" + name +
              R"(
  namespace: payments
  labels: {midwatch.dev/source: )" +
              label + R"(}
  annotations:
    midwatch.dev/source-identity: gitsources.midwatch.dev/midwatch-system/platform
    midwatch.dev/source-file: env/prod/modules/)" +
              name + R"(.yaml
    midwatch.dev/adopted: "false"
  managedFields:
  - manager: midwatch-git
    operation: Apply
    apiVersion: midwatch.dev/v1alpha1
    fieldsType: FieldsV1
    fieldsV1:
      f:metadata:
        f:labels: {f:midwatch.dev/source: {}}
        f:annotations:
          f:midwatch.dev/source-identity: {}
          f:midwatch.dev/source-file: {}
          f:midwatch.dev/adopted: {}
      f:spec: {f:displayName: {}}
spec: {displayName: Cache}
)");
  }
}

TEST(TranscriptOfDiff, OfASourceTakesAnySpellingOfItsDirectory) {
  DemoWorld world;
  SyncFromEnvProd(world);
  std::string first;
  for (const std::string root : {"", "checkout/", "/src/checkout/"}) {
    world.files.files[root + "env/prod/modules/cache.yaml"] = kGoodModule;
    for (const std::string end : {"env/prod", "env/prod/", ""}) {
      const std::string directory = root + end;
      const std::string said = world.Run({"diff", directory.empty() ? "." : directory, "--source",
                                          "platform", "-n", "midwatch-system"});
      first = first.empty() ? said : first;
      EXPECT_EQ(said.substr(said.find('\n')), first.substr(first.find('\n'))) << directory;
    }
    world.files.files.erase(root + "env/prod/modules/cache.yaml");
  }
  world.files.files["env/prod/modules/cache.yaml"] = kBadMission;
  const std::string all =
      first + "\n" +
      world.RunAll(
          {{"diff", "env/prod", "--source", "platform", "-n", "midwatch-system"},
           {"diff", "env/prod/modules/cache.yaml", "--source", "platform", "-n", "midwatch-system"},
           {"diff", "env", "--source", "platfrom", "-n", "midwatch-system"}});
  ExpectGolden("diff_source", all);
}

TEST(TranscriptOfDiff, OfASourceRefusesAPartOfACheckout) {
  DemoWorld world;
  SyncFromEnvProd(world);
  world.files.files["checkout/env/prod/modules/cache.yaml"] = kGoodModule;
  world.files.files["checkout/README.md"] = "";
  world.files.work_tree = "checkout";
  for (const std::string directory : {"checkout", "checkout/env/prod"}) {
    EXPECT_NE(world.Run({"diff", directory, "--source", "platform", "-n", "midwatch-system"})
                  .find("1 to prune; 1 unchanged"),
              std::string::npos)
        << directory;
  }
  std::string all = world.RunAll(
      {{"diff", "checkout/env", "--source", "platform", "-n", "midwatch-system"},
       {"diff", "checkout/env/prod/modules", "--source", "platform", "-n", "midwatch-system"}});
  world.files.files.erase("checkout/env/prod/modules/cache.yaml");
  all += "\n" + world.Run({"diff", "checkout", "--source", "platform", "-n", "midwatch-system"});
  ExpectGolden("diff_source_part", all);
}

TEST(TranscriptOfDiff, OfASourceSaysWhatKeepsAnObject) {
  DemoWorld world;
  SyncFromEnvProd(world);
  Json source = world.kube.Find({"gitsources.midwatch.dev", "midwatch-system", "platform"}).Body();
  source["spec"].Set("prune", false);
  world.kube.Put(api::GitSource::Type(), source);
  world.files.files["env/prod/modules/cache.yaml"] = kGoodModule;
  EXPECT_NE(world.Run({"diff", ".", "--source", "platform", "-n", "midwatch-system"})
                .find("kept Module payments/gone: spec.prune is off"),
            std::string::npos);
}

GitSnapshot Revision(std::map<std::string, std::string> files) {
  GitSnapshot snapshot;
  for (auto& [path, bytes] : files) {
    GitEntry entry;
    entry.path = path;
    entry.bytes = std::move(bytes);
    snapshot.entries.push_back(std::move(entry));
  }
  return snapshot;
}

TEST(TranscriptOfDiff, ComparesRevisionsWithoutAServer) {
  TestWorld world;
  world.reachable = false;
  world.environment["PWD"] = "/src/platform";
  const std::string changed = R"(apiVersion: midwatch.dev/v1alpha1
kind: Module
metadata: {name: cache, namespace: payments}
spec: {displayName: Cache of payments, description: Sessions and quotas}
)";
  const std::string gone = R"(apiVersion: v1
kind: Namespace
metadata: {name: old}
)";
  world.git.revisions["main"] =
      Revision({{"cache.yaml", std::string(kGoodModule)}, {"old.yaml", gone}});
  world.git.revisions["feature"] = Revision({{"cache.yaml", changed}});
  world.git.revisions["broken"] = Revision({{"mission.yaml", std::string(kBadMission)}});
  ExpectGolden("diff_revisions",
               world.RunAll({{"diff", "--from", "main", "--to", "feature"},
                             {"diff", "--from", "main", "--to", "feature", "-o", "markdown"},
                             {"diff", "--from", "main", "--to", "main"},
                             {"diff", "--from", "main", "--to", "broken"},
                             {"diff", "--from", "main", "--to", "nowhere"},
                             {"diff", "--from", "main~1", "--to", "main", "--repository", "x.git"},
                             {"diff", "--from", "main~1", "--to", "main", "--repository",
                              "https://git.example.com/platform"},
                             {"diff", "--from", "main"}}));
}

// GitSources.

void FinishSync(DemoWorld& world, const Json& status) {
  const ObjectKey key{"gitsources.midwatch.dev", "midwatch-system", "platform"};
  Json body = world.kube.Find(key).Body();
  for (const auto& [name, value] : status.Members()) {
    body["status"].Set(name, value);
  }
  body["status"].Set("lastHandledSyncRequest",
                     body.At("metadata", "annotations", "midwatch.dev/sync-requested-at"));
  world.kube.Put(api::GitSource::Type(), body);
}

Json Ready(bool ready, const char* reason, const char* message) {
  const auto condition = [&](const char* type, bool holds) {
    return Json::Of({{"type", type},
                     {"status", holds ? "True" : "False"},
                     {"reason", reason},
                     {"message", message},
                     {"lastTransitionTime", "2026-03-02T12:00:00Z"}});
  };
  return Json::ArrayOf({condition("Ready", ready), condition("Reconciling", !ready)});
}

TEST(TranscriptOfSync, WaitsForTheResult) {
  DemoWorld world;
  const Arguments command = {"sync", "platform", "-n", "midwatch-system"};
  world.waiter.next.emplace_back([&] {
    FinishSync(world, Json::Of({{"applied", Json::Of({{"revision", "3f2a91cd0e7b"}})},
                                {"attempted", Json::Of({{"revision", "3f2a91cd0e7b"}})},
                                {"counts", Json::Of({{"created", 3},
                                                     {"updated", 1},
                                                     {"unchanged", 12},
                                                     {"pruned", 2},
                                                     {"failed", 0},
                                                     {"total", 16}})},
                                {"errorCount", 0},
                                {"conditions", Ready(true, "Succeeded", "")}}));
  });
  std::string all = world.Run(command) + "\n";
  world.clock.Advance(std::chrono::seconds(5));
  world.waiter.next.emplace_back([&] {
    FinishSync(
        world,
        Json::Of(
            {{"attempted", Json::Of({{"revision", "77aa01b2c3d4"}})},
             {"errorCount", 3},
             {"conditions", Ready(false, "InvalidRevision", "the revision has errors")},
             {"errors",
              Json::ArrayOf({Json::Of({{"path", "missions/diagnose.yaml"},
                                       {"line", 5},
                                       {"column", 3},
                                       {"code", "UnknownField"},
                                       {"field", "spec.agentRf"},
                                       {"message", "unknown field, did you mean \"agentRef\"?"}}),
                             Json::Of({{"path", "missions/diagnose.yaml"},
                                       {"line", 6},
                                       {"column", 16},
                                       {"code", "InvalidField"},
                                       {"field", "spec.missionType"},
                                       {"message",
                                        "\"AutoDiagnos\" is not one of AutoDiagnose, "
                                        "ApprovalRecommend, SummarizeJob"}})})}}));
  });
  all += world.Run(command) + "\n";
  world.clock.Advance(std::chrono::seconds(5));
  world.waiter.next.emplace_back([&] {
    FinishSync(world,
               Json::Of({{"conditions", Ready(false, "Unreachable",
                                              "fetch: https://git.example.com: timed out")}}));
  });
  all += world.Run(command) + "\n";
  world.clock.Advance(std::chrono::seconds(5));
  for (const char* reference : {"gitsource/midwatch-system/platform", "midwatch-system/platform"}) {
    world.waiter.next.emplace_back([&] {
      FinishSync(world, Json::Of({{"conditions", Ready(true, "Succeeded", "")}}));
    });
    all += world.Run({"sync", reference}) + "\n";
    world.clock.Advance(std::chrono::seconds(5));
  }
  all += world.RunAll({{"sync", "platform", "-n", "midwatch-system", "--timeout", "3s"},
                       {"sync", "platform", "-n", "midwatch-system", "--no-wait"},
                       {"sync", "nope"}});
  ExpectGolden("sync", all);
}

TEST(TranscriptOfSync, TellsWhatIsInForceSinceWhenAndWhatIsKept) {
  DemoWorld world;
  const ObjectKey key{"gitsources.midwatch.dev", "midwatch-system", "platform"};
  Json fresh = world.kube.Find(key).Body();
  fresh.Set("status", Json::Of({{"observedGeneration", 1}}));
  world.kube.Put(api::GitSource::Type(), fresh);
  std::string all;
  const auto sync = [&](const Json& status) {
    world.waiter.next.emplace_back([&world, status] { FinishSync(world, status); });
    all += world.Run({"sync", "midwatch-system/platform"}) + "\n";
    world.clock.Advance(std::chrono::seconds(5));
  };
  sync(Json::Of(
      {{"conditions", Ready(false, "NotFound", "fetch: branch \"main\" does not exist")}}));
  const Json applied = Json::Of({{"revision", "3f2a91cd0e7b"}, {"at", "2026-03-02T12:00:05Z"}});
  const auto counts = [](int created, int total) {
    return Json::Of({{"created", created}, {"updated", 0}, {"unchanged", 0}, {"total", total}});
  };
  sync(Json::Of({{"applied", applied},
                 {"counts", counts(11, 11)},
                 {"conditions", Ready(true, "Succeeded", "")}}));
  sync(Json::Of({{"conditions", Ready(true, "Succeeded", "")}}));
  sync(Json::Of({{"applied", Json::Of({{"revision", "77aa01b2c3d4"}})},
                 {"counts", counts(0, 7)},
                 {"conditions", Ready(true, "Succeeded", "")}}));
  ExpectGolden("sync_kept", all);
}

// The manual.

TEST(Manual, IsTheOneInDocs) {
  std::ifstream file(MIDWATCH_SOURCE_DIR "/docs/cli.md");
  std::stringstream text;
  text << file.rdbuf();
  const auto arguments = testing::internal::GetArgvs();
  if (std::find(arguments.begin(), arguments.end(), "--rewrite") != arguments.end()) {
    std::ofstream(MIDWATCH_SOURCE_DIR "/docs/cli.md") << CommandReference();
    return;
  }
  EXPECT_EQ(text.str(), CommandReference()) << "midwatch docs cli > docs/cli.md refreshes it";
}

TEST(Manual, HasATranscriptOfEveryCommand) {
  std::string all;
  for (const char* folder : {"/controller/cli/testdata", "/tests/integration/transcripts"}) {
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(MIDWATCH_SOURCE_DIR) + folder)) {
      std::ifstream file(entry.path());
      std::stringstream text;
      text << file.rdbuf();
      all += entry.path().extension() == ".txt" ? text.str() + "\n" : "";
    }
  }
  // The path of a command is that of the longest one that a line begins with.
  const std::vector<Definition> commands = Definitions();
  std::map<std::string, bool> succeeded;
  constexpr std::string_view kBegin = "$ midwatch ";
  for (std::size_t at = all.find(kBegin); at != std::string::npos; at = all.find(kBegin, at + 1)) {
    const std::size_t end = all.find('\n', at);
    const std::string line = all.substr(at + kBegin.size(), end - at - kBegin.size()) + " ";
    std::string path;
    for (const Definition& command : commands) {
      const bool longer = command.path.size() > path.size();
      path = longer && line.starts_with(command.path + " ") ? command.path : path;
    }
    const std::size_t code = all.find("[exit code ", at);
    succeeded[path] = succeeded[path] || all.substr(code, 13) == "[exit code 0]";
  }
  for (const Definition& command : commands) {
    // `mcp` needs the ticket of a session: agent_test is its proof.
    EXPECT_TRUE(command.chapter == Chapter::kHidden || command.path == "mcp" ||
                succeeded[command.path])
        << "no transcript in which midwatch " << command.path << " succeeds";
  }
  EXPECT_TRUE(succeeded.contains("mcp"));
}

TEST(TranscriptOfHelp, IsRendered) {
  TestWorld world;
  ExpectGolden(
      "help",
      world.RunAll(
          {{"--help"}, {"job", "exec", "--help"}, {"job"}, {"sidecar"}, {"agent", "--help"}}));
}

}  // namespace
}  // namespace midwatch::cli
