#include "controller/manifest/diff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>

namespace midwatch::manifest {
namespace {

Json Tree(std::string_view text) { return *ParseJson(text); }

std::string Shown(const std::vector<FieldChange>& changes) {
  std::string out;
  for (const FieldChange& change : changes) {
    constexpr std::string_view kMarks = "+-~";
    out += kMarks[static_cast<std::size_t>(change.kind)];
    out += " " + change.field + ": " + change.before.Dump() + " -> " + change.after.Dump() + "\n";
  }
  return out;
}

struct DiffCase {
  std::string_view name;
  std::string_view before;
  std::string_view after;
  std::string_view want;
};
void PrintTo(const DiffCase& c, std::ostream* out) { *out << c.name; }

class DiffFieldsTest : public testing::TestWithParam<DiffCase> {};

TEST_P(DiffFieldsTest, Names) {
  const DiffCase& c = GetParam();
  EXPECT_EQ(Shown(DiffFields(Tree(c.before), Tree(c.after))), c.want);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, DiffFieldsTest,
    testing::Values(
        DiffCase{"Nothing", R"({"a":1})", R"({"a":1.0})", ""},
        DiffCase{"Changed", R"({"spec":{"a":1}})", R"({"spec":{"a":2}})", "~ spec.a: 1 -> 2\n"},
        DiffCase{"OtherType", R"({"a":{"b":1}})", R"({"a":[1]})", "~ a: {\"b\":1} -> [1]\n"},
        DiffCase{"AddedAndRemoved", R"({"a":1,"c":{"d":2}})", R"({"b":[],"c":{}})",
                 "- a: 1 -> null\n+ b: null -> []\n- c.d: 2 -> null\n"},
        DiffCase{"Items", R"({"l":[1,{"x":1},3]})", R"({"l":[1,{"x":2}]})",
                 "~ l[1].x: 1 -> 2\n- l[2]: 3 -> null\n"},
        DiffCase{"ItemAdded", R"({"l":[]})", R"({"l":["a"]})", "+ l[0]: null -> \"a\"\n"},
        DiffCase{"LabelsWithDots", R"({"metadata":{"labels":{"a.b/c":"x"}}})",
                 R"({"metadata":{"labels":{"a.b/c":"y"}}})",
                 "~ metadata.labels[a.b/c]: \"x\" -> \"y\"\n"},
        DiffCase{"ServerFieldsAreNoDifference",
                 R"({"metadata":{"name":"a","uid":"1","resourceVersion":"7","generation":1,
                     "managedFields":[{}],"creationTimestamp":"t"},"status":{"x":1}})",
                 R"({"metadata":{"name":"a"}})", ""},
        DiffCase{
            "SecretsAreHidden",
            R"({"apiVersion":"v1","kind":"Secret","data":{"a":"c2FtZQ==","b":"b2xk","d":"ZA=="}})",
            R"({"apiVersion":"v1","kind":"Secret","data":{"a":"c2FtZQ==","b":"bmV3","e":"ZQ=="}})",
            "~ data.b: \"(hidden, before)\" -> \"(hidden, after)\"\n"
            "- data.d: \"(hidden)\" -> null\n+ data.e: null -> \"(hidden)\"\n"}),
    [](const auto& suite) { return std::string(suite.param.name); });

constexpr std::string_view kBefore =
    R"({"kind":"Agent","metadata":{"name":"a","labels":{"x":"1","y":"2","z":"3"}},
        "spec":{"permissions":"DenyAll","suspend":false}})";
constexpr std::string_view kAfter =
    R"({"kind":"Agent","metadata":{"name":"a","labels":{"x":"1","y":"2","z":"3"}},
        "spec":{"defaultSidecar":"claude","permissions":"DenyAll","suspend":true}})";

TEST(RenderDiffTest, ShowsLinesWithContext) {
  EXPECT_EQ(RenderDiff(Tree(kBefore), Tree(kAfter), {.color = false, .context = 1}),
            "  ...\n"
            "  spec:\n"
            "+   defaultSidecar: claude\n"
            "    permissions: DenyAll\n"
            "-   suspend: false\n"
            "+   suspend: true\n");
}

TEST(RenderDiffTest, ColoursWhatChanges) {
  EXPECT_EQ(RenderDiff(Tree(R"({"a":1})"), Tree(R"({"a":2})"), {.color = true, .context = 3}),
            "\x1B[31m- a: 1\x1B[0m\n\x1B[32m+ a: 2\x1B[0m\n");
}

TEST(RenderDiffTest, ShowsWhatIsNewAndWhatGoes) {
  const Json object = Tree(R"({"kind":"Stack","metadata":{"name":"core","uid":"1"}})");
  EXPECT_EQ(RenderDiff(nullptr, object), "+ kind: Stack\n+ metadata:\n+   name: core\n");
  EXPECT_EQ(RenderDiff(object, nullptr), "- kind: Stack\n- metadata:\n-   name: core\n");
  EXPECT_EQ(RenderDiff(object, object), "");
}

TEST(RenderDiffTest, NeverShowsValuesOfSecrets) {
  const Json before = Tree(R"({"apiVersion":"v1","kind":"Secret","data":{"a":"b2xk"}})");
  const Json after =
      Tree(R"({"apiVersion":"v1","kind":"Secret","data":{"a":"bmV3"},"stringData":{"b":"plain"}})");
  for (const std::string& text :
       {RenderDiff(before, after), RenderDiff(nullptr, after), RenderDiff(before, nullptr)}) {
    EXPECT_EQ(text.find("b2xk"), std::string::npos);
    EXPECT_EQ(text.find("bmV3"), std::string::npos);
    EXPECT_EQ(text.find("plain"), std::string::npos);
  }
  EXPECT_NE(RenderDiff(before, after).find("(hidden, after)"), std::string::npos);
}

TEST(RenderDiffTest, HugeObjectsAreReplacedRatherThanCompared) {
  Json before = Json::EmptyObject();
  Json after = Json::EmptyObject();
  for (int i = 0; i < 3000; ++i) {
    before.Set("a" + std::to_string(i), i);
    after.Set("b" + std::to_string(i), i);
  }
  const std::string text = RenderDiff(before, after);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6000);
}

}  // namespace
}  // namespace midwatch::manifest
