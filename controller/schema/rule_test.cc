#include "controller/schema/rule.h"

#include <gtest/gtest.h>

#include "controller/schema/widget_schema.h"

namespace midwatch::schema {
namespace {

constexpr const char* kSchema =
    R"({"type":"object","properties":{"spec":{"type":"object","properties":{
  "jobs":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["id"],
    "items":{
    "type":"object","required":["id"],
    "x-kubernetes-validations":[{"rule":"self.state == oldSelf.state || oldSelf.state == 'open'",
                                 "message":"a closed job stays closed","fieldPath":".state"}],
    "properties":{"id":{"type":"integer"},"state":{"type":"string"}}}},
  "loose":{"type":"array","items":{"type":"object","properties":{"n":{"type":"integer",
    "x-kubernetes-validations":[{"rule":"self == oldSelf"}]}}}},
  "limits":{"type":"object","additionalProperties":{"type":"integer",
    "x-kubernetes-validations":[{"rule":"self < 10",
                                 "messageExpression":"string(self) + ' is too high'"}]}},
  "secret":{"type":"string","x-kubernetes-validations":[
    {"rule":"self != 'x'","reason":"FieldValueForbidden","message":"not this one"}]},
  "twice":{"type":"string","x-kubernetes-validations":[
    {"rule":"self != 'x'","reason":"FieldValueDuplicate","message":"exists"}]},
  "broken":{"type":"object","x-kubernetes-preserve-unknown-fields":true,
    "x-kubernetes-validations":[{"rule":"self.missing == 1"}]},
  "unsaid":{"type":"string","x-kubernetes-validations":[{"rule":"self != 'x'"}]}}}}})";

struct RuleCase {
  const char* name;
  const char* spec;
  const char* old_spec;  ///< nullptr: a create.
  std::vector<std::string> want;
};

class RuleTest : public testing::TestWithParam<RuleCase> {};

TEST_P(RuleTest, JudgesSelfAndOldSelf) {
  static const CompiledSchema kCompiled = *CompiledSchema::Compile(ParsedJsonOf(kSchema));
  const RuleCase& c = GetParam();
  const Json object = WidgetWith(c.spec);
  const Json old = c.old_spec == nullptr ? Json() : WidgetWith(c.old_spec);
  std::vector<std::string> found;
  for (const FieldError& error :
       kCompiled.Validate(object, c.old_spec == nullptr ? nullptr : &old)) {
    found.push_back(error.field + ": " + error.message);
  }
  EXPECT_EQ(found, c.want);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, RuleTest,
    testing::Values(
        RuleCase{
            "TransitionRulesSkipCreates", R"({"jobs":[{"id":1,"state":"done"}]})", nullptr, {}},
        RuleCase{"ItemsAreFoundByKey",
                 R"({"jobs":[{"id":2,"state":"open"},{"id":1,"state":"open"}]})",
                 R"({"jobs":[{"id":1,"state":"done"},{"id":2,"state":"open"}]})",
                 {"spec.jobs[1].state: Invalid value: \"object\": a closed job stays closed"}},
        RuleCase{"NewItemsHaveNoPast",
                 R"({"jobs":[{"id":1,"state":"done"},{"id":3,"state":"done"}]})",
                 R"({"jobs":[{"id":1,"state":"done"}]})",
                 {}},
        RuleCase{
            "ItemsOfAtomicListsHaveNoPast", R"({"loose":[{"n":2}]})", R"({"loose":[{"n":1}]})", {}},
        RuleCase{"MessageExpressionAndKeys",
                 R"({"limits":{"cpu":5,"ram":12}})",
                 nullptr,
                 {"spec.limits[ram]: Invalid value: \"integer\": 12 is too high"}},
        RuleCase{"UnchangedValuesAreNotJudgedAgain",
                 R"({"limits":{"cpu":5,"ram":12}})",
                 R"({"limits":{"ram":12}})",
                 {}},
        RuleCase{"ReasonForbidden",
                 R"({"secret":"x"})",
                 nullptr,
                 {"spec.secret: Forbidden: not this one"}},
        RuleCase{"ReasonDuplicate",
                 R"({"twice":"x"})",
                 nullptr,
                 {"spec.twice: Duplicate value: \"string\": exists"}},
        RuleCase{"RuleWithoutMessageIsShown",
                 R"({"unsaid":"x"})",
                 nullptr,
                 {"spec.unsaid: Invalid value: \"string\": failed rule: self != 'x'"}}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(RuleTest, ARuleThatHasNoValueFails) {
  const auto compiled = CompiledSchema::Compile(ParsedJsonOf(kSchema));
  const auto errors = compiled->Validate(WidgetWith(R"({"broken":{}})"));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].field, "spec.broken");
  EXPECT_NE(errors[0].message.find("evaluating rule: self.missing == 1"), std::string::npos)
      << errors[0].message;
}

TEST(RuleTest, StopsWhenTheBudgetIsSpent) {
  const auto compiled = CompiledSchema::Compile(ParsedJsonOf(R"json({"type":"object","properties":{
      "xs":{"type":"array","items":{"type":"integer"},"x-kubernetes-validations":[
        {"rule":"self.all(a, self.all(b, self.all(c, a + b + c >= 0)))","message":"cubic"},
        {"rule":"false","message":"never reached"}]}}})json"));
  ASSERT_TRUE(compiled) << compiled.error().message;
  Json object = Json::EmptyObject();
  for (int i = 0; i < 200; ++i) {
    object["xs"].Append(i);
  }
  const auto errors = compiled->Validate(object);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].message,
            "Invalid value: \"array\": no further validation rules will be run due to call cost "
            "exceeds limit for rule: cubic");
}

}  // namespace
}  // namespace midwatch::schema
