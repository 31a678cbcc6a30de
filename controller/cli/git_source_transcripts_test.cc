#include <gtest/gtest.h>

#include "controller/cli/demo_world.h"

namespace midwatch::cli {
namespace {

constexpr std::string_view kApplied = R"(
  observedGeneration: 1
  active: true
  applied: {revision: 1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d, at: "2026-03-02T09:00:00Z"}
  counts: {created: 11, total: 11})";

/// The GitSource of the demo world with these lines below `spec` and `status`.
void PutSource(DemoWorld& world, std::string_view spec, std::string_view status) {
  world.Put(R"(
apiVersion: midwatch.dev/v1alpha1
kind: GitSource
metadata: {name: platform, namespace: midwatch-system, uid: source-1, creationTimestamp: "2026-03-01T12:00:00Z"}
spec:
  url: https://git.example.com/platform
  ref: {branch: main})" +
            std::string(spec) + "\nstatus:" + std::string(status) + "\n");
}

TEST(TranscriptOfGitSource, TellsWhatIsInForceAndWhyNothingNewerIs) {
  DemoWorld world;
  PutSource(world, "", std::string(kApplied) + R"(
  attempted: {revision: 77aa01b2c3d4e5f60718293a4b5c6d7e8f901234, at: "2026-03-02T11:50:00Z"}
  failingSince: "2026-03-02T11:50:00Z"
  errorCount: 5
  errors:
  - {code: InvalidField, path: a.yaml, line: 7, column: 3, field: spec.missionType, message: expected one}
  - {code: UnknownKind, path: b.yaml, line: 2, column: 7, message: "unknown kind \"Modul\""}
  - {code: NotOwned, object: Module payments/cache, message: exists already}
  - {code: NotOwned, object: Module payments/ledger, message: exists already}
  conditions:
  - {type: Ready, status: "False", lastTransitionTime: "2026-03-02T11:50:00Z", reason: InvalidRevision, message: "77aa01b2c3d4 has 5 errors"})");
  ExpectGolden("git_source_refused",
               world.RunAll({{"get", "gitsources", "-n", "midwatch-system"},
                             {"get", "gitsources", "-n", "midwatch-system", "-o", "wide"},
                             {"describe", "gitsource/midwatch-system/platform"}}));
}

/// The last lines of describe: what the source is told to be in short.
std::string InShort(DemoWorld& world) {
  const std::string all = world.Run({"describe", "gitsource/midwatch-system/platform"});
  const std::size_t at = all.find("In short:\n");
  return at == std::string::npos ? all : all.substr(at, all.find("Events:") - at);
}

struct SourceCase {
  const char* name;
  const char* spec;
  std::string status;
  const char* told;
};
class TellsInShort : public testing::TestWithParam<SourceCase> {};

TEST_P(TellsInShort, HowASourceStands) {
  DemoWorld world;
  PutSource(world, GetParam().spec, GetParam().status);
  EXPECT_EQ(InShort(world), "In short:\n" + std::string(GetParam().told));
}

std::string NotReady(const char* reason, const char* message) {
  return std::string(R"(
  conditions:
  - {type: Ready, status: "False", lastTransitionTime: "2026-03-02T11:50:00Z", reason: )") +
         reason + ", message: \"" + message + "\"}";
}

constexpr std::string_view kOneError = R"(
  attempted: {revision: 77aa01b2c3d4e5f60718293a4b5c6d7e8f901234}
  errorCount: 1
  errors: [{code: UnknownKind, path: b.yaml, line: 2, column: 7, message: unknown kind}])";

INSTANTIATE_TEST_SUITE_P(
    Sources, TellsInShort,
    testing::Values(
        SourceCase{"Fresh", "", " {active: true}", "  No revision is in force yet.\n"},
        SourceCase{"Good", "", std::string(kApplied),
                   "  Revision 1c2d3e4f5a6b is in force, for 3h: 11 objects.\n"
                   "  When it is deleted, its 11 objects stay (deletionPolicy: Orphan).\n"},
        SourceCase{"Unreachable", "\n  deletionPolicy: Prune",
                   std::string(kApplied) + "\n  failingSince: \"2026-03-02T11:50:00Z\"" +
                       NotReady("Unreachable", "fetch: timed out"),
                   "  Revision 1c2d3e4f5a6b is in force, for 3h: 11 objects.\n"
                   "  fetch: timed out, for 10m.\n"
                   "  When it is deleted, its 11 objects are deleted too (deletionPolicy: Prune), "
                   "but for namespaces and what it has adopted.\n"},
        SourceCase{"UnreachableAfterErrors", "",
                   std::string(kApplied) + std::string(kOneError) +
                       NotReady("Unreachable", "fetch: timed out"),
                   "  Revision 1c2d3e4f5a6b is in force, for 3h: 11 objects.\n"
                   "  fetch: timed out.\n"
                   "  When it is deleted, its 11 objects stay (deletionPolicy: Orphan).\n"},
        SourceCase{"Suspended",
                   "\n  suspend: true\n  deletionPolicy: Prune\n  pruneNamespaces: true"
                   "\n  pruneAdopted: true",
                   std::string(kApplied),
                   "  Revision 1c2d3e4f5a6b is in force, for 3h: 11 objects.\n"
                   "  It is suspended: nothing is synced.\n"
                   "  When it is deleted, its 11 objects are deleted too (deletionPolicy: "
                   "Prune).\n"},
        SourceCase{"Partly", "",
                   std::string(kApplied) + std::string(kOneError) +
                       NotReady("PartlyApplied", "77aa01b2c3d4 has 1 error"),
                   "  Revision 1c2d3e4f5a6b is in force, for 3h: 11 objects.\n"
                   "  Revision 77aa01b2c3d4 has 1 error; the rest of it is in force:\n"
                   "    b.yaml:2:7: UnknownKind: unknown kind\n"
                   "  When it is deleted, its 11 objects stay (deletionPolicy: Orphan).\n"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(TranscriptOfGitSource, ItsDeletionSaysWhatBecomesOfItsObjects) {
  DemoWorld world;
  std::string all;
  for (const char* policy : {"Orphan", "Prune"}) {
    PutSource(world, std::string("\n  deletionPolicy: ") + policy, kApplied);
    all += world.RunAll({{"delete", "gitsource/midwatch-system/platform", "--dry-run"},
                         {"delete", "gitsource/midwatch-system/platform"}}) +
           "\n";
  }
  ExpectGolden("git_source_delete", all);
}

TEST(TranscriptOfDelete, WarnsOfWhatASourceMakesAgain) {
  DemoWorld world;
  PutSource(world, "", kApplied);
  world.PutDeclaredModule("shop/topology.yaml");
  std::string all = world.Run({"delete", "module/payments/cache"});
  world.PutDeclaredModule("shop/topology.yaml");
  PutSource(world, "\n  suspend: true", kApplied);
  all += "\n" + world.Run({"delete", "module/payments/cache"});
  ExpectGolden("delete_declared", all);
}

}  // namespace
}  // namespace midwatch::cli
