#include "controller/manifest/sync_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "controller/manifest/test_schemas.h"
#include "controller/schema/field_manager.h"

namespace midwatch::manifest {
namespace {

constexpr std::string_view kHead = "apiVersion: midwatch.dev/v1alpha1\nkind: ";

std::string Declare(const std::string& kind, const std::string& name,
                    const std::string& rest = "") {
  return std::string(kHead) + kind + "\nmetadata: {name: " + name + "}\n" + rest;
}
std::string Namespace(const std::string& name) {
  return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + "}\n";
}

SyncSource Source(const std::string& name = "infra") {
  SyncSource source;
  source.identity = "gitsources.midwatch.dev/midwatch/" + name;
  source.field_manager = "midwatch-git";
  source.marks = {.source_label = "midwatch.dev/source",
                  .identity_annotation = "midwatch.dev/source-identity",
                  .adopted_annotation = "midwatch.dev/adopted",
                  .file_annotation = "midwatch.dev/source-file"};
  return source;
}

/// A server of a few objects: applies what a plan says, as the API would.
class SyncTest : public testing::Test {
 protected:
  /// Plans `files` (path → text) and carries the plan out.
  SyncPlan Sync(const std::map<std::string, std::string>& files) {
    SyncPlan plan = Plan(files);
    for (const SyncStep& step : plan.steps) {
      CarryOut(step);
    }
    memo_ = plan.memo;
    return plan;
  }

  SyncPlan Plan(const std::map<std::string, std::string>& files, bool use_memo = false) {
    std::vector<RepositoryEntry> entries;
    for (const auto& [path, text] : files) {
      entries.push_back({.path = path, .bytes = text});
    }
    const ManifestScope scope{.default_namespace = "midwatch", .everywhere = true};
    declared_ = CheckRepository(TestSchemas(), scope, entries);
    SyncInput input{.source = source_,
                    .schemas = TestSchemas(),
                    .declared = declared_,
                    .find = [this](const ObjectKey& key) -> std::optional<Object> {
                      const auto found = live_.find(key);
                      return found == live_.end() ? std::nullopt
                                                  : std::optional(Stored(found->second));
                    },
                    .inventory = {},
                    .memo = use_memo ? &memo_ : nullptr,
                    .now = {}};
    for (const auto& [key, body] : live_) {
      if (body.At("metadata", "labels", "midwatch.dev/source").AsString() ==
          SourceLabel(source_.identity)) {
        input.inventory.emplace_back(key, Stored(body));
      }
    }
    return PlanSync(input);
  }

  static Object Stored(const Json& body) { return *Object::FromJson(body); }

  void CarryOut(const SyncStep& step) {
    const auto found = live_.find(step.key);
    if (step.verb != SyncVerb::kCreate) {
      ASSERT_NE(found, live_.end());
      EXPECT_EQ(step.uid, found->second.At("metadata", "uid").AsString());
      EXPECT_EQ(step.resource_version, found->second.At("metadata", "resourceVersion").AsString());
    }
    if (step.verb == SyncVerb::kPrune) {
      live_.erase(found);
    } else {
      Write(step.key, step.body, "midwatch-git");
    }
  }

  /// Server-side apply, forced.
  void Write(const ObjectKey& key, const Json& body, const std::string& manager) {
    const ManifestKind* kind = TestSchemas().FindResource(key.resource);
    ASSERT_NE(kind, nullptr);
    const auto found = live_.find(key);
    const schema::FieldWriter writer{.manager = manager,
                                     .api_version = kind->type.ApiVersion(),
                                     .subresource = {},
                                     .has_status_subresource = kind->has_status,
                                     .now = {}};
    Result<Json> after = schema::ApplyConfiguration(
        kind->schema, found == live_.end() ? nullptr : &found->second, body, writer, true);
    ASSERT_TRUE(after) << after.error().message;
    kind->schema.ApplyDefaults(*after);
    Put(key, *std::move(after));
  }

  void Put(const ObjectKey& key, Json body) {
    Json& metadata = body["metadata"];
    if (metadata.At("uid").IsNull()) {
      metadata.Set("uid", "uid-" + key.name);
    }
    metadata.Set("resourceVersion", std::to_string(++version_));
    live_.insert_or_assign(key, std::move(body));
  }

  /// An object that somebody made by hand.
  void Make(const std::string& text) {
    const DeclaredFile file =
        CheckFile(TestSchemas(), {.default_namespace = "midwatch"}, "x.yaml", text);
    ASSERT_EQ(file.manifests.size(), 1U);
    Write(file.manifests[0].key, file.manifests[0].object.Body(), "kubectl");
  }

  Json& Live(const ObjectKey& key) {
    EXPECT_TRUE(live_.contains(key)) << key.ToString();
    return live_[key];
  }
  void Touch(const ObjectKey& key) { Put(key, Live(key)); }

  SyncSource source_ = Source();
  DeclaredSet declared_;
  std::map<ObjectKey, Json> live_;
  SyncMemo memo_;
  std::int64_t version_ = 100;
};

const ObjectKey kAgent{"agents.midwatch.dev", "midwatch", "a"};
const ObjectKey kModule{"modules.midwatch.dev", "midwatch", "db"};
const ObjectKey kStack{"stacks.midwatch.dev", "", "core"};
const ObjectKey kTeam{"namespaces", "", "team"};

std::string Shown(const SyncPlan& plan) {
  std::string out;
  constexpr std::string_view kVerbs = "+~-";
  for (const SyncStep& step : plan.steps) {
    out += kVerbs[static_cast<std::size_t>(step.verb)] + step.key.ToString() + "\n";
  }
  for (const KeptObject& kept : plan.kept) {
    out += "kept " + kept.key.ToString() + " " + std::string(NameOf(kept.reason)) + "\n";
  }
  for (const ObjectKey& key : plan.waiting) {
    out += "waiting " + key.ToString() + "\n";
  }
  for (const ManifestError& error : plan.errors) {
    out += error.ToString() + "\n";
  }
  return out + (plan.refused ? "refused\n" : "");
}

TEST_F(SyncTest, CreatesInTheOrderOfDependency) {
  const SyncPlan plan =
      Sync({{"a.yaml", Declare("OrganizationMission", "m",
                               "spec: {agentRef: {name: a, namespace: midwatch}, "
                               "missionType: AutoDiagnose}\n") +
                           "---\n" + Declare("Agent", "a") + "---\n" + Declare("Module", "db") +
                           "---\n" + Namespace("team")}});
  EXPECT_EQ(Shown(plan),
            "+namespaces/team\n+modules.midwatch.dev/midwatch/db\n+agents.midwatch.dev/midwatch/a\n"
            "+organizationmissions.midwatch.dev/m\n");
  EXPECT_EQ(plan.created, 4U);
}

TEST_F(SyncTest, MarksWhatItCreates) {
  Sync({{"agents/a.yaml", Declare("Agent", "a")}});
  const Json& metadata = Live(kAgent).At("metadata");
  EXPECT_EQ(metadata.At("labels", "midwatch.dev/source").AsString(), SourceLabel(source_.identity));
  EXPECT_EQ(metadata.At("annotations", "midwatch.dev/source-identity").AsString(),
            source_.identity);
  EXPECT_EQ(metadata.At("annotations", "midwatch.dev/adopted").AsString(), "false");
  EXPECT_EQ(metadata.At("annotations", "midwatch.dev/source-file").AsString(), "agents/a.yaml");
}

TEST_F(SyncTest, ASecondSyncOfTheSameWritesNothing) {
  const std::map<std::string, std::string> files = {
      {"a.yaml",
       Declare("Agent", "a", "spec: {permissions: AllowReads}\n") + "---\n" + Namespace("team")}};
  Sync(files);
  const SyncPlan again = Sync(files);
  EXPECT_EQ(Shown(again), "");
  EXPECT_EQ(again.unchanged, 2U);
  EXPECT_EQ(again.memo.size(), 2U);
  EXPECT_EQ(Plan(files, true).unchanged, 2U) << "known from the plan before";
}

TEST_F(SyncTest, WhatWasSeenBeforeIsComparedAgainWhenEitherSideChanges) {
  Sync({{"a.yaml", Declare("Agent", "a")}});
  Sync({{"a.yaml", Declare("Agent", "a")}});
  Live(kAgent)["spec"].Set("suspend", true);
  EXPECT_EQ(Plan({{"a.yaml", Declare("Agent", "a", "spec: {suspend: false}\n")}}, true).updated,
            1U);
  Touch(kAgent);
  EXPECT_EQ(Plan({{"a.yaml", Declare("Agent", "a")}}, true).updated, 0U)
      << "nobody declared suspend";
  EXPECT_EQ(Plan({{"b.yaml", Declare("Agent", "a")}}, true).updated, 1U) << "the file is noted";
}

TEST_F(SyncTest, DriftOfADeclaredFieldIsCorrected) {
  const std::map<std::string, std::string> files = {
      {"a.yaml", Declare("Agent", "a", "spec: {permissions: AllowReads}\n")}};
  Sync(files);
  Write(kAgent, *ParseJson(R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"Agent",
                               "metadata":{"name":"a","namespace":"midwatch"},
                               "spec":{"permissions":"DenyAll"}})"),
        "kubectl");
  EXPECT_EQ(Shown(Sync(files)), "~agents.midwatch.dev/midwatch/a\n");
  EXPECT_EQ(Live(kAgent).At("spec", "permissions").AsString(), "AllowReads");
}

TEST_F(SyncTest, FieldsOfOthersAreLeftAlone) {
  const std::map<std::string, std::string> files = {{"a.yaml", Declare("Agent", "a")}};
  Sync(files);
  Write(kAgent, *ParseJson(R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"Agent",
                               "metadata":{"name":"a","namespace":"midwatch",
                                 "annotations":{"midwatch.dev/hold":"{}"}},
                               "spec":{"suspend":true}})"),
        "midwatch");
  EXPECT_EQ(Shown(Sync(files)), "");
  EXPECT_TRUE(Live(kAgent).At("spec", "suspend").AsBool());
}

TEST_F(SyncTest, AFieldThatIsDeclaredNoMoreIsRemoved) {
  Sync({{"a.yaml", Declare("Agent", "a", "spec: {defaultSidecar: claude}\n")}});
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Agent", "a")}})), "~agents.midwatch.dev/midwatch/a\n");
  EXPECT_EQ(Live(kAgent).At("spec").Find("defaultSidecar"), nullptr);
}

TEST_F(SyncTest, TheStepShowsBothSides) {
  Sync({{"a.yaml", Declare("Agent", "a")}});
  const SyncPlan plan = Plan({{"a.yaml", Declare("Agent", "a", "spec: {suspend: true}\n")}});
  ASSERT_EQ(plan.steps.size(), 1U);
  EXPECT_FALSE(plan.steps[0].before.At("spec", "suspend").AsBool());
  EXPECT_TRUE(plan.steps[0].after.At("spec", "suspend").AsBool());
  EXPECT_EQ(plan.steps[0].path, "a.yaml");
}

TEST_F(SyncTest, AnObjectOfNobodyNeedsAdoption) {
  Make(Declare("Agent", "a"));
  const std::map<std::string, std::string> files = {{"a.yaml", Declare("Agent", "a")}};
  EXPECT_EQ(
      Shown(Sync(files)),
      "a.yaml:1:1: NotOwned: Agent midwatch/a exists and belongs to no source, set spec.adopt to "
      "take it over\nrefused\n");
  source_.adopt = true;
  const SyncPlan plan = Sync(files);
  EXPECT_EQ(Shown(plan), "~agents.midwatch.dev/midwatch/a\n");
  EXPECT_TRUE(plan.steps[0].adopts);
  EXPECT_EQ(Live(kAgent).At("metadata", "annotations", "midwatch.dev/adopted").AsString(), "true");
  EXPECT_EQ(Shown(Sync(files)), "") << "adopted once";
}

TEST_F(SyncTest, AnObjectOfAnotherSourceIsAnError) {
  Sync({{"a.yaml", Declare("Agent", "a")}});
  source_ = Source("other");
  source_.adopt = true;
  const std::string mine = "# mine\n" + Declare("Agent", "a");
  const std::string belongs =
      "b.yaml:2:1: NotOwned: Agent midwatch/a belongs to "
      "\"gitsources.midwatch.dev/midwatch/infra\"";
  EXPECT_EQ(Shown(Sync({{"b.yaml", mine}})),
            belongs +
                ", which is gone: declare that again, or remove midwatch.dev/source and "
                "midwatch.dev/source-identity from the object\nrefused\n");
  Make(
      "apiVersion: midwatch.dev/v1alpha1\nkind: GitSource\nmetadata: {name: infra}\n"
      "spec: {url: \"https://git.example.com/x\"}\n");
  EXPECT_EQ(Shown(Sync({{"b.yaml", mine}})), belongs + "\nrefused\n");
}

TEST_F(SyncTest, AMarkThatIsGoneIsPutBack) {
  const std::map<std::string, std::string> files = {{"a.yaml", Declare("Agent", "a")}};
  Sync(files);
  Live(kAgent)["metadata"].Erase("labels");
  EXPECT_EQ(Shown(Sync(files)), "~agents.midwatch.dev/midwatch/a\n");
  Live(kAgent)["metadata"].Erase("annotations");
  EXPECT_EQ(Shown(Sync(files)), "~agents.midwatch.dev/midwatch/a\n");
  EXPECT_EQ(Live(kAgent).At("metadata", "annotations", "midwatch.dev/adopted").AsString(), "true")
      << "who made it is not known any more, so it is not pruned";
  EXPECT_EQ(Shown(Sync({{"b.yaml", Namespace("team")}})),
            "+namespaces/team\nkept agents.midwatch.dev/midwatch/a Adopted\n");
}

TEST_F(SyncTest, WhatIsDeclaredNoMoreIsPrunedInReverseOrder) {
  Sync({{"a.yaml", Declare("Agent", "a") + "---\n" + Declare("Stack", "core")},
        {"b.yaml", Declare("Module", "db")}});
  const SyncPlan plan = Sync({{"b.yaml", Declare("Module", "db")}});
  EXPECT_EQ(Shown(plan), "-agents.midwatch.dev/midwatch/a\n-stacks.midwatch.dev/core\n");
  EXPECT_EQ(plan.pruned, 2U);
  EXPECT_EQ(plan.steps[0].path, "a.yaml");
  EXPECT_EQ(live_.size(), 1U);
}

TEST_F(SyncTest, WritesComeBeforePrunes) {
  Sync({{"a.yaml", Declare("Agent", "a")}});
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Module", "db")}})),
            "+modules.midwatch.dev/midwatch/db\n-agents.midwatch.dev/midwatch/a\n");
}

TEST_F(SyncTest, PruningCanBeOff) {
  Sync({{"a.yaml", Declare("Agent", "a") + "---\n" + Declare("Module", "db")}});
  source_.prune = false;
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Module", "db")}})),
            "kept agents.midwatch.dev/midwatch/a PruneOff\n");
}

TEST_F(SyncTest, AnEmptySetPrunesNothingUnlessAllowed) {
  Sync({{"a.yaml", Declare("Agent", "a")}});
  EXPECT_EQ(Shown(Sync({{"a.yaml", "# nothing\n"}})),
            "kept agents.midwatch.dev/midwatch/a EmptySet\n");
  EXPECT_EQ(Shown(Sync({})), "kept agents.midwatch.dev/midwatch/a EmptySet\n");
  source_.allow_empty = true;
  EXPECT_EQ(Shown(Sync({})), "-agents.midwatch.dev/midwatch/a\n");
}

TEST_F(SyncTest, NamespacesArePrunedOnRequestAndNeverInUse) {
  Sync({{"a.yaml", Namespace("team") + "---\n" + Declare("Stack", "core")}});
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Stack", "core")}})),
            "kept namespaces/team Namespace\n");
  source_.prune_namespaces = true;
  const std::string inside = std::string(kHead) + "Agent\nmetadata: {name: a, namespace: team}\n";
  EXPECT_EQ(Shown(Plan({{"a.yaml", inside}})),
            "+agents.midwatch.dev/team/a\n-stacks.midwatch.dev/core\nkept namespaces/team "
            "NamespaceInUse\n");
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Stack", "core")}})), "-namespaces/team\n");
}

TEST_F(SyncTest, AdoptedObjectsArePrunedOnRequestAlone) {
  Make(Declare("Agent", "a"));
  source_.adopt = true;
  Sync({{"a.yaml", Declare("Agent", "a") + "---\n" + Declare("Stack", "core")}});
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Stack", "core")}})),
            "kept agents.midwatch.dev/midwatch/a Adopted\n");
  source_.prune_adopted = true;
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Stack", "core")}})),
            "-agents.midwatch.dev/midwatch/a\n");
}

TEST_F(SyncTest, ACopiedLabelDoesNotMakeAnObjectOurs) {
  Sync({{"a.yaml", Declare("Stack", "core")}});
  Make(Declare("Agent", "a", ""));
  Live(kAgent)["metadata"]["labels"].Set("midwatch.dev/source", SourceLabel(source_.identity));
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Stack", "core")}})), "");
  EXPECT_TRUE(live_.contains(kAgent));
}

TEST_F(SyncTest, AnObjectThatIsBeingDeletedIsWaitedFor) {
  const std::map<std::string, std::string> files = {
      {"a.yaml", Declare("Agent", "a") + "---\n" + Declare("Stack", "core")}};
  Sync(files);
  Live(kAgent)["metadata"].Set("deletionTimestamp", "2026-11-21T06:57:00Z");
  Touch(kAgent);
  EXPECT_EQ(Shown(Sync(files)), "waiting agents.midwatch.dev/midwatch/a\n");
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Stack", "core")}})), "") << "pruned once";
}

TEST_F(SyncTest, AtomicWritesNothingOfARevisionWithAnError) {
  Sync({{"a.yaml", Declare("Agent", "a")}, {"b.yaml", Declare("Stack", "core")}});
  const SyncPlan plan = Sync({{"a.yaml", Declare("Agent", "a", "spec: {nonsense: 1}\n")},
                              {"c.yaml", Declare("Module", "db")}});
  EXPECT_TRUE(plan.refused);
  EXPECT_TRUE(plan.steps.empty());
  EXPECT_EQ(plan.created + plan.updated + plan.pruned, 0U);
  EXPECT_EQ(live_.size(), 2U);
}

TEST_F(SyncTest, SkipInvalidAppliesTheRestAndKeepsTheLastGoodState) {
  source_.skip_invalid = true;
  Sync({{"a.yaml", Declare("Agent", "a")}, {"b.yaml", Declare("Stack", "core")}});
  EXPECT_EQ(Shown(Sync({{"a.yaml", Declare("Agent", "a", "spec: {nonsense: 1}\n")},
                        {"c.yaml", Declare("Module", "db")}})),
            "+modules.midwatch.dev/midwatch/db\n-stacks.midwatch.dev/core\n"
            "kept agents.midwatch.dev/midwatch/a Invalid\n"
            "a.yaml:4:8: UnknownField: spec.nonsense: unknown field\n");
}

TEST_F(SyncTest, NothingIsPrunedWhileADeclarationCannotBeTold) {
  source_.skip_invalid = true;
  Sync({{"a.yaml", Declare("Agent", "a")}, {"b.yaml", Declare("Stack", "core")}});
  EXPECT_EQ(Shown(Sync({{"a.yaml", "kind: [\n"}, {"b.yaml", Declare("Stack", "core")}})),
            "kept agents.midwatch.dev/midwatch/a Incomplete\n"
            "a.yaml:2:1: SyntaxError: expected \",\" or \"]\"\n");
}

TEST_F(SyncTest, AnOwnershipErrorHoldsBackTheWholeOfAnAtomicRevision) {
  Make(Declare("Agent", "a"));
  const std::map<std::string, std::string> files = {
      {"a.yaml", Declare("Agent", "a") + "---\n" + Declare("Stack", "core")}};
  EXPECT_TRUE(Sync(files).refused);
  source_.skip_invalid = true;
  EXPECT_EQ(Sync(files).created, 1U);
}

TEST_F(SyncTest, AFieldThatMayNotChangeIsAnErrorOfTheRevision) {
  const auto job = [](const std::string& id) {
    return Declare("ModuleJob", "j", "spec: {moduleRef: {name: db}, jobID: " + id + "}\n");
  };
  Sync({{"j.yaml", job("one")}});
  EXPECT_EQ(Shown(Sync({{"j.yaml", job("two")}})),
            "j.yaml:1:1: InvalidField: spec.jobID: jobID is immutable\nrefused\n");
}

TEST_F(SyncTest, MarksInAManifestDoNotCount) {
  Sync({{"a.yaml", std::string(kHead) +
                       "Agent\nmetadata: {name: a, labels: {midwatch.dev/source: forged}, "
                       "annotations: {midwatch.dev/source-identity: forged}}\n"}});
  EXPECT_EQ(Live(kAgent).At("metadata", "labels", "midwatch.dev/source").AsString(),
            SourceLabel(source_.identity));
}

struct OwnershipCase {
  std::string_view name;
  std::string_view label;
  std::string_view identity;
  Ownership want;
};

TEST(OwnershipTest, LabelAndAnnotationMustNotDisagree) {
  const SyncSource source = Source();
  const std::string ours = SourceLabel(source.identity);
  const std::array<OwnershipCase, 7> cases = {{
      {"Neither", "", "", Ownership::kNobody},
      {"Both", ours, source.identity, Ownership::kOurs},
      {"LabelAlone", ours, "", Ownership::kOurs},
      {"AnnotationAlone", "", source.identity, Ownership::kOurs},
      {"OtherLabel", "other", "", Ownership::kOther},
      {"OtherAnnotation", ours, "gitsources.midwatch.dev/x/y", Ownership::kOther},
      {"OtherLabelOurAnnotation", "other", source.identity, Ownership::kOther},
  }};
  for (const OwnershipCase& c : cases) {
    ObjectMeta meta;
    if (!c.label.empty()) {
      meta.labels.emplace(source.marks.source_label, c.label);
    }
    if (!c.identity.empty()) {
      meta.annotations.emplace(source.marks.identity_annotation, c.identity);
    }
    EXPECT_EQ(OwnershipOf(source, ours, meta), c.want) << c.name;
  }
}

TEST(SourceLabelTest, FitsALabelAndTellsSourcesApart) {
  EXPECT_EQ(SourceLabel("a").size(), 32U);
  EXPECT_NE(SourceLabel("a"), SourceLabel("b"));
}

}  // namespace
}  // namespace midwatch::manifest
