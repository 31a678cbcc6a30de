#include "controller/schema/field_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "controller/object/patch.h"
#include "controller/schema/widget_schema.h"

namespace midwatch::schema {
namespace {

constexpr const char* kVersion = "demo.example.io/v1";
constexpr const char* kM1Spec =
    R"({"color":"red","replicas":2,"tags":["a"],"ports":[{"name":"http","number":80}],"args":["x"],)"
    R"("labelsMap":{"a":"1"},"atomicMap":{"a":"1"}})";
constexpr const char* kM1Fields =
    R"("f:args":{},"f:atomicMap":{},"f:color":{},"f:labelsMap":{"f:a":{}},)"
    R"("f:ports":{"k:{\"name\":\"http\"}":{".":{},"f:name":{},"f:number":{}}},)";

/// One stored Widget and writes to it, as an API server does them.
class FieldManagerTest : public testing::Test {
 protected:
  /// Applies; gives the error's message or nothing.
  std::string Apply(const std::string& manager, const std::string& body, bool force = false,
                    const std::string& subresource = "") {
    auto result = ApplyConfiguration(WidgetSchema(), live(), ParsedJsonOf(body),
                                     Writer(manager, subresource), force);
    if (!result) {
      error_ = result.error();
      return result.error().message;
    }
    Store(*std::move(result));
    return "";
  }
  std::string ApplySpec(const std::string& manager, const std::string& spec, bool force = false) {
    return Apply(manager, Body(R"("spec":)" + spec), force);
  }
  void Update(const std::string& manager, Json updated, const std::string& subresource = "") {
    WidgetSchema().ApplyDefaults(updated);
    TrackUpdate(WidgetSchema(), live(), updated, Writer(manager, subresource));
    Store(std::move(updated));
  }
  /// A merge patch of the stored Widget.
  void Patch(const std::string& manager, const std::string& field, const Json& value) {
    Json updated = *stored_;
    updated["spec"].Set(field, value);
    Update(manager, std::move(updated));
  }

  static std::string Body(const std::string& rest) {
    return R"({"apiVersion":"demo.example.io/v1","kind":"Widget","metadata":{"name":"s"},)" + rest +
           "}";
  }
  const Json* live() const { return stored_ ? &*stored_ : nullptr; }
  const Json& Spec() const { return stored_->At("spec"); }
  /// `manager operation fieldsV1` of every entry, with `@status` where it has a subresource.
  std::vector<std::string> Owners() const {
    std::vector<std::string> out;
    for (const Json& entry : stored_->At("metadata", "managedFields").Items()) {
      const std::string& subresource = entry.At("subresource").AsString();
      out.push_back(entry.At("manager").AsString() +
                    (subresource.empty() ? "" : "@" + subresource) + " " +
                    entry.At("operation").AsString() + " " + entry.At("fieldsV1").Dump());
    }
    return out;
  }
  const Json& EntryOf(std::string_view manager) const {
    for (const Json& entry : stored_->At("metadata", "managedFields").Items()) {
      if (entry.At("manager").AsString() == manager) {
        return entry;
      }
    }
    return stored_->At("nothing");
  }

  FieldWriter Writer(const std::string& manager, const std::string& subresource) {
    seconds_ += 1;
    return {.manager = manager,
            .api_version = kVersion,
            .subresource = subresource,
            .has_status_subresource = true,
            .now = WallTime{seconds_ * 1'000'000}};
  }
  void Store(Json object) {
    WidgetSchema().Prune(object);
    WidgetSchema().ApplyDefaults(object);
    changed_ = !stored_ || !SameForStorage(*stored_, object);
    object["metadata"].Set("uid", "u");
    stored_ = std::move(object);
  }

  std::optional<Json> stored_;
  bool changed_ = false;
  Error error_;
  std::int64_t seconds_ = 0;
};

// The session of raw-ssa.txt; the numbers are those of its requests.

TEST_F(FieldManagerTest, R03CreatesAndOwnsWhatWasApplied) {
  EXPECT_EQ(ApplySpec("m1", kM1Spec), "");
  EXPECT_EQ(Owners(), (std::vector<std::string>{std::string(R"(m1 Apply {"f:spec":{)") + kM1Fields +
                                                R"("f:replicas":{},"f:tags":{"v:\"a\"":{}}}})"}));
  EXPECT_EQ(Spec().At("ports").Dump(), R"([{"name":"http","number":80,"protocol":"TCP"}])");
  EXPECT_EQ(Spec().At("size"), Json(10)) << "defaulted, and nobody's";
  EXPECT_EQ(EntryOf("m1").At("time").AsString(), "1970-01-01T00:00:01Z");
  EXPECT_EQ(EntryOf("m1").At("fieldsType").AsString(), "FieldsV1");
}

TEST_F(FieldManagerTest, R04ApplyingAgainChangesNothing) {
  ApplySpec("m1", kM1Spec);
  const Json before = *stored_;
  EXPECT_EQ(ApplySpec("m1", kM1Spec), "");
  EXPECT_EQ(*stored_, before) << "not even a time";
  EXPECT_FALSE(changed_);
}

TEST_F(FieldManagerTest, R05AnotherValueIsAConflict) {
  ApplySpec("m1", kM1Spec);
  EXPECT_EQ(ApplySpec("m2", R"({"color":"red","replicas":3})"),
            "Apply failed with 1 conflict: conflict with \"m1\": .spec.replicas");
  EXPECT_EQ(error_.code, ErrorCode::kConflict);
  EXPECT_EQ(error_.details,
            R"({"causes":[{"field":".spec.replicas","message":"conflict with \"m1\"",)"
            R"("reason":"FieldManagerConflict"}]})");
}

TEST_F(FieldManagerTest, R06TheSameValueIsShared) {
  ApplySpec("m1", kM1Spec);
  EXPECT_EQ(ApplySpec("m2", R"({"color":"red","replicas":2})"), "");
  EXPECT_TRUE(changed_);
  ASSERT_EQ(Owners().size(), 2U);
  EXPECT_EQ(Owners()[0], R"(m2 Apply {"f:spec":{"f:color":{},"f:replicas":{}}})");
  EXPECT_TRUE(EntryOf("m2").At("time").IsNull()) << "the object itself did not change";
}

TEST_F(FieldManagerTest, R07ForceTakesOver) {
  ApplySpec("m1", kM1Spec);
  ApplySpec("m2", R"({"color":"red","replicas":2})");
  EXPECT_EQ(ApplySpec("m2", R"({"color":"red","replicas":3})", true), "");
  EXPECT_EQ(Owners(),
            (std::vector<std::string>{
                std::string(R"(m1 Apply {"f:spec":{)") + kM1Fields + R"("f:tags":{"v:\"a\"":{}}}})",
                R"(m2 Apply {"f:spec":{"f:color":{},"f:replicas":{}}})"}));
  // R08: the loser's next apply conflicts in turn.
  EXPECT_EQ(ApplySpec("m1", kM1Spec),
            "Apply failed with 1 conflict: conflict with \"m2\": .spec.replicas");
}

TEST_F(FieldManagerTest, R09ItemsOfSeveralManagersMerge) {
  ApplySpec("m1", kM1Spec);
  EXPECT_EQ(ApplySpec("m3", R"({"color":"red","ports":[{"name":"https","number":443}],"tags":["b"],
                               "labelsMap":{"b":"2"}})"),
            "");
  EXPECT_EQ(Spec().At("ports").Dump(), R"([{"name":"http","number":80,"protocol":"TCP"},)"
                                       R"({"name":"https","number":443,"protocol":"TCP"}])");
  EXPECT_EQ(Spec().At("tags").Dump(), R"(["a","b"])");
  EXPECT_EQ(Spec().At("labelsMap").Dump(), R"({"a":"1","b":"2"})");
  // R12: what is left out goes, what another owns stays.
  EXPECT_EQ(ApplySpec("m3", R"({"color":"red","labelsMap":{"b":"2"}})"), "");
  EXPECT_EQ(Spec().At("ports").Dump(), R"([{"name":"http","number":80,"protocol":"TCP"}])");
  EXPECT_EQ(Spec().At("tags").Dump(), R"(["a"])");
  EXPECT_EQ(Spec().At("labelsMap").Dump(), R"({"a":"1","b":"2"})");
  EXPECT_EQ(Owners()[1], R"(m3 Apply {"f:spec":{"f:color":{},"f:labelsMap":{"f:b":{}}}})");
}

TEST_F(FieldManagerTest, R10R11AtomicFieldsHaveOneOwner) {
  ApplySpec("m1", kM1Spec);
  EXPECT_EQ(ApplySpec("m3", R"({"color":"red","args":["y"]})"),
            "Apply failed with 1 conflict: conflict with \"m1\": .spec.args");
  EXPECT_EQ(ApplySpec("m3", R"({"color":"red","atomicMap":{"b":"1"}})"),
            "Apply failed with 1 conflict: conflict with \"m1\": .spec.atomicMap");
}

TEST_F(FieldManagerTest, R13ConflictsNameTheItem) {
  ApplySpec("m1", kM1Spec);
  EXPECT_EQ(
      ApplySpec("m3", R"({"color":"red","ports":[{"name":"http","number":81}]})"),
      "Apply failed with 1 conflict: conflict with \"m1\": .spec.ports[name=\"http\"].number");
}

TEST_F(FieldManagerTest, R14R15ApplyingNothingGivesEverythingUp) {
  ApplySpec("m1", kM1Spec);
  EXPECT_EQ(ApplySpec("m3", R"({"note":"hi"})"), "");
  EXPECT_EQ(Spec().At("note"), Json("hi"));
  EXPECT_EQ(Apply("m3", Body(R"("kind":"Widget")")), "");
  EXPECT_TRUE(Spec().At("note").IsNull());
  EXPECT_EQ(Spec().At("replicas"), Json(2));
  EXPECT_EQ(Owners().size(), 1U);
}

TEST_F(FieldManagerTest, R16WhatDoesNotFitTheSchemaIsRefused) {
  EXPECT_EQ(
      Apply("m4", R"({"apiVersion":"demo.example.io/v1","kind":"Widget","metadata":{"name":"s"},
                            "spec":{"color":"red","ports":[{"name":"z"},{"name":"z"}]}})"),
      "failed to create typed patch object (/s; demo.example.io/v1, Kind=Widget): .spec.ports: "
      "duplicate entries for key [name=\"z\"]");
  EXPECT_EQ(error_.code, ErrorCode::kBadRequest);
}

TEST_F(FieldManagerTest, R22ManagedFieldsMayNotBeApplied) {
  EXPECT_EQ(Apply("m4", R"({"metadata":{"name":"s","managedFields":[{"manager":"x"}]}})"),
            "metadata.managedFields must be nil");
  EXPECT_EQ(error_.code, ErrorCode::kBadRequest);
}

TEST_F(FieldManagerTest, R28TheNameMayBeLeftOut) {
  ApplySpec("m4", R"({"color":"red"})");
  stored_->FindMutable("metadata")->Set("finalizers", Json::ArrayOf({"x/y"}));
  EXPECT_EQ(
      Apply("m4", R"({"apiVersion":"demo.example.io/v1","kind":"Widget","spec":{"color":"red"}})"),
      "");
  EXPECT_EQ(stored_->At("metadata", "name"), Json("s"));
  EXPECT_EQ(stored_->At("metadata", "finalizers").Dump(), R"(["x/y"])");
}

TEST_F(FieldManagerTest, R30StatusHasItsOwnOwners) {
  ApplySpec("m4", R"({"color":"red"})");
  EXPECT_EQ(Apply("st", Body(R"("spec":{"color":"blue"},"status":{"replicas":4,
                                 "conditions":[{"type":"Ready","status":"True"}]})"),
                  true, "status"),
            "");
  EXPECT_EQ(Apply("st2", Body(R"("status":{"conditions":[{"type":"Synced","status":"False"}]})"),
                  false, "status"),
            "");
  EXPECT_EQ(stored_->At("status", "conditions").Dump(),
            R"([{"status":"True","type":"Ready"},{"status":"False","type":"Synced"}])");
  EXPECT_EQ(Spec().At("color"), Json("red")) << "spec is not written through status";
  EXPECT_EQ(Owners()[1],
            R"(st@status Apply {"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},)"
            R"("f:status":{},"f:type":{}}},"f:replicas":{}}})");
  // R32: status on the main path is dropped.
  EXPECT_EQ(Apply("st3", Body(R"("status":{"replicas":5})")), "");
  EXPECT_EQ(stored_->At("status", "replicas"), Json(4));
  EXPECT_EQ(EntryOf("st3"), Json());
}

TEST_F(FieldManagerTest, R33R34UpdatesOwnWhatTheyChange) {
  ApplySpec("m1", R"({"color":"red"})");
  Patch("cli", "note", "cli");
  EXPECT_EQ(Owners()[1], R"(cli Update {"f:spec":{"f:note":{}}})");
  EXPECT_EQ(
      ApplySpec("m9", R"({"color":"red","note":"m9"})"),
      "Apply failed with 1 conflict: conflict with \"cli\" using demo.example.io/v1: .spec.note");
  // R35: force takes it, and the entry that has nothing left disappears.
  EXPECT_EQ(ApplySpec("y1", R"({"color":"red","note":"yaml"})", true), "");
  EXPECT_EQ(EntryOf("cli"), Json());
}

TEST_F(FieldManagerTest, R36R37AResetForgetsTheOwners) {
  ApplySpec("m1", R"({"color":"red","note":"yaml","tags":["a"]})");
  Json updated = *stored_;
  updated["metadata"].Set("managedFields", Json::ArrayOf({Json::EmptyObject()}));
  Update("cli", updated);
  EXPECT_TRUE(stored_->At("metadata", "managedFields").IsNull());
  Patch("cli", "replicas", 7);
  EXPECT_TRUE(stored_->At("metadata", "managedFields").IsNull()) << "not tracked until an apply";
  EXPECT_EQ(ApplySpec("m9", R"({"color":"red","note":"m9"})"),
            "Apply failed with 1 conflict: conflict with \"before-first-apply\" using "
            "demo.example.io/v1: .spec.note");
  // R38
  EXPECT_EQ(ApplySpec("m10", R"({"color":"red","nested":null})"), "");
  EXPECT_EQ(Owners(), (std::vector<std::string>{
                          R"(m10 Apply {"f:spec":{"f:color":{},"f:nested":{}}})",
                          R"(before-first-apply Update {"f:spec":{".":{},"f:color":{},"f:note":{},)"
                          R"("f:replicas":{},"f:size":{},"f:tags":{".":{},"v:\"a\"":{}}}})"}));
  EXPECT_TRUE(Spec().Find("nested") != nullptr && Spec().At("nested").IsNull());
}

// Writes that are no apply (kubectl-*.txt).

TEST_F(FieldManagerTest, ACreateOwnsContainersAndDefaults) {
  Update("kubectl-create", ParsedJsonOf(Body(R"("spec":{"color":"red","labelsMap":{"a":"1"}},
                                                "status":{"replicas":1})")));
  EXPECT_EQ(Owners(), (std::vector<std::string>{
                          R"(kubectl-create Update {"f:spec":{".":{},"f:color":{},)"
                          R"("f:labelsMap":{".":{},"f:a":{}},"f:replicas":{},"f:size":{}}})"}));
}

TEST_F(FieldManagerTest, AnUpdateTakesFieldsFromAppliers) {
  ApplySpec("m1", R"({"color":"red","tags":["a"]})");
  Patch("kubectl-edit", "color", "blue");
  EXPECT_EQ(Owners(),
            (std::vector<std::string>{R"(m1 Apply {"f:spec":{"f:tags":{"v:\"a\"":{}}}})",
                                      R"(kubectl-edit Update {"f:spec":{"f:color":{}}})"}));
}

TEST_F(FieldManagerTest, ARemovedFieldIsNobodys) {
  ApplySpec("m1", R"({"color":"red","note":"x"})");
  Json updated = *stored_;
  updated["spec"].Erase("note");
  Update("cli", updated);
  EXPECT_EQ(Owners(), (std::vector<std::string>{R"(m1 Apply {"f:spec":{"f:color":{}}})"}));
}

TEST_F(FieldManagerTest, AnUpdateThatChangesNothingKeepsEveryTime) {
  Update("cli", ParsedJsonOf(Body(R"("spec":{"color":"red"})")));
  const Json before = *stored_;
  Update("other", before);
  EXPECT_EQ(*stored_, before);
  EXPECT_FALSE(changed_);
}

TEST_F(FieldManagerTest, AClientThatForgetsManagedFieldsKeepsThem) {
  ApplySpec("m1", R"({"color":"red"})");
  Json updated = *stored_;
  updated["metadata"].Erase("managedFields");
  updated["spec"].Set("note", "n");
  Update("old-client", updated);
  EXPECT_EQ(Owners().size(), 2U);
}

TEST_F(FieldManagerTest, AnUpdateOfTheSameManagerGrowsItsEntry) {
  Update("cli", ParsedJsonOf(Body(R"("spec":{"color":"red"})")));
  Patch("cli", "note", "n");
  ASSERT_EQ(Owners().size(), 1U);
  EXPECT_EQ(EntryOf("cli").At("fieldsV1", "f:spec").Dump(),
            R"({".":{},"f:color":{},"f:note":{},"f:replicas":{},"f:size":{}})");
  EXPECT_EQ(EntryOf("cli").At("time").AsString(), "1970-01-01T00:00:02Z");
}

TEST_F(FieldManagerTest, StatusUpdatesHaveAnEntryOfTheirOwn) {
  Update("cli", ParsedJsonOf(Body(R"("spec":{"color":"red"})")));
  Json updated = *stored_;
  updated.Set("status", ParsedJsonOf(R"({"replicas":1})"));
  Update("cli", updated, "status");
  EXPECT_EQ(Owners()[1], R"(cli@status Update {"f:status":{".":{},"f:replicas":{}}})");
}

TEST_F(FieldManagerTest, WhatTheWriterOwnsAloneKeepsItsOwnersAndMovesItsTime) {
  Update("first", ParsedJsonOf(Body(R"("spec":{"color":"red","note":"n"})")));
  Patch("second", "note", "m");
  const std::vector<std::string> before = Owners();
  Patch("first", "color", "blue");
  EXPECT_THAT(Owners(), testing::ElementsAre(before[1], before[0])) << "the latest is last";
  EXPECT_EQ(EntryOf("first").At("time"), Json("1970-01-01T00:00:03Z"));
  EXPECT_EQ(EntryOf("second").At("time"), Json("1970-01-01T00:00:02Z"));
}

TEST_F(FieldManagerTest, WhatAnApplierOwnsTooIsTakenFromIt) {
  Update("cli", ParsedJsonOf(Body(R"("spec":{"color":"red"})")));
  EXPECT_EQ(ApplySpec("applier", R"({"color":"red"})"), "");
  EXPECT_FALSE(EntryOf("applier").IsNull());
  Patch("cli", "color", "blue");
  EXPECT_TRUE(EntryOf("applier").IsNull());
}

TEST_F(FieldManagerTest, WhetherEntriesAreSentBackChangesNothing) {
  ApplySpec("applier", R"({"color":"red","tags":["a"]})");
  Update("cli", *stored_);
  const std::pair<const char*, const char*> edits[] = {
      {"cli", R"({"note":"n"})"},
      {"cli", R"({"note":"m"})"},
      {"other", R"({"note":"o"})"},
      {"cli", R"({"note":"p"})"},
      {"cli", R"({"note":null})"},
      {"cli", R"({"color":"blue"})"},
      {"cli", R"({"tags":["a","b"]})"},
      {"other", R"({"tags":["b"]})"},
      {"cli", R"({"color":"red"})"},
      {"cli", R"({"labelsMap":{"a":"1"}})"},
      {"cli", R"({"labelsMap":{"a":"2"}})"},
      {"other", R"({"labelsMap":{"a":"2","b":"1"}})"},
      {"cli", R"({"labelsMap":{"b":"3"}})"}};
  for (const auto& [manager, patch] : edits) {
    Json with = *stored_;
    with["spec"] = ApplyMergePatch(with["spec"], ParsedJsonOf(patch));
    Json without = with;
    without["metadata"].Erase("managedFields");
    const FieldWriter writer = Writer(manager, "");
    TrackUpdate(WidgetSchema(), live(), with, writer);
    TrackUpdate(WidgetSchema(), live(), without, writer);
    EXPECT_EQ(with.Dump(), without.Dump()) << manager << " " << patch;
    Store(std::move(with));
  }
}

TEST_F(FieldManagerTest, SystemMetadataIsNotTracked) {
  Json created = ParsedJsonOf(Body(R"("spec":{"color":"red"})"));
  created["metadata"] = ParsedJsonOf(R"({"name":"s","namespace":"n","uid":"u","generation":1,
      "resourceVersion":"1","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"a":"b"}})");
  Update("cli", created);
  EXPECT_EQ(EntryOf("cli").At("fieldsV1", "f:metadata").Dump(),
            R"({"f:labels":{".":{},"f:a":{}}})");
}

TEST_F(FieldManagerTest, LabelsComeAndGoWithTheirAppliers) {
  Apply("m1", R"({"apiVersion":"demo.example.io/v1","kind":"Widget","metadata":{"name":"s",
                  "labels":{"a":"1","b":"2"}},"spec":{"color":"red"}})");
  Apply("m2", R"({"apiVersion":"demo.example.io/v1","kind":"Widget","metadata":{"name":"s",
                  "labels":{"b":"2"}}})");
  Apply("m1", Body(R"("spec":{"color":"red"})"));
  EXPECT_EQ(stored_->At("metadata", "labels").Dump(), R"({"b":"2"})");
  Apply("m2", Body(R"("kind":"Widget")"));
  EXPECT_TRUE(stored_->At("metadata", "labels").IsNull());
  EXPECT_EQ(stored_->At("metadata", "uid"), Json("u"));
}

TEST_F(FieldManagerTest, SeveralConflictsAreListedByManager) {
  ApplySpec("m1", R"({"color":"red","note":"x"})");
  ApplySpec("m2", R"({"replicas":2})");
  EXPECT_EQ(ApplySpec("m3", R"({"color":"blue","note":"y","replicas":3})"),
            "Apply failed with 3 conflicts: conflicts with \"m1\":\n- .spec.color\n- .spec.note\n"
            "conflicts with \"m2\":\n- .spec.replicas");
}

TEST_F(FieldManagerTest, OldUpdatersAreMergedPastTheLimit) {
  Update("creator", ParsedJsonOf(Body(R"("spec":{"color":"red"})")));
  for (std::size_t i = 1; i < kMaxUpdateManagers; ++i) {
    Patch("w" + std::to_string(i), "labelsMap", Json::Of({{"k", std::to_string(i)}}));
    Json labels = Spec().At("labelsMap");
    Json updated = *stored_;
    updated["metadata"]["labels"].Set("l" + std::to_string(i), "x");
    Update("w" + std::to_string(i), updated);
  }
  EXPECT_EQ(Owners().size(), kMaxUpdateManagers);
  Json updated = *stored_;
  updated["metadata"]["labels"].Set("last", "x");
  Update("newest", updated);
  EXPECT_EQ(Owners().size(), kMaxUpdateManagers);
  EXPECT_EQ(EntryOf("creator"), Json());
  EXPECT_EQ(EntryOf("w1"), Json());
  EXPECT_FALSE(EntryOf("ancient-changes").At("fieldsV1", "f:spec", "f:color").IsNull());
  EXPECT_FALSE(
      EntryOf("ancient-changes").At("fieldsV1", "f:metadata", "f:labels", "f:l1").IsNull());
}

TEST_F(FieldManagerTest, UnreadableManagedFieldsCountAsNone) {
  ApplySpec("m1", R"({"color":"red"})");
  stored_->FindMutable("metadata")
      ->Set("managedFields", ParsedJsonOf(R"([{"manager":"m","operation":"Odd"}])"));
  EXPECT_EQ(ApplySpec("m1", R"({"color":"red"})"), "");
  EXPECT_EQ(EntryOf("before-first-apply").At("operation"), Json("Update"));
}

TEST_F(FieldManagerTest, AnApplyThatChangesNothingGivesTheStoredObject) {
  Apply("m1", R"({"apiVersion":"demo.example.io/v1","kind":"Widget","metadata":{"name":"s",
                  "creationTimestamp":null,"labels":{"a":"b"}},
                  "spec":{"color":"red","tags":["a"]}})");
  stored_->FindMutable("metadata")->Set("creationTimestamp", "2026-01-01T00:00:00Z");
  stored_->FindMutable("metadata")->Set("resourceVersion", "7");
  const auto again = ApplyConfiguration(
      WidgetSchema(), live(), ParsedJsonOf(R"({"apiVersion":"demo.example.io/v1","kind":"Widget",
        "metadata":{"name":"s","creationTimestamp":null,"labels":{"a":"b"}},
        "spec":{"color":"red","tags":["a"]}})"),
      Writer("m1", ""), false);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->Dump(), stored_->Dump());
}

}  // namespace
}  // namespace midwatch::schema
