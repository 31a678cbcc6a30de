#include "controller/schema/field_set.h"

#include <gtest/gtest.h>

#include "controller/schema/widget_schema.h"

namespace midwatch::schema {
namespace {

FieldSet Set(const char* fields) {
  auto set = FieldSet::FromJson(ParsedJsonOf(fields));
  EXPECT_TRUE(set) << fields;
  return set ? *set : FieldSet();
}

constexpr const char* kPorts =
    R"({"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{".":{},"f:ports":{".":{},)"
    R"("k:{\"name\":\"http\",\"port\":80}":{".":{},"f:number":{}}},"f:tags":{"v:\"a\"":{}},"i:3":{}}})";

TEST(FieldSetTest, GoesThroughFieldsV1) {
  EXPECT_EQ(Set(kPorts).ToJson().Dump(), kPorts);
  EXPECT_EQ(Set("{}").ToJson().Dump(), "{}");
  EXPECT_TRUE(Set("{}").Empty());
}

TEST(FieldSetTest, ShowsPathsAsMessagesDo) {
  EXPECT_EQ(
      Set(kPorts).ToStrings(),
      (std::vector<std::string>{
          ".metadata.labels.app", ".spec", ".spec.ports", ".spec.ports[name=\"http\",port=80]",
          ".spec.ports[name=\"http\",port=80].number", ".spec.tags[=\"a\"]", ".spec[3]"}));
}

TEST(FieldSetTest, KeysHaveOneSpelling) {
  EXPECT_EQ(Set(R"({"k:{\"b\": 1, \"a\": 2}":{}})"), Set(R"({"k:{\"a\":2,\"b\":1}":{}})"));
}

TEST(FieldSetTest, ManyPathsInAnyOrderCostNothing) {
  Json fields = Json::EmptyObject();
  Json others = Json::EmptyObject();
  constexpr int kEach = 50'000;
  for (int i = 0; i < 2 * kEach; ++i) {  // The escaped ones come first but mean more.
    const std::string prefix = i < kEach ? "v:\"\\u007a" : "v:\"a";
    const std::string number = std::to_string(1'000'000 + i);
    fields.Set(prefix + number + "\"", Json::EmptyObject());
    others.Set("i:" + number, Json::EmptyObject());
  }
  auto set = FieldSet::FromJson(fields);
  ASSERT_TRUE(set);
  set->Add(*FieldSet::FromJson(others));
  EXPECT_EQ(set->members().size(), 200'000U);
}

TEST(FieldSetTest, RefusesOtherElements) {
  for (const char* bad : {R"({"x:a":{}})", R"({"f":{}})", R"({"k:[1]":{}})", R"({"v:{":{}})"}) {
    const auto set = FieldSet::FromJson(ParsedJsonOf(bad));
    ASSERT_FALSE(set) << bad;
    EXPECT_EQ(set.error().code, ErrorCode::kInvalid);
  }
}

struct SetCase {
  const char* name;
  const char* a;
  const char* b;
  const char* union_set;
  const char* intersection;
  const char* difference;
  const char* recursive;
};

class FieldSetAlgebraTest : public testing::TestWithParam<SetCase> {};

TEST_P(FieldSetAlgebraTest, CombinesTrees) {
  const SetCase& c = GetParam();
  const FieldSet a = Set(c.a);
  const FieldSet b = Set(c.b);
  FieldSet both = a;
  both.Add(b);
  EXPECT_EQ(both, Set(c.union_set));
  both = b;
  both.Add(a);
  EXPECT_EQ(both, Set(c.union_set));
  EXPECT_TRUE(both.Contains(a));
  EXPECT_EQ(a.Contains(both), a == both);
  EXPECT_EQ(a.Intersection(b), Set(c.intersection));
  EXPECT_EQ(a.Difference(b), Set(c.difference));
  FieldSet without_trees = a;
  without_trees.SubtractTrees(b);
  EXPECT_EQ(without_trees, Set(c.recursive));
}

INSTANTIATE_TEST_SUITE_P(
    Sets, FieldSetAlgebraTest,
    testing::Values(SetCase{"Disjoint", R"({"f:a":{}})", R"({"f:b":{}})", R"({"f:a":{},"f:b":{}})",
                            "{}", R"({"f:a":{}})", R"({"f:a":{}})"},
                    SetCase{"Same", R"({"f:a":{"f:b":{}}})", R"({"f:a":{"f:b":{}}})",
                            R"({"f:a":{"f:b":{}}})", R"({"f:a":{"f:b":{}}})", "{}", "{}"},
                    SetCase{"ParentIsAMemberOnItsOwn", R"({"f:a":{".":{},"f:b":{}}})",
                            R"({"f:a":{}})", R"({"f:a":{".":{},"f:b":{}}})", R"({"f:a":{}})",
                            R"({"f:a":{"f:b":{}}})", "{}"},
                    SetCase{"Below", R"({"f:a":{"f:b":{},"f:c":{}}})",
                            R"({"f:a":{"f:c":{},"f:d":{}}})",
                            R"({"f:a":{"f:b":{},"f:c":{},"f:d":{}}})", R"({"f:a":{"f:c":{}}})",
                            R"({"f:a":{"f:b":{}}})", R"({"f:a":{"f:b":{}}})"},
                    SetCase{"Nothing", R"({"f:a":{}})", "{}", R"({"f:a":{}})", "{}",
                            R"({"f:a":{}})", R"({"f:a":{}})"}),
    [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace midwatch::schema
