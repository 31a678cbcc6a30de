#include "controller/object/json_path.h"

#include <gtest/gtest.h>

namespace midwatch {
namespace {

struct PathCase {
  const char* name;
  const char* path;
  const char* want;  ///< All values as an array.
};

class JsonPathTest : public testing::TestWithParam<PathCase> {};

TEST_P(JsonPathTest, FindsValues) {
  const auto root = ParseJson(R"({
    "spec":{"color":"red","replicas":2,"tags":["a","b"],"ports":[{"name":"http","number":80},
            {"name":"https","number":443}],"none":null},
    "metadata":{"annotations":{"example.com/key":"v"}},
    "status":{"conditions":[{"type":"Ready","status":"True"},
                            {"type":"Synced","status":"False"}]}})");
  ASSERT_TRUE(root);
  const auto path = JsonPath::Parse(GetParam().path);
  ASSERT_TRUE(path) << path.error().message;
  Json found = Json::EmptyArray();
  for (const Json* value : path->All(*root)) {
    found.Append(*value);
  }
  EXPECT_EQ(found.Dump(), GetParam().want);
  EXPECT_EQ(path->First(*root) == nullptr, found.Items().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Columns, JsonPathTest,
    testing::Values(
        PathCase{"Field", ".spec.color", R"(["red"])"},
        PathCase{"Braces", "{.spec.color}", R"(["red"])"},
        PathCase{"Dollar", "$.spec.replicas", "[2]"},
        PathCase{"Missing", ".spec.nope.deeper", "[]"}, PathCase{"Null", ".spec.none", "[null]"},
        PathCase{"Index", ".spec.ports[1].number", "[443]"},
        PathCase{"NegativeIndex", ".spec.tags[-1]", R"(["b"])"},
        PathCase{"IndexOutOfRange", ".spec.tags[2]", "[]"},
        PathCase{"IndexOfNoArray", ".spec.color[0]", "[]"},
        PathCase{"Wildcard", ".spec.ports[*].name", R"(["http","https"])"},
        PathCase{"WildcardOfObject", ".metadata.annotations.*", R"(["v"])"},
        PathCase{"Filter", R"(.status.conditions[?(@.type=="Ready")].status)", R"(["True"])"},
        PathCase{"FilterSingleQuotes", ".status.conditions[?(@.type == 'Synced')].status",
                 R"(["False"])"},
        PathCase{"FilterNotEqual", R"(.status.conditions[?(@.type!="Ready")].type)",
                 R"(["Synced"])"},
        PathCase{"FilterNumber", ".spec.ports[?(@.number>100)].name", R"(["https"])"},
        PathCase{"FilterAtMost", ".spec.ports[?(@.number<=80)].name", R"(["http"])"},
        PathCase{"FilterExists", ".spec.ports[?(@.number)].name", R"(["http","https"])"},
        PathCase{"FilterOnValue", R"(.spec.tags[?(@=="b")])", R"(["b"])"},
        PathCase{"FilterNoMatch", R"(.status.conditions[?(@.type=="X")].status)", "[]"},
        PathCase{"EscapedDots", R"(.metadata.annotations.example\.com/key)", R"(["v"])"},
        PathCase{"QuotedName", ".metadata.annotations['example.com/key']", R"(["v"])"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(JsonPathTest, RefusesWhatItCannotRead) {
  for (const std::string& text : {std::string("spec"), std::string(".spec..x"), std::string(".a["),
                                  std::string(".a[x]"), std::string(".a[0"), std::string(".a['x"),
                                  std::string(".a[?(x)]"), std::string(".a[?(@.b==)]"),
                                  std::string(".a[?(@.b==\"c\")"), std::string(".a[?(@.b=={})]")}) {
    const auto path = JsonPath::Parse(text);
    ASSERT_FALSE(path) << text;
    EXPECT_EQ(path.error().code, ErrorCode::kInvalid);
    EXPECT_NE(path.error().message.find("offset"), std::string::npos);
  }
}

TEST(JsonPathTest, HasAtMost64Steps) {
  std::string path;
  for (int i = 0; i < 64; ++i) {
    path += ".a";
  }
  EXPECT_TRUE(JsonPath::Parse(path));
  EXPECT_FALSE(JsonPath::Parse(path + ".a"));
}

}  // namespace
}  // namespace midwatch
