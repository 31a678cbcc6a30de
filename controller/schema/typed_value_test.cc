#include "controller/schema/typed_value.h"

#include <gtest/gtest.h>

#include "controller/schema/widget_schema.h"

namespace midwatch::schema {
namespace {

const SchemaNode& Root() { return WidgetSchema().root(); }

Json Spec(const std::string& spec) { return ParsedJsonOf(R"({"spec":)" + spec + "}"); }

struct FieldsCase {
  const char* name;
  const char* spec;
  const char* want;  ///< Below f:spec.
};

class FieldsOfTest : public testing::TestWithParam<FieldsCase> {};

TEST_P(FieldsOfTest, ClaimsLeavesAndItems) {
  EXPECT_EQ(FieldsOf(Root(), Spec(GetParam().spec)).ToJson().At("f:spec").Dump(), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Widgets, FieldsOfTest,
    testing::Values(
        FieldsCase{"Scalars", R"({"color":"red","replicas":2})",
                   R"({"f:color":{},"f:replicas":{}})"},
        FieldsCase{"AtomicList", R"({"args":["x","y"]})", R"({"f:args":{}})"},
        FieldsCase{"Set", R"({"tags":["a","b"]})", R"({"f:tags":{"v:\"a\"":{},"v:\"b\"":{}}})"},
        FieldsCase{"EmptySetIsNotClaimed", R"({"tags":[],"color":"red"})", R"({"f:color":{}})"},
        FieldsCase{"MapList", R"({"ports":[{"name":"http","number":80}]})",
                   R"({"f:ports":{"k:{\"name\":\"http\"}":{".":{},"f:name":{},"f:number":{}}}})"},
        FieldsCase{"AtomicMap", R"({"atomicMap":{"a":"1"}})", R"({"f:atomicMap":{}})"},
        FieldsCase{"GranularMap", R"({"labelsMap":{"a":"1"}})", R"({"f:labelsMap":{"f:a":{}}})"},
        FieldsCase{"EmptyMap", R"({"labelsMap":{}})", R"({"f:labelsMap":{}})"},
        FieldsCase{"Null", R"({"nested":null})", R"({"f:nested":{}})"},
        FieldsCase{"OpenMapsBelongByField", R"({"raw":{"x":{"y":[1]}}})",
                   R"({"f:raw":{"f:x":{".":{},"f:y":{}}}})"}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct CompareCase {
  const char* name;
  const char* before;
  const char* after;
  const char* added;
  const char* modified;
  const char* removed;
};

class CompareTest : public testing::TestWithParam<CompareCase> {};

TEST_P(CompareTest, FindsWhatChanged) {
  const CompareCase& c = GetParam();
  const Comparison found = Compare(Root(), ParsedJsonOf(c.before), ParsedJsonOf(c.after));
  EXPECT_EQ(found.added.ToJson().Dump(), c.added);
  EXPECT_EQ(found.modified.ToJson().Dump(), c.modified);
  EXPECT_EQ(found.removed.ToJson().Dump(), c.removed);
}

INSTANTIATE_TEST_SUITE_P(
    Widgets, CompareTest,
    testing::Values(
        CompareCase{"Nothing", R"({"spec":{"color":"red"}})", R"({"spec":{"color":"red"}})", "{}",
                    "{}", "{}"},
        CompareCase{"WholeSpec", "{}", R"({"spec":{"color":"red","tags":["a"]}})",
                    R"({"f:spec":{".":{},"f:color":{},"f:tags":{".":{},"v:\"a\"":{}}}})", "{}",
                    "{}"},
        CompareCase{"Modified", R"({"spec":{"color":"red","size":1}})",
                    R"({"spec":{"color":"blue","size":1}})", "{}", R"({"f:spec":{"f:color":{}}})",
                    "{}"},
        CompareCase{"Removed", R"({"spec":{"color":"red","labelsMap":{"a":"1"}}})",
                    R"({"spec":{"color":"red"}})", "{}", "{}",
                    R"({"f:spec":{"f:labelsMap":{".":{},"f:a":{}}}})"},
        CompareCase{"Items", R"({"spec":{"ports":[{"name":"a","number":1},{"name":"b"}]}})",
                    R"({"spec":{"ports":[{"name":"c"},{"name":"a","number":2}]}})",
                    R"({"f:spec":{"f:ports":{"k:{\"name\":\"c\"}":{".":{},"f:name":{}}}}})",
                    R"({"f:spec":{"f:ports":{"k:{\"name\":\"a\"}":{"f:number":{}}}}})",
                    R"({"f:spec":{"f:ports":{"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}}})"},
        CompareCase{"AtomicList", R"({"spec":{"args":["x"]}})", R"({"spec":{"args":["x","y"]}})",
                    "{}", R"({"f:spec":{"f:args":{}}})", "{}"},
        CompareCase{"EmptyMapAdded", R"({"spec":{}})", R"({"spec":{"labelsMap":{}}})",
                    R"({"f:spec":{"f:labelsMap":{}}})", "{}", "{}"},
        CompareCase{"ShapeChanged", R"({"spec":{"raw":{"x":1}}})",
                    R"({"spec":{"raw":{"x":{"y":1}}}})", "{}", R"({"f:spec":{"f:raw":{"f:x":{}}}})",
                    "{}"}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct MergeCase {
  const char* name;
  const char* live;
  const char* applied;
  const char* want;
};

class MergeTest : public testing::TestWithParam<MergeCase> {};

TEST_P(MergeTest, KeepsWhatIsNotApplied) {
  const MergeCase& c = GetParam();
  EXPECT_EQ(Merge(Root(), Spec(c.live), Spec(c.applied)).At("spec").Dump(),
            ParsedJsonOf(c.want).Dump());
}

INSTANTIATE_TEST_SUITE_P(
    Widgets, MergeTest,
    testing::Values(
        MergeCase{"Scalars", R"({"color":"red","size":1})", R"({"color":"blue"})",
                  R"({"color":"blue","size":1})"},
        MergeCase{"AtomicList", R"({"args":["a","b"]})", R"({"args":["c"]})", R"({"args":["c"]})"},
        MergeCase{"AtomicMap", R"({"atomicMap":{"a":"1"}})", R"({"atomicMap":{"b":"1"}})",
                  R"({"atomicMap":{"b":"1"}})"},
        MergeCase{"GranularMap", R"({"labelsMap":{"a":"1"}})", R"({"labelsMap":{"b":"1"}})",
                  R"({"labelsMap":{"a":"1","b":"1"}})"},
        MergeCase{"ItemsAreAppended", R"({"tags":["a","b"]})", R"({"tags":["x"]})",
                  R"({"tags":["a","b","x"]})"},
        MergeCase{"ItemsAreMerged", R"({"ports":[{"name":"a","number":1},{"name":"b"}]})",
                  R"({"ports":[{"name":"a","protocol":"UDP"}]})",
                  R"({"ports":[{"name":"a","number":1,"protocol":"UDP"},{"name":"b"}]})"},
        MergeCase{"NewBeforeShared", R"({"tags":["a","b"]})", R"({"tags":["x","b"]})",
                  R"({"tags":["a","x","b"]})"},
        MergeCase{"AppliedDecidesTheOrder", R"({"tags":["a","b","c"]})",
                  R"({"tags":["c","x","a"]})", R"({"tags":["b","c","x","a"]})"},
        MergeCase{"SameOrderStays", R"({"tags":["a","b","c"]})", R"({"tags":["a","c"]})",
                  R"({"tags":["a","b","c"]})"},
        MergeCase{"NullReplaces", R"({"nested":{"a":"x"}})", R"({"nested":null})",
                  R"({"nested":null})"}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct RemoveCase {
  const char* name;
  const char* fields;  ///< Below f:spec.
  const char* want;
};

class RemoveFieldsTest : public testing::TestWithParam<RemoveCase> {};

TEST_P(RemoveFieldsTest, LeavesTheRest) {
  const auto fields =
      FieldSet::FromJson(ParsedJsonOf(std::string(R"({"f:spec":)") + GetParam().fields + "}"));
  const Json value = Spec(R"({"color":"red","tags":["a","b"],"labelsMap":{"a":"1"},
                              "ports":[{"name":"x","number":1},{"name":"y"}]})");
  EXPECT_EQ(RemoveFields(Root(), value, *fields).At("spec").Dump(),
            ParsedJsonOf(GetParam().want).Dump());
}

INSTANTIATE_TEST_SUITE_P(
    Widgets, RemoveFieldsTest,
    testing::Values(
        RemoveCase{
            "Scalar", R"({"f:color":{}})",
            R"({"tags":["a","b"],"labelsMap":{"a":"1"},"ports":[{"name":"x","number":1},{"name":"y"}]})"},
        RemoveCase{
            "SetItem", R"({"f:tags":{"v:\"a\"":{}}})",
            R"({"color":"red","tags":["b"],"labelsMap":{"a":"1"},"ports":[{"name":"x","number":1},{"name":"y"}]})"},
        RemoveCase{
            "MapItemAndField",
            R"({"f:ports":{"k:{\"name\":\"x\"}":{"f:number":{}},"k:{\"name\":\"y\"}":{}}})",
            R"({"color":"red","tags":["a","b"],"labelsMap":{"a":"1"},"ports":[{"name":"x"}]})"},
        RemoveCase{
            "EmptiedMapGoes", R"({"f:labelsMap":{"f:a":{}}})",
            R"({"color":"red","tags":["a","b"],"ports":[{"name":"x","number":1},{"name":"y"}]})"}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct TypedCase {
  const char* name;
  const char* spec;
  const char* want;
};

class CheckTypedTest : public testing::TestWithParam<TypedCase> {};

TEST_P(CheckTypedTest, NamesTheFirstMisfit) {
  const auto fits = CheckTyped(Root(), Spec(GetParam().spec));
  EXPECT_EQ(fits ? "" : fits.error().message, GetParam().want);
}

// The wordings of raw-ssa.txt, requests 16 to 21.
INSTANTIATE_TEST_SUITE_P(
    Recorded, CheckTypedTest,
    testing::Values(
        TypedCase{"Fits",
                  R"({"color":"red","raw":{"x":[{}]},"port":"a","nested":null,"replicas":1.5})",
                  ""},
        TypedCase{"DuplicateKey", R"({"ports":[{"name":"z"},{"name":"z"}]})",
                  ".spec.ports: duplicate entries for key [name=\"z\"]"},
        TypedCase{"DuplicateItem", R"({"tags":["z","z"]})",
                  ".spec.tags: duplicate entries for key [=\"z\"]"},
        TypedCase{"NoKey", R"({"ports":[{"number":1}]})",
                  ".spec.ports: element 0: associative list with keys has an element that omits "
                  "key field "
                  "\"name\" (and doesn't have default value)"},
        TypedCase{"NotDeclared", R"({"nope":1})", ".spec.nope: field not declared in schema"},
        TypedCase{"NotNumeric", R"({"replicas":"x"})",
                  ".spec.replicas: expected numeric (int or float), got string"},
        TypedCase{"InsideItem", R"({"ports":[{"name":"a","x":1}]})",
                  ".spec.ports[name=\"a\"].x: field not declared in schema"},
        TypedCase{"NotAList", R"({"args":"x"})", ".spec.args: expected list, got string"},
        TypedCase{"NotAMap", R"({"labelsMap":["x"]})", ".spec.labelsMap: expected map, got array"}),
    [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace midwatch::schema
