#include "controller/manifest/manifest.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "controller/manifest/test_schemas.h"

namespace midwatch::manifest {
namespace {

/// The objects that were accepted, then the errors.
std::string Shown(const DeclaredFile& file) {
  std::string out;
  for (const Manifest& manifest : file.manifests) {
    out += manifest.key.ToString() + "\n";
  }
  for (const ManifestError& error : file.errors) {
    out += error.ToString() + "\n";
  }
  return out;
}

struct CheckCase {
  std::string_view name;
  std::string_view text;
  std::string_view want;
  ManifestScope scope = {.default_namespace = "payments", .everywhere = true};
};
void PrintTo(const CheckCase& c, std::ostream* out) { *out << c.name; }

class CheckFileTest : public testing::TestWithParam<CheckCase> {};

TEST_P(CheckFileTest, Says) {
  const CheckCase& c = GetParam();
  EXPECT_EQ(Shown(CheckFile(TestSchemas(), c.scope, "a.yaml", c.text)), c.want);
}

constexpr auto kName = [](const auto& suite) { return std::string(suite.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Kinds, CheckFileTest,
    testing::Values(
        CheckCase{"Good", "apiVersion: midwatch.dev/v1alpha1\nkind: Module\nmetadata: {name: a}\n",
                  "modules.midwatch.dev/payments/a\n"},
        CheckCase{"CoreKind", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
                  "namespaces/a\n"},
        CheckCase{"NoKindAtAll", "a: 1\n",
                  "a.yaml:1:1: NotAnObject: not a Kubernetes object, expected apiVersion and "
                  "kind\n"},
        CheckCase{"NoVersion", "kind: Module\n",
                  "a.yaml:1:1: NotAnObject: apiVersion: required value\n"},
        CheckCase{"KindOfWrongType", "apiVersion: v1\nkind: 3\n",
                  "a.yaml:2:1: NotAnObject: kind: expected a string that is not empty\n"},
        CheckCase{
            "UnknownKind", "apiVersion: midwatch.dev/v1alpha1\nkind: Modul\n",
            "a.yaml:2:1: UnknownKind: kind: unknown kind \"Modul\", did you mean \"Module\"?\n"},
        CheckCase{"UnknownKindLikeNothing", "apiVersion: apps/v1\nkind: Deployment\n",
                  "a.yaml:2:1: UnknownKind: kind: unknown kind \"Deployment\", expected a kind of "
                  "coordination.k8s.io/v1, midwatch.dev/v1alpha1, v1\n"},
        CheckCase{"UnknownVersion", "kind: Module\napiVersion: midwatch.dev/v1\n",
                  "a.yaml:2:1: UnknownVersion: apiVersion: unknown version \"midwatch.dev/v1\" of "
                  "Module, expected \"midwatch.dev/v1alpha1\"\n"},
        CheckCase{"UnknownGroup", "kind: Module\napiVersion: midwatch.io/v1alpha1\n",
                  "a.yaml:2:1: UnknownKind: apiVersion: no kind \"Module\" in "
                  "\"midwatch.io/v1alpha1\", did you mean \"midwatch.dev/v1alpha1\"?\n"}),
    kName);

constexpr std::string_view kModule = "apiVersion: midwatch.dev/v1alpha1\nkind: Module\n";

std::string Module(std::string_view rest) { return std::string(kModule) + std::string(rest); }

struct ModuleCase {
  std::string_view name;
  std::string_view rest;  ///< From line 3.
  std::string_view want;
  ManifestScope scope = {.default_namespace = "payments", .everywhere = true};
};
void PrintTo(const ModuleCase& c, std::ostream* out) { *out << c.name; }

class CheckModuleTest : public testing::TestWithParam<ModuleCase> {};

TEST_P(CheckModuleTest, Says) {
  const ModuleCase& c = GetParam();
  EXPECT_EQ(Shown(CheckFile(TestSchemas(), c.scope, "a.yaml", Module(c.rest))), c.want);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, CheckModuleTest,
    testing::Values(
        ModuleCase{"NoMetadata", "spec: {}\n",
                   "a.yaml:1:1: NotAnObject: metadata.name: required value\n"},
        ModuleCase{"GenerateName", "metadata: {generateName: a-}\n",
                   "a.yaml:3:1: NotAnObject: metadata.name: required value, generateName makes a "
                   "new object each time\n"},
        ModuleCase{"UnknownField", "metadata: {name: a}\nspec:\n  displyName: x\n",
                   "a.yaml:5:3: UnknownField: spec.displyName: unknown field, did you mean "
                   "\"displayName\"?\n"},
        ModuleCase{"UnknownFieldOfMetadata", "metadata: {name: a, lables: {}}\n",
                   "a.yaml:3:21: UnknownField: metadata.lables: unknown field, did you mean "
                   "\"labels\"?\n"},
        ModuleCase{"WrongType", "metadata: {name: a}\nspec:\n  displayName: yes\n",
                   "a.yaml:5:3: InvalidField: spec.displayName: expected string, found boolean\n"},
        ModuleCase{"LabelsOfWrongType", "metadata: {name: a, labels: {on-call: 1}}\n",
                   "a.yaml:3:30: InvalidField: metadata.labels[on-call]: expected string, "
                   "found integer\n"},
        ModuleCase{"BadName", "metadata: {name: A_b}\n",
                   "a.yaml:3:12: InvalidField: metadata.name: \"A_b\": a lowercase "
                   "RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
                   "'.', and must start and end with an alphanumeric character (e.g. "
                   "'example.com')\n"},
        ModuleCase{"SeveralMistakesAtOnce",
                   "metadata: {name: a}\nspec:\n  displayName: 1\n  nonsense: 2\n",
                   "a.yaml:5:3: InvalidField: spec.displayName: expected string, found integer\n"
                   "a.yaml:6:3: UnknownField: spec.nonsense: unknown field\n"},
        ModuleCase{"MistakesOfMetadataDoNotHideOthers",
                   "metadata: {name: a, labels: [x]}\nspec:\n  displayName: 1\n",
                   "a.yaml:3:21: InvalidField: metadata.labels: expected object, found array\n"
                   "a.yaml:5:3: InvalidField: spec.displayName: expected string, found "
                   "integer\n"},
        ModuleCase{"AMissingNameDoesNotHideOthers", "spec:\n  displayName: 1\n",
                   "a.yaml:1:1: NotAnObject: metadata.name: required value\n"
                   "a.yaml:4:3: InvalidField: spec.displayName: expected string, found "
                   "integer\n"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Scope, CheckModuleTest,
    testing::Values(
        ModuleCase{"OwnNamespace", "metadata: {name: a, namespace: other}\n",
                   "modules.midwatch.dev/other/a\n"},
        ModuleCase{"NoNamespaceToBeHad",
                   "metadata: {name: a}\n",
                   "a.yaml:3:1: InvalidScope: metadata.namespace: required value\n",
                   {.default_namespace = "", .everywhere = true}},
        ModuleCase{"OutOfReach",
                   "metadata: {name: a, namespace: other}\n",
                   "a.yaml:3:21: NotAllowed: metadata.namespace: \"other\" is out of reach, this "
                   "source may write into namespace \"payments\" alone\n",
                   {.default_namespace = "payments", .everywhere = false}},
        ModuleCase{"WithinReach",
                   "metadata: {name: a, namespace: payments}\n",
                   "modules.midwatch.dev/payments/a\n",
                   {.default_namespace = "payments", .everywhere = false}}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Rules, CheckFileTest,
    testing::Values(
        CheckCase{"ClusterScopedWithNamespace",
                  "apiVersion: midwatch.dev/v1alpha1\nkind: Stack\nmetadata:\n  name: core\n  "
                  "namespace: x\n",
                  "a.yaml:5:3: InvalidScope: metadata.namespace: Stack is cluster-scoped and takes "
                  "no namespace\n"},
        CheckCase{"ClusterScopedOutOfReach",
                  "apiVersion: midwatch.dev/v1alpha1\nkind: Stack\nmetadata: {name: core}\n",
                  "a.yaml:2:1: NotAllowed: kind: Stack is cluster-scoped, this source may write "
                  "into namespace \"payments\" alone\n",
                  {.default_namespace = "payments", .everywhere = false}},
        CheckCase{"RequiredFields",
                  "apiVersion: midwatch.dev/v1alpha1\nkind: OrganizationMission\nmetadata: {name: "
                  "a}\nspec:\n  agentRef: {name: x}\n",
                  "a.yaml:4:1: InvalidField: spec.missionType: required value\n"
                  "a.yaml:5:3: InvalidField: spec.agentRef.namespace: required value\n"},
        CheckCase{"Enumeration",
                  "apiVersion: midwatch.dev/v1alpha1\nkind: Agent\nmetadata: {name: a}\nspec:\n  "
                  "permissions: AllowAll\n",
                  "a.yaml:5:3: InvalidField: spec.permissions: expected one of \"DenyAll\", "
                  "\"AllowReads\", found \"AllowAll\"\n"},
        CheckCase{"AMisspeltFieldIsNotMissedToo",
                  "apiVersion: midwatch.dev/v1alpha1\nkind: OrganizationMission\nmetadata: {name: "
                  "a}\nspec:\n  agentref: {namespace: n, name: x}\n  missionType: "
                  "AutoDiagnose\n",
                  "a.yaml:5:3: UnknownField: spec.agentref: unknown field, did you mean "
                  "\"agentRef\"?\n"},
        CheckCase{"NorByARuleThatNamesIt",
                  "apiVersion: midwatch.dev/v1alpha1\nkind: AgentAssignment\nmetadata: {name: "
                  "a}\nspec:\n  agentRef: {name: x}\n  stackref: {name: s}\n",
                  "a.yaml:6:3: UnknownField: spec.stackref: unknown field, did you mean "
                  "\"stackRef\"?\n"},
        CheckCase{"RuleOfTheSchema",
                  "apiVersion: midwatch.dev/v1alpha1\nkind: AgentAssignment\nmetadata: {name: "
                  "a}\nspec:\n  agentRef: {name: x}\n  stackRef: {name: s}\n  moduleRef: {name: m, "
                  "namespace: m}\n",
                  "a.yaml:4:1: InvalidField: spec: exactly one of organization: true, stackRef, "
                  "namespaceRef and moduleRef must be set\n"},
        CheckCase{"ValuesOfSecretsAreNotShown",
                  "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  password: "
                  "'hunter2!'\n  pin: 1234\n",
                  "a.yaml:5:3: InvalidField: data.password: the value does not fit its field (it "
                  "is not shown)\n"
                  "a.yaml:6:3: InvalidField: data.pin: the value does not fit its field (it is not "
                  "shown)\n"},
        CheckCase{"AllDocumentsOfAFile",
                  "kind: Modul\napiVersion: midwatch.dev/v1alpha1\n---\na: [\n---\napiVersion: "
                  "v1\nkind: Namespace\nmetadata: {name: core}\n",
                  "namespaces/core\n"
                  "a.yaml:1:1: UnknownKind: kind: unknown kind \"Modul\", did you mean "
                  "\"Module\"?\n"
                  "a.yaml:5:1: SyntaxError: expected \",\" or \"]\"\n"}),
    kName);

TEST(CheckFileTest, KeepsTheObjectAsDeclaredWithoutDefaults) {
  const DeclaredFile file =
      CheckFile(TestSchemas(), {.default_namespace = "payments"}, "agents/a.yaml",
                "# one\n---\napiVersion: midwatch.dev/v1alpha1\nkind: Agent\nmetadata:\n  name: "
                "a\nspec:\n  suspend: true\n");
  ASSERT_EQ(file.manifests.size(), 1U);
  const Manifest& manifest = file.manifests[0];
  EXPECT_EQ(manifest.object.bytes(),
            "{\"apiVersion\":\"midwatch.dev/v1alpha1\",\"kind\":\"Agent\",\"metadata\":{\"name\":"
            "\"a\",\"namespace\":\"payments\"},\"spec\":{\"suspend\":true}}");
  EXPECT_EQ(manifest.path, "agents/a.yaml");
  EXPECT_EQ(manifest.at, (Position{3, 1}));
}

TEST(CheckFileTest, DropsWhatAServerWrote) {
  const DeclaredFile file = CheckFile(
      TestSchemas(), {.default_namespace = "midwatch"}, "a.yaml",
      "apiVersion: midwatch.dev/v1alpha1\nkind: Agent\nmetadata:\n  name: core\n  uid: u\n  "
      "resourceVersion: '7'\n  generation: 2\n  creationTimestamp: '2026-11-21T06:57:00Z'\n  "
      "managedFields: [{manager: x}]\n  annotations:\n    "
      "kubectl.kubernetes.io/last-applied-configuration: '{}'\nstatus: {observedGeneration: 2}\n");
  ASSERT_EQ(Shown(file), "agents.midwatch.dev/midwatch/core\n");
  EXPECT_EQ(file.manifests[0].object.bytes(),
            "{\"apiVersion\":\"midwatch.dev/v1alpha1\",\"kind\":\"Agent\",\"metadata\":{\"name\":"
            "\"core\",\"namespace\":\"midwatch\"}}");
}

TEST(CheckFileTest, ErrorsNameTheirObject) {
  const DeclaredFile file = CheckFile(TestSchemas(), {.default_namespace = "payments"}, "a.yaml",
                                      Module("metadata: {name: a}\nspec: {x: 1}\n"));
  ASSERT_EQ(file.errors.size(), 1U);
  EXPECT_EQ(file.errors[0].object, "Module payments/a");
  EXPECT_EQ(file.errors[0].key, (ObjectKey{"modules.midwatch.dev", "payments", "a"}));
  EXPECT_EQ(file.errors[0].field, "spec.x");
}

}  // namespace
}  // namespace midwatch::manifest
