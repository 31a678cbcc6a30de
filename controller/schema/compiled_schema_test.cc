#include "controller/schema/compiled_schema.h"

#include <gtest/gtest.h>

#include "controller/schema/structural.h"
#include "controller/schema/widget_schema.h"

namespace midwatch::schema {
namespace {

/// `field | reason | message` per error, in order.
std::vector<std::string> Lines(const std::vector<FieldError>& errors) {
  std::vector<std::string> out;
  for (const FieldError& error : errors) {
    out.push_back(error.field + " | " + std::string(NameOf(error.reason)) + " | " + error.message);
  }
  return out;
}

constexpr const char* kNotChecked =
    "<nil> | FieldValueInvalid | Invalid value: \"null\": some validation rules were not checked "
    "because the object was invalid; correct the existing errors to complete validation";

struct ValidateCase {
  const char* name;
  const char* spec;
  std::vector<std::string> want;
  const char* old_spec = nullptr;
};

class ValidateWidgetTest : public testing::TestWithParam<ValidateCase> {};

TEST_P(ValidateWidgetTest, SaysWhatAKubeApiserverSays) {
  const ValidateCase& c = GetParam();
  Json widget = WidgetWith(c.spec);
  EXPECT_TRUE(WidgetSchema().Prune(widget).empty());
  WidgetSchema().ApplyDefaults(widget);
  Json old;
  if (c.old_spec != nullptr) {
    old = WidgetWith(c.old_spec);
    WidgetSchema().ApplyDefaults(old);
  }
  EXPECT_EQ(Lines(WidgetSchema().Validate(widget, c.old_spec == nullptr ? nullptr : &old)), c.want);
}

// The answers of a kube-apiserver 1.32 (kubectl-bad-*.txt, kubectl-cel-*.txt, raw-writes.txt).
INSTANTIATE_TEST_SUITE_P(
    Recorded, ValidateWidgetTest,
    testing::Values(
        ValidateCase{"Good", R"({"color":"red"})", {}},
        ValidateCase{
            "BadEnum",
            R"({"color":"purple"})",
            {"spec.color | FieldValueNotSupported | Unsupported value: \"purple\": supported "
             "values: \"red\", \"green\", \"blue\"",
             kNotChecked}},
        ValidateCase{
            "BadTypes",
            R"({"color":"red","replicas":"x","note":"!!!","tags":["a","a"]})",
            {"spec.note | FieldValueInvalid | Invalid value: \"!!!\": spec.note in body should "
             "match '^[a-zA-Z0-9 ]*$'",
             "spec.replicas | FieldValueTypeInvalid | Invalid value: \"string\": spec.replicas "
             "in body must be of type integer: \"string\"",
             "spec.tags[1] | FieldValueDuplicate | Duplicate value: \"a\"", kNotChecked}},
        ValidateCase{
            "NegativeReplicas",
            R"({"color":"red","replicas":-1})",
            {"spec.replicas | FieldValueInvalid | Invalid value: -1: spec.replicas in body "
             "should be greater than or equal to 0"}},
        ValidateCase{
            "CrossFieldRule",
            R"({"color":"red","minReplicas":50})",
            {"spec.minReplicas | FieldValueInvalid | Invalid value: \"object\": minReplicas "
             "exceeds replicas"}},
        ValidateCase{
            "TransitionRule",
            R"({"color":"red","size":5})",
            {"spec.size | FieldValueInvalid | Invalid value: \"integer\": size may not shrink"},
            R"({"color":"red","size":10})"},
        ValidateCase{"TransitionRuleHolds",
                     R"({"color":"red","size":15})",
                     {},
                     R"({"color":"red","size":10})"},
        ValidateCase{
            "Immutable",
            R"({"color":"red","immutableId":"y"})",
            {"spec.immutableId | FieldValueInvalid | Invalid value: \"string\": immutableId is "
             "immutable"},
            R"({"color":"red","immutableId":"x"})"},
        ValidateCase{"ImmutableMayBeSetLater",
                     R"({"color":"red","immutableId":"y"})",
                     {},
                     R"({"color":"red"})"}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Structure, ValidateWidgetTest,
    testing::Values(
        ValidateCase{
            "Missing", "{}", {"spec.color | FieldValueRequired | Required value", kNotChecked}},
        ValidateCase{
            "TooLong",
            R"({"color":"red","note":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})",
            {"spec.note | FieldValueTooLong | Too long: may not be more than 64 bytes",
             kNotChecked}},
        ValidateCase{"TooMany",
                     R"({"color":"red","ports":[{"name":"0"},{"name":"1"},{"name":"2"},{"name":"3"},
                         {"name":"4"},{"name":"5"},{"name":"6"},{"name":"7"},{"name":"8"},
                         {"name":"9"},
                         {"name":"10"}]})",
                     {"spec.ports | FieldValueTooMany | Too many: 11: must have at most 10 items",
                      kNotChecked}},
        ValidateCase{
            "Maximum",
            R"({"color":"red","size":101})",
            {"spec.size | FieldValueInvalid | Invalid value: 101: spec.size in body should be "
             "less than or equal to 100"}},
        ValidateCase{
            "Int32",
            R"({"color":"red","replicas":2147483648})",
            {"spec.replicas | FieldValueInvalid | Invalid value: 2147483648: spec.replicas in "
             "body must be an integer with format int32"}},
        ValidateCase{"WholeDoubleIsInteger", R"({"color":"red","replicas":2.0})", {}},
        ValidateCase{
            "FractionIsNoInteger",
            R"({"color":"red","replicas":2.5})",
            {"spec.replicas | FieldValueTypeInvalid | Invalid value: \"number\": spec.replicas "
             "in body must be of type integer: \"number\"",
             kNotChecked}},
        ValidateCase{"IntOrStringInt", R"({"color":"red","port":80})", {}},
        ValidateCase{"IntOrStringText", R"({"color":"red","port":"http"})", {}},
        ValidateCase{
            "IntOrStringNeither",
            R"({"color":"red","port":true})",
            {"spec.port | FieldValueTypeInvalid | Invalid value: \"boolean\": spec.port in "
             "body must be of type integer,string: \"boolean\"",
             kNotChecked}},
        ValidateCase{"DuplicateKeys",
                     R"({"color":"red","ports":[{"name":"z"},{"name":"z","number":1}]})",
                     {"spec.ports[1] | FieldValueDuplicate | Duplicate value: map[string]interface "
                      "{}{\"name\":\"z\"}"}},
        ValidateCase{
            "ItemOfWrongType",
            R"({"color":"red","tags":["a",1]})",
            {"spec.tags[1] | FieldValueTypeInvalid | Invalid value: \"integer\": spec.tags[1] "
             "in body must be of type string: \"integer\"",
             kNotChecked}},
        ValidateCase{"MissingInItem",
                     R"({"color":"red","ports":[{"number":1}]})",
                     {"spec.ports[0].name | FieldValueRequired | Required value", kNotChecked}},
        ValidateCase{"MapValueOfWrongType",
                     R"({"color":"red","labelsMap":{"a":1}})",
                     {"spec.labelsMap.a | FieldValueTypeInvalid | Invalid value: \"integer\": "
                      "spec.labelsMap.a in body must be of type string: \"integer\"",
                      kNotChecked}},
        ValidateCase{"NullableKeepsNull", R"({"color":"red","nested":null})", {}},
        ValidateCase{"PreservesUnknown", R"({"color":"red","raw":{"x":{"y":[1,null]}}})", {}}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Ratcheting, ValidateWidgetTest,
    testing::Values(
        ValidateCase{"UnchangedInvalidPartPasses",
                     R"({"color":"purple","note":"new"})",
                     {},
                     R"({"color":"purple","note":"old"})"},
        ValidateCase{
            "ChangedInvalidPartFails",
            R"({"color":"mauve"})",
            {"spec.color | FieldValueNotSupported | Unsupported value: \"mauve\": supported "
             "values: \"red\", \"green\", \"blue\"",
             kNotChecked},
            R"({"color":"purple"})"},
        ValidateCase{"UnchangedObjectPasses",
                     R"({"color":"red","minReplicas":50})",
                     {},
                     R"({"color":"red","minReplicas":50})"},
        ValidateCase{
            "RuleOfAChangedObjectIsHeld",
            R"({"color":"red","minReplicas":50,"note":"n"})",
            {"spec.minReplicas | FieldValueInvalid | Invalid value: \"object\": minReplicas "
             "exceeds replicas"},
            R"({"color":"red","minReplicas":50})"},
        ValidateCase{"ItemsOfMapListsAreCorrelated",
                     R"({"color":"red","ports":[{"name":"new"},{"name":"a","number":"x"}]})",
                     {},
                     R"({"color":"red","ports":[{"name":"a","number":"x"}]})"},
        ValidateCase{
            "ItemsOfOtherListsAreNot",
            R"({"color":"red","args":[1,"b"]})",
            {"spec.args[0] | FieldValueTypeInvalid | Invalid value: \"integer\": spec.args[0] "
             "in body must be of type string: \"integer\"",
             kNotChecked},
            R"({"color":"red","args":[1]})"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(ValidateTest, ErrorsFoundEarlierComeFirstAndHoldBackRules) {
  const Json widget = WidgetWith(R"({"color":"red","replicas":1,"minReplicas":50})");
  EXPECT_EQ(
      Lines(WidgetSchema().Validate(
          widget, nullptr, {Required("metadata.name", "name or generateName is required")})),
      (std::vector<std::string>{"metadata.name | FieldValueRequired | Required value: name or "
                                "generateName is required",
                                kNotChecked}));
}

TEST(ValidateTest, StatusHasFormatsAndSeveralWriters) {
  Json widget = WidgetWith(R"({"color":"red"})");
  widget.Set("status", ParsedJsonOf(R"({"lastSync":"yesterday","conditions":[
      {"type":"Ready","status":"Maybe"}]})"));
  EXPECT_EQ(
      Lines(WidgetSchema().Validate(widget)),
      (std::vector<std::string>{
          "status.conditions[0].status | FieldValueNotSupported | Unsupported value: \"Maybe\": "
          "supported values: \"True\", \"False\", \"Unknown\"",
          "status.lastSync | FieldValueTypeInvalid | Invalid value: \"yesterday\": "
          "status.lastSync in body must be of type date-time: \"yesterday\"",
          kNotChecked}));
}

TEST(ValidateTest, RootRulesBlameNoField) {
  Json widget = WidgetWith(R"({"color":"red"})");
  widget["metadata"].Set("name", std::string(41, 'x'));
  EXPECT_EQ(Lines(WidgetSchema().Validate(widget)),
            (std::vector<std::string>{
                "<nil> | FieldValueInvalid | Invalid value: \"object\": name too long"}));
}

TEST(ValidateTest, StopsAtAHundredErrors) {
  Json tags = Json::EmptyArray();
  for (int i = 0; i < 200; ++i) {
    tags.Append(i);
  }
  Json widget = WidgetWith(R"({"color":"red"})");
  widget["spec"].Set("tags", tags);
  EXPECT_EQ(WidgetSchema().Validate(widget).size(), 101U);  // And the note on rules.
}

TEST(ValidateTest, BecomesTheAnswerThatKubectlPrints) {
  const ResourceType type{"demo.example.io", "v1", "Widget", "widgets", true};
  const Error error =
      InvalidObject(type, "bad1", WidgetSchema().Validate(WidgetWith(R"({"color":"purple"})")));
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_EQ(
      error.message,
      "Widget.demo.example.io \"bad1\" is invalid: [spec.color: Unsupported value: \"purple\": "
      "supported values: \"red\", \"green\", \"blue\", <nil>: Invalid value: \"null\": some "
      "validation rules were not checked because the object was invalid; correct the existing "
      "errors to complete validation]");
  const Json details = ParsedJsonOf(error.details);
  EXPECT_EQ(details.At("kind").AsString(), "Widget");
  EXPECT_EQ(details.At("causes").Items()[0].Dump(),
            R"({"field":"spec.color","message":"Unsupported value: \"purple\": supported values: )"
            R"(\"red\", \"green\", \"blue\"","reason":"FieldValueNotSupported"})");
}

struct ValueCase {
  const char* name;
  const char* schema;  ///< Of the field `x`.
  const char* value;
  const char* want;  ///< First message, or empty.
};

class ValueRulesTest : public testing::TestWithParam<ValueCase> {};

TEST_P(ValueRulesTest, CheckOneField) {
  const ValueCase& c = GetParam();
  const auto schema = CompiledSchema::Compile(
      ParsedJsonOf(std::string(R"({"type":"object","properties":{"x":)") + c.schema + "}}"));
  ASSERT_TRUE(schema) << schema.error().message;
  Json object = Json::EmptyObject();
  object.Set("x", ParsedJsonOf(c.value));
  const auto errors = schema->Validate(object);
  EXPECT_EQ(errors.empty() ? "" : errors.front().message, c.want);
}

INSTANTIATE_TEST_SUITE_P(
    OpenApi, ValueRulesTest,
    testing::Values(
        ValueCase{"ExclusiveMinimum", R"({"type":"number","minimum":1,"exclusiveMinimum":true})",
                  "1", "Invalid value: 1: x in body should be greater than 1"},
        ValueCase{"ExclusiveMaximum", R"({"type":"number","maximum":1.5,"exclusiveMaximum":true})",
                  "1.5", "Invalid value: 1.5: x in body should be less than 1.5"},
        ValueCase{"MultipleOf", R"({"type":"integer","multipleOf":5})", "7",
                  "Invalid value: 7: x in body should be a multiple of 5"},
        ValueCase{"MinLengthCountsCharacters", R"({"type":"string","minLength":2})", "\"\xC3\xA9\"",
                  "Invalid value: \"\xC3\xA9\": x in body should be at least 2 chars long"},
        ValueCase{"MaxLengthCountsCharacters", R"({"type":"string","maxLength":1})", "\"\xC3\xA9\"",
                  ""},
        ValueCase{"MinItems", R"({"type":"array","minItems":1,"items":{"type":"string"}})", "[]",
                  "Invalid value: 0: x in body should have at least 1 items"},
        ValueCase{"MinProperties", R"({"type":"object","minProperties":1})", "{}",
                  "Invalid value: 0: x in body should have at least 1 properties"},
        ValueCase{"MaxProperties",
                  R"({"type":"object","maxProperties":1,"additionalProperties":{"type":"string"}})",
                  R"({"a":"","b":""})", "Too many: 2: must have at most 1 item"},
        ValueCase{"EnumOfNumbers", R"({"type":"integer","enum":[1,2]})", "3",
                  "Unsupported value: 3: supported values: \"1\", \"2\""},
        ValueCase{"NullIsNotAString", R"({"type":"string"})", "null",
                  "Invalid value: \"null\": x in body must be of type string: \"null\""},
        ValueCase{"NullableString", R"({"type":"string","nullable":true})", "null", ""},
        ValueCase{"PatternIsSearched", R"({"type":"string","pattern":"b+"})", "\"abc\"", ""},
        ValueCase{"AllOf", R"({"type":"string","allOf":[{"minLength":3},{"maxLength":1}]})",
                  "\"ab\"", "Invalid value: \"ab\": x in body should be at least 3 chars long"},
        ValueCase{"AnyOf", R"({"type":"object","anyOf":[{"required":["a"]},{"required":["b"]}],
                               "properties":{"a":{"type":"string"},"b":{"type":"string"}}})",
                  "{}", "Invalid value: \"\": \"x\" must validate at least one schema (anyOf)"},
        ValueCase{"AnyOfHolds", R"({"type":"object","anyOf":[{"required":["a"]},{"required":["b"]}],
                                    "properties":{"a":{"type":"string"},"b":{"type":"string"}}})",
                  R"({"b":""})", ""},
        ValueCase{
            "OneOfNone", R"({"type":"integer","oneOf":[{"minimum":5},{"maximum":1}]})", "3",
            "Invalid value: \"\": \"x\" must validate one and only one schema (oneOf). Found none "
            "valid"},
        ValueCase{
            "OneOfTwo", R"({"type":"integer","oneOf":[{"minimum":1},{"maximum":5}]})", "3",
            "Invalid value: \"\": \"x\" must validate one and only one schema (oneOf). Found 2 "
            "valid alternatives"},
        ValueCase{"Not", R"({"type":"string","not":{"enum":["a"]}})", "\"a\"",
                  "Invalid value: \"\": \"x\" must not validate the schema (not)"},
        ValueCase{"EmbeddedResource",
                  R"({"type":"object","x-kubernetes-embedded-resource":true,
                      "x-kubernetes-preserve-unknown-fields":true})",
                  R"({"kind":"Pod","spec":{}})", "Required value: must not be empty"},
        ValueCase{"DateTime", R"({"type":"string","format":"date-time"})",
                  "\"2026-01-01T00:00:00Z\"", ""},
        ValueCase{"Date", R"({"type":"string","format":"date"})", "\"2026-02-30\"",
                  "Invalid value: \"2026-02-30\": x in body must be of type date: \"2026-02-30\""},
        ValueCase{
            "Duration", R"({"type":"string","format":"duration"})", "\"5 minutes\"",
            "Invalid value: \"5 minutes\": x in body must be of type duration: \"5 minutes\""},
        ValueCase{"Byte", R"({"type":"string","format":"byte"})", "\"Zg==\"", ""},
        ValueCase{"BadByte", R"({"type":"string","format":"byte"})", "\"Zg\"",
                  "Invalid value: \"Zg\": x in body must be of type byte: \"Zg\""},
        ValueCase{"Uuid", R"({"type":"string","format":"uuid"})",
                  "\"9c88bb2f-81b2-4ef3-8bf5-9a19d332786d\"", ""},
        ValueCase{"BadUuid", R"({"type":"string","format":"uuid"})", "\"9c88bb2f\"",
                  "Invalid value: \"9c88bb2f\": x in body must be of type uuid: \"9c88bb2f\""},
        ValueCase{"Cidr", R"({"type":"string","format":"cidr"})", "\"10.0.0.0/8\"", ""},
        ValueCase{
            "BadCidr", R"({"type":"string","format":"cidr"})", "\"10.0.0.0/33\"",
            "Invalid value: \"10.0.0.0/33\": x in body must be of type cidr: \"10.0.0.0/33\""},
        ValueCase{"Ipv6", R"({"type":"string","format":"ipv6"})", "\"::1\"", ""},
        ValueCase{"Uri", R"({"type":"string","format":"uri"})", "\"https://example.com/x\"", ""},
        ValueCase{"BadUri", R"({"type":"string","format":"uri"})", "\"a b\"",
                  "Invalid value: \"a b\": x in body must be of type uri: \"a b\""},
        ValueCase{"Email", R"({"type":"string","format":"email"})", "\"a@\"",
                  "Invalid value: \"a@\": x in body must be of type email: \"a@\""},
        ValueCase{"UnknownFormat", R"({"type":"string","format":"shoe-size"})", "\"x\"", ""}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct PruneCase {
  const char* name;
  const char* object;
  const char* kept;
  std::vector<UnknownField> unknown;
};

class PruneTest : public testing::TestWithParam<PruneCase> {};

TEST_P(PruneTest, DropsWhatTheSchemaDoesNotKnow) {
  const PruneCase& c = GetParam();
  Json object = ParsedJsonOf(c.object);
  EXPECT_EQ(WidgetSchema().Prune(object), c.unknown);
  EXPECT_EQ(object.Dump(), ParsedJsonOf(c.kept).Dump());
}

INSTANTIATE_TEST_SUITE_P(
    Widgets, PruneTest,
    testing::Values(
        PruneCase{
            "RecordedStrictDecoding",
            R"({"extra":1,"metadata":{"name":"d1","bogus":1},"spec":{"color":"blue","nope":{"x":1}}})",
            R"({"metadata":{"name":"d1"},"spec":{"color":"blue"}})",
            {{"metadata.bogus", ""}, {"extra", ""}, {"spec.nope", "note"}}},
        PruneCase{
            "Suggests",
            R"({"spec":{"colour":"red","replica":2},"metdata":{}})",
            R"({"spec":{}})",
            {{"metdata", "metadata"}, {"spec.colour", "color"}, {"spec.replica", "replicas"}}},
        PruneCase{"InItems",
                  R"({"spec":{"ports":[{"name":"a"},{"name":"b","numbr":1}]}})",
                  R"({"spec":{"ports":[{"name":"a"},{"name":"b"}]}})",
                  {{"spec.ports[1].numbr", "number"}}},
        PruneCase{"KeepsMapEntries",
                  R"({"spec":{"labelsMap":{"any":"x"},"raw":{"deep":{"er":1}}}})",
                  R"({"spec":{"labelsMap":{"any":"x"},"raw":{"deep":{"er":1}}}})",
                  {}},
        PruneCase{"KeepsWhatIsWrongForValidation",
                  R"({"spec":"text","metadata":[]})",
                  R"({"spec":"text","metadata":[]})",
                  {}},
        PruneCase{
            "KnowsObjectMeta",
            R"({"metadata":{"labels":{"a":"b"},"finalizers":["x/y"],"ownerReferences":[{"uid":"u","x":1}],
                      "managedFields":[{"manager":"m","fieldsV1":{"f:spec":{}}}]}})",
            R"({"metadata":{"labels":{"a":"b"},"finalizers":["x/y"],"ownerReferences":[{"uid":"u"}],
                      "managedFields":[{"manager":"m","fieldsV1":{"f:spec":{}}}]}})",
            {{"metadata.ownerReferences[0].x", ""}}}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(PruneTest, NamesTheFirstHundred) {
  Json object = Json::EmptyObject();
  for (int i = 0; i < 1000; ++i) {
    object["spec"].Set("unknown" + std::to_string(i), i);
  }
  EXPECT_EQ(WidgetSchema().Prune(object).size(), kMostUnknownFields);
  EXPECT_TRUE(object.At("spec").Members().empty());
}

struct DefaultCase {
  const char* name;
  const char* spec;
  const char* want;
};

class ApplyDefaultsTest : public testing::TestWithParam<DefaultCase> {};

TEST_P(ApplyDefaultsTest, FillsIn) {
  Json widget = WidgetWith(GetParam().spec);
  WidgetSchema().ApplyDefaults(widget);
  EXPECT_EQ(widget.At("spec").Dump(), ParsedJsonOf(GetParam().want).Dump());
  const Json once = widget;
  WidgetSchema().ApplyDefaults(widget);
  EXPECT_EQ(widget, once) << "a second pass changes nothing";
}

INSTANTIATE_TEST_SUITE_P(
    Widgets, ApplyDefaultsTest,
    testing::Values(
        DefaultCase{"Missing", R"({"color":"red"})", R"({"color":"red","replicas":1,"size":10})"},
        DefaultCase{"KeepsValues", R"({"replicas":3,"size":0})", R"({"replicas":3,"size":0})"},
        DefaultCase{"NullBecomesDefault", R"({"replicas":null})", R"({"replicas":1,"size":10})"},
        DefaultCase{"NullWithoutDefaultIsDropped", R"({"note":null})",
                    R"({"replicas":1,"size":10})"},
        DefaultCase{"NullableKeepsNull", R"({"nested":null})",
                    R"({"nested":null,"replicas":1,"size":10})"},
        DefaultCase{"OnlyWhereTheParentExists", R"({"nested":{"b":true}})",
                    R"({"nested":{"a":"dflt","b":true},"replicas":1,"size":10})"},
        DefaultCase{"InItems", R"({"ports":[{"name":"a"},{"name":"b","protocol":"UDP"}]})",
                    R"({"ports":[{"name":"a","protocol":"TCP"},{"name":"b","protocol":"UDP"}],
                        "replicas":1,"size":10})"}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct BadSchema {
  const char* name;
  std::string schema;
  const char* message;
};

class CompileTest : public testing::TestWithParam<BadSchema> {};

TEST_P(CompileTest, NamesThePlaceInTheSchema) {
  const auto schema = CompiledSchema::Compile(ParsedJsonOf(GetParam().schema));
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(schema.error().message.starts_with(GetParam().message)) << schema.error().message;
}

std::string WithX(const std::string& x) {
  return R"({"type":"object","properties":{"x":)" + x + "}}";
}

std::string DeepSchema(int depth) {
  std::string out = R"({"type":"string"})";
  for (int i = 0; i < depth; ++i) {
    out = R"({"type":"object","additionalProperties":)" + out + "}";
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    Schemas, CompileTest,
    testing::Values(
        BadSchema{"NoObject", "[]", "openAPIV3Schema: expected object, found array"},
        BadSchema{"NoType", "{}",
                  "openAPIV3Schema.type: Required value: must not be empty at the root"},
        BadSchema{
            "NoTypeBelow", WithX("{}"),
            "openAPIV3Schema.properties[x].type: Required value: must not be empty for specified "
            "object fields"},
        BadSchema{"UnknownType", WithX(R"({"type":"text"})"),
                  "openAPIV3Schema.properties[x].type: Unsupported value: \"text\""},
        BadSchema{"NoItems", WithX(R"({"type":"array"})"),
                  "openAPIV3Schema.properties[x].items: Required value: must be specified"},
        BadSchema{"Ref", WithX(R"({"$ref":"#/x"})"),
                  "openAPIV3Schema.properties[x].$ref: Forbidden"},
        BadSchema{"Both", WithX(R"({"type":"object","properties":{"a":{"type":"string"}},
                                    "additionalProperties":{"type":"string"}})"),
                  "openAPIV3Schema.properties[x].additionalProperties: Forbidden: must not be used "
                  "together with properties"},
        BadSchema{"UniqueItems",
                  WithX(R"({"type":"array","uniqueItems":true,"items":{"type":"string"}})"),
                  "openAPIV3Schema.properties[x].uniqueItems: Forbidden"},
        BadSchema{"Pattern", WithX(R"({"type":"string","pattern":"("})"),
                  "openAPIV3Schema.properties[x].pattern: regular expression: "},
        BadSchema{"Default", WithX(R"({"type":"integer","default":"a"})"),
                  "openAPIV3Schema.properties[x].default: "},
        BadSchema{"Rule",
                  WithX(R"({"type":"string","x-kubernetes-validations":[{"rule":"self =="}]})"),
                  "openAPIV3Schema.properties[x].x-kubernetes-validations[0].rule: Invalid value: "
                  "\"self ==\": "},
        BadSchema{"NoRule",
                  WithX(R"({"type":"string","x-kubernetes-validations":[{"message":"m"}]})"),
                  "openAPIV3Schema.properties[x].x-kubernetes-validations[0].rule: Required value"},
        BadSchema{
            "Reason",
            WithX(
                R"({"type":"string","x-kubernetes-validations":[{"rule":"true","reason":"Odd"}]})"),
            "openAPIV3Schema.properties[x].x-kubernetes-validations[0].reason: Unsupported value: "
            "\"Odd\""},
        BadSchema{
            "ListType",
            WithX(R"({"type":"array","x-kubernetes-list-type":"bag","items":{"type":"string"}})"),
            "openAPIV3Schema.properties[x].x-kubernetes-list-type: Unsupported value: \"bag\""},
        BadSchema{
            "SetOfObjects",
            WithX(R"({"type":"array","x-kubernetes-list-type":"set","items":{"type":"object"}})"),
            "openAPIV3Schema.properties[x].x-kubernetes-list-type: Invalid value: \"set\": items "
            "must be scalars or atomic"},
        BadSchema{
            "MapWithoutKeys",
            WithX(R"({"type":"array","x-kubernetes-list-type":"map","items":{"type":"object"}})"),
            "openAPIV3Schema.properties[x].x-kubernetes-list-map-keys: Required value"},
        BadSchema{
            "KeyIsOptional",
            WithX(
                R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
                            "items":{"type":"object","properties":{"k":{"type":"string"}}}})"),
            "openAPIV3Schema.properties[x].x-kubernetes-list-map-keys: Invalid value: \"k\": this "
            "property is in x-kubernetes-list-map-keys, so it must have a default or be a "
            "required"},
        BadSchema{"RestrictsMetadata",
                  R"({"type":"object","properties":{"metadata":{"type":"object","properties":{
                      "labels":{"type":"object"}}}}})",
                  "openAPIV3Schema.properties[metadata]: Forbidden: must not specify anything "
                  "other than"},
        BadSchema{"TooDeep", DeepSchema(kMaxSchemaDepth), "openAPIV3Schema.additionalProperties"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(CompileTest, AcceptsTheDeepestSchema) {
  EXPECT_TRUE(CompiledSchema::Compile(ParsedJsonOf(DeepSchema(kMaxSchemaDepth - 1))));
}

TEST(CompileTest, NameMayBeRestricted) {
  const auto schema = CompiledSchema::Compile(ParsedJsonOf(
      R"({"type":"object","properties":{"metadata":{"type":"object","properties":{
          "name":{"type":"string","maxLength":3}}}}})"));
  ASSERT_TRUE(schema);
  const auto errors =
      schema->Validate(ParsedJsonOf(R"({"metadata":{"name":"abcd","labels":{"a":"b"}}})"));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].field, "metadata.name");
}

}  // namespace
}  // namespace midwatch::schema
