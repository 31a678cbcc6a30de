#include "controller/object/patch.h"

#include <gtest/gtest.h>

namespace midwatch {
namespace {

Json J(const char* text) {
  auto value = ParseJson(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : Json();
}

struct MergeCase {
  const char* name;
  const char* target;
  const char* patch;
  const char* want;
};

class MergePatchTest : public testing::TestWithParam<MergeCase> {};

TEST_P(MergePatchTest, MergesAsRfc7386) {
  const MergeCase& c = GetParam();
  EXPECT_EQ(ApplyMergePatch(J(c.target), J(c.patch)).Dump(), J(c.want).Dump());
}

// The test cases of RFC 7386, appendix A.
INSTANTIATE_TEST_SUITE_P(
    AppendixA, MergePatchTest,
    testing::Values(
        MergeCase{"Replaces", R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
        MergeCase{"Adds", R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
        MergeCase{"Removes", R"({"a":"b"})", R"({"a":null})", R"({})"},
        MergeCase{"RemovesOne", R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
        MergeCase{"ReplacesArray", R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
        MergeCase{"ReplacesByArray", R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
        MergeCase{"Nests", R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})",
                  R"({"a":{"b":"d"}})"},
        MergeCase{"ArrayIsWhole", R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
        MergeCase{"RootArrays", R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
        MergeCase{"RootBecomesArray", R"({"a":"b"})", R"(["c"])", R"(["c"])"},
        MergeCase{"RootBecomesNull", R"({"a":"foo"})", "null", "null"},
        MergeCase{"RootBecomesText", R"({"a":"foo"})", R"("bar")", R"("bar")"},
        MergeCase{"NullStaysInTarget", R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
        MergeCase{"ArrayBecomesObject", "[1,2]", R"({"a":"b","c":null})", R"({"a":"b"})"},
        MergeCase{"InnerNullsVanish", "{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct PatchCase {
  const char* name;
  const char* target;
  const char* patch;
  const char* want;  ///< The document, or the start of the message.
  std::optional<ErrorCode> error = std::nullopt;
};

class JsonPatchTest : public testing::TestWithParam<PatchCase> {};

TEST_P(JsonPatchTest, PatchesAsRfc6902) {
  const PatchCase& c = GetParam();
  const auto patched = ApplyJsonPatch(J(c.target), J(c.patch));
  if (c.error) {
    ASSERT_FALSE(patched);
    EXPECT_EQ(patched.error().code, *c.error);
    EXPECT_TRUE(patched.error().message.starts_with(c.want)) << patched.error().message;
  } else {
    ASSERT_TRUE(patched) << patched.error().message;
    EXPECT_EQ(patched->Dump(), J(c.want).Dump());
  }
}

using enum ErrorCode;

INSTANTIATE_TEST_SUITE_P(
    AppendixA, JsonPatchTest,
    testing::Values(
        PatchCase{"AddsMember", R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
                  R"({"baz":"qux","foo":"bar"})"},
        PatchCase{"AddsItem", R"({"foo":["bar","baz"]})",
                  R"([{"op":"add","path":"/foo/1","value":"qux"}])",
                  R"({"foo":["bar","qux","baz"]})"},
        PatchCase{"RemovesMember", R"({"baz":"qux","foo":"bar"})",
                  R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
        PatchCase{"RemovesItem", R"({"foo":[1,2,3]})", R"([{"op":"remove","path":"/foo/1"}])",
                  R"({"foo":[1,3]})"},
        PatchCase{"Replaces", R"({"baz":"qux"})",
                  R"([{"op":"replace","path":"/baz","value":"boo"}])", R"({"baz":"boo"})"},
        PatchCase{"MovesMember", R"({"foo":{"waldo":"fred"},"qux":{"corge":"grault"}})",
                  R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
                  R"({"foo":{},"qux":{"corge":"grault","thud":"fred"}})"},
        PatchCase{"MovesItem", R"({"foo":["all","grass","cows","eat"]})",
                  R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
                  R"({"foo":["all","cows","eat","grass"]})"},
        PatchCase{
            "TestPasses", R"({"baz":"qux","foo":["a",2,"c"]})",
            R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
            R"({"baz":"qux","foo":["a",2,"c"]})"},
        PatchCase{"TestFails", R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])",
                  "patch[0]: the test failed", kInvalid},
        PatchCase{"AddsNested", R"({"foo":"bar"})",
                  R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
                  R"({"foo":"bar","child":{"grandchild":{}}})"},
        PatchCase{"AddsToNothing", R"({"foo":"bar"})",
                  R"([{"op":"add","path":"/baz/bat","value":"qux"}])",
                  R"(patch[0]: the path does not exist at "baz")", kInvalid},
        PatchCase{"EscapesPointer", R"({"/":9,"~1":10})",
                  R"([{"op":"test","path":"/~01","value":10},{"op":"remove","path":"/~1"}])",
                  R"({"~1":10})"},
        PatchCase{"TextIsNoNumber", R"({"a":10})", R"([{"op":"test","path":"/a","value":"10"}])",
                  "patch[0]: the test failed", kInvalid},
        PatchCase{"AppendsItem", R"({"foo":["bar"]})",
                  R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
                  R"({"foo":["bar",["abc","def"]]})"}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Edges, JsonPatchTest,
    testing::Values(
        // The sequence of the recorded session with a kube-apiserver.
        PatchCase{"CopyAndMove", R"({"spec":{}})",
                  R"([{"op":"add","path":"/spec/args","value":["x"]},
                      {"op":"add","path":"/spec/args/-","value":"y"},
                      {"op":"copy","from":"/spec/args/0","path":"/spec/args/-"},
                      {"op":"move","from":"/spec/args/0","path":"/spec/args/-"}])",
                  R"({"spec":{"args":["y","x","x"]}})"},
        PatchCase{"RemoveOfNothing", R"({"spec":{}})", R"([{"op":"remove","path":"/spec/zz"}])",
                  R"(patch[0]: the path does not exist at "zz")", kInvalid},
        PatchCase{"ReplaceOfNothing", "{}", R"([{"op":"replace","path":"/a","value":1}])",
                  "patch[0]: the path does not exist", kInvalid},
        PatchCase{"NoArray", "{}", R"({"a":1})", "error decoding patch: expected an array",
                  kBadRequest},
        PatchCase{"UnknownOp", "{}", R"([{"op":"frob","path":"/a"}])", "patch[0]: op \"frob\"",
                  kBadRequest},
        PatchCase{"NoValue", "{}", R"([{"op":"add","path":"/a"}])", "patch[0]: expected a value",
                  kBadRequest},
        PatchCase{"NullValue", "{}", R"([{"op":"add","path":"/a","value":null}])", R"({"a":null})"},
        PatchCase{"NoPath", "{}", R"([{"op":"remove"}])", "patch[0]: expected a string as path",
                  kBadRequest},
        PatchCase{"RelativePath", "{}", R"([{"op":"remove","path":"a"}])",
                  "patch[0]: JSON pointer \"a\"", kBadRequest},
        PatchCase{"BadEscape", "{}", R"([{"op":"remove","path":"/a~2"}])",
                  "patch[0]: expected 0 or 1 after ~", kBadRequest},
        PatchCase{"IndexTooHigh", R"({"a":[1]})", R"([{"op":"add","path":"/a/2","value":1}])",
                  "patch[0]: the path does not exist at \"2\"", kInvalid},
        PatchCase{"LeadingZero", R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/01"}])",
                  "patch[0]: the path does not exist at \"01\"", kInvalid},
        PatchCase{"NegativeIndex", R"({"a":[1]})", R"([{"op":"remove","path":"/a/-1"}])",
                  "patch[0]: the path does not exist at \"-1\"", kInvalid},
        PatchCase{"EmptyArray", R"({"a":[]})", R"([{"op":"remove","path":"/a/0"}])",
                  "patch[0]: the path does not exist", kInvalid},
        PatchCase{"MoveIntoItself", R"({"a":{}})", R"([{"op":"move","from":"/a","path":"/a/b"}])",
                  "patch[0]: a value cannot be moved into itself", kInvalid},
        PatchCase{"MoveOntoItself", R"({"a":{"b":1}})",
                  R"([{"op":"move","from":"/a","path":"/a"}])", R"({"a":{"b":1}})"},
        PatchCase{"WholeDocument", R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}}])",
                  R"({"b":2})"},
        PatchCase{"SecondFails", R"({"a":1})",
                  R"([{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}])",
                  "patch[1]: the path does not exist", kInvalid}),
    [](const auto& suite) { return std::string(suite.param.name); });

Json Operations(std::size_t count, const Json& operation) {
  return Json(Json::Array(count, operation));
}

TEST(JsonPatchLimitsTest, CountsOperations) {
  const Json test = J(R"({"op":"test","path":"/a","value":1})");
  EXPECT_TRUE(ApplyJsonPatch(J(R"({"a":1})"), Operations(kMaxJsonPatchOperations, test)));
  const auto over = ApplyJsonPatch(J(R"({"a":1})"), Operations(kMaxJsonPatchOperations + 1, test));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, kTooLarge);
  EXPECT_EQ(
      over.error().message,
      "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got "
      "10001");
}

TEST(JsonPatchLimitsTest, StopsDoublingByCopy) {
  const auto patched =
      ApplyJsonPatch(J(R"({"a":["0123456789"]})"),
                     Operations(60, J(R"({"op":"copy","from":"/a","path":"/a/-"})")));
  ASSERT_FALSE(patched);
  EXPECT_EQ(patched.error().code, kTooLarge);
}

TEST(JsonPatchLimitsTest, StopsShiftingLargeArrays) {
  const Json target = Json::Of({{"a", Json(Json::Array(100'000, Json(0)))}});
  const Json front = J(R"({"op":"add","path":"/a/0","value":1})");
  const std::size_t fit = kMaxJsonPatchWork / 101'000;
  EXPECT_TRUE(ApplyJsonPatch(target, Operations(fit, front)));
  const auto over = ApplyJsonPatch(target, Operations(fit + 3, front));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, kTooLarge);
  EXPECT_TRUE(
      ApplyJsonPatch(target, Operations(5'000, J(R"({"op":"add","path":"/a/-","value":1})"))));
}

TEST(JsonPatchLimitsTest, StopsMovingLargeValues) {
  const Json target = Json::Of({{"a", Json(Json::Array(100'000, Json(0)))}});
  Json patch = Json::EmptyArray();
  for (int i = 0; i < 150; ++i) {
    patch.Append(J(R"({"op":"move","from":"/a","path":"/b"})"));
    patch.Append(J(R"({"op":"move","from":"/b","path":"/a"})"));
  }
  const auto over = ApplyJsonPatch(target, patch);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, kTooLarge);
}

TEST(MergePatchTest, TheSizeOfBothSidesCostsNothing) {
  Json target = Json::EmptyObject();
  Json patch = Json::EmptyObject();
  for (int i = 0; i < 100'000; ++i) {
    target.Set("k" + std::to_string(1'000'000 + i), 0);
    patch.Set("a" + std::to_string(1'000'000 + i), 0);
  }
  EXPECT_EQ(ApplyMergePatch(std::move(target), patch).Members().size(), 200'000U);
}

TEST(JsonPatchLimitsTest, StopsAtTheDepthThatTheParserAccepts) {
  std::string path;
  Json patch = Json::EmptyArray();
  for (int i = 0; i < JsonLimits{}.depth - 1; ++i) {
    path += "/a";
    patch.Append(Json::Of({{"op", "add"}, {"path", path}, {"value", Json::EmptyObject()}}));
  }
  EXPECT_TRUE(ApplyJsonPatch(Json::EmptyObject(), patch));
  patch.Append(Json::Of({{"op", "add"}, {"path", path + "/a"}, {"value", Json::EmptyObject()}}));
  const auto deeper = ApplyJsonPatch(Json::EmptyObject(), patch);
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().code, kTooLarge);
}

}  // namespace
}  // namespace midwatch
