#include "controller/apiserver/strategic_merge.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>

#include "controller/apiserver/test_world.h"

namespace midwatch::apiserver {
namespace {

struct MergeCase {
  const char* name;
  std::string target;
  std::string patch;
  std::string want;  ///< `!`: an error.
};

class StrategicMergeTest : public testing::TestWithParam<MergeCase> {};

TEST_P(StrategicMergeTest, Merges) {
  const MergeCase& c = GetParam();
  const auto merged = ApplyStrategicMerge(J(c.target), J(c.patch));
  if (c.want == "!") {
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().code, ErrorCode::kBadRequest);
    return;
  }
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->Dump(), J(c.want).Dump());
}

/// A patch of this many members takes minutes where each is looked for among all.
constexpr int kMany = 80'000;

std::string Listed(int count, const std::function<std::string(int)>& one) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += (i == 0 ? "" : ",") + one(i);
  }
  return out;
}

std::string Named(int i) { return R"("k)" + std::to_string(1'000'000 + i) + R"(")"; }

TEST(StrategicMergeSizeTest, ManyMembersAreMergedInAMoment) {
  const std::string names = Listed(kMany, Named);
  const std::string members = Listed(kMany, [](int i) { return Named(i) + ":1"; });
  const std::string nulls = Listed(kMany, [](int i) { return Named(i) + ":null"; });
  const std::string owners =
      Listed(kMany, [](int i) { return R"({"uid":)" + Named(i) + R"(,"name":"a"})"; });
  const std::string long_name(1 << 20, 'n');
  const std::string old = R"({"metadata":{"labels":{"z":1},"finalizers":[)" + names +
                          R"(],"ownerReferences":[{"uid":"u"}],"annotations":{)" + members + "}}}";
  const std::string patches[] = {
      R"({"metadata":{"ownerReferences":[)" + owners + "]}}",
      R"({"metadata":{"finalizers":[)" + names + "]}}",
      R"({"metadata":{"$deleteFromPrimitiveList/finalizers":[)" + names + "]}}",
      R"({"metadata":{"annotations":{"$retainKeys":[)" + names + R"(],"k":1}}})",
      R"({"metadata":{"annotations":{)" + nulls + "}}}",
      R"({"metadata":{")" + long_name + R"(":{)" + members + "}}}",
  };
  const auto target = ParseJson(old);
  ASSERT_TRUE(target);
  for (const std::string& text : patches) {
    const auto patch = ParseJson(text);
    ASSERT_TRUE(patch);
    const auto began = std::chrono::steady_clock::now();
    const auto merged = ApplyStrategicMerge(*target, *patch);
    EXPECT_TRUE(merged.has_value()) << text.substr(0, 80);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5))
        << text.substr(0, 80);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, StrategicMergeTest,
    testing::Values(
        MergeCase{"AddsSetsAndRemoves", R"({"data":{"a":"1","b":"2"}})",
                  R"({"data":{"a":null,"b":"3","c":"4"}})", R"({"data":{"b":"3","c":"4"}})"},
        MergeCase{"ListsAreReplaced", R"({"l":[1,2]})", R"({"l":[3]})", R"({"l":[3]})"},
        MergeCase{"ReplacesAMap", R"({"data":{"a":"1"}})",
                  R"({"data":{"$patch":"replace","b":"2"}})", R"({"data":{"b":"2"}})"},
        MergeCase{"DeletesAMap", R"({"data":{"a":"1"},"x":1})", R"({"data":{"$patch":"delete"}})",
                  R"({"x":1})"},
        MergeCase{"RetainsKeys", R"({"data":{"a":"1","b":"2","c":"3"}})",
                  R"({"data":{"$retainKeys":["a","b"],"b":"4"}})", R"({"data":{"a":"1","b":"4"}})"},
        MergeCase{
            "FinalizersAreASet", R"({"metadata":{"finalizers":["a","b"]}})",
            R"({"metadata":{"finalizers":["b","c"],"$setElementOrder/finalizers":["a","b"]}})",
            R"({"metadata":{"finalizers":["a","b","c"]}})"},
        MergeCase{"DeletesFromALists", R"({"metadata":{"finalizers":["a","b"]}})",
                  R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}})",
                  R"({"metadata":{"finalizers":["b"]}})"},
        MergeCase{"OwnersMergeByUid",
                  R"({"metadata":{"ownerReferences":[{"uid":"1","name":"a"},{"uid":"2"}]}})",
                  R"({"metadata":{"ownerReferences":[{"uid":"1","controller":true},
                      {"uid":"2","$patch":"delete"},{"uid":"3"}]}})",
                  R"({"metadata":{"ownerReferences":[{"controller":true,"name":"a","uid":"1"},
                      {"uid":"3"}]}})"},
        MergeCase{"ConditionsMergeByType",
                  R"({"status":{"conditions":[{"type":"A","status":"True"}]}})",
                  R"({"status":{"conditions":[{"type":"A","status":"False"},{"type":"B"}]}})",
                  R"({"status":{"conditions":[{"status":"False","type":"A"},{"type":"B"}]}})"},
        MergeCase{"AListReplacedWhole", R"({"metadata":{"finalizers":["a"]}})",
                  R"({"metadata":{"finalizers":[{"$patch":"replace"},"b"]}})",
                  R"({"metadata":{"finalizers":["b"]}})"},
        MergeCase{"DirectivesNeverStay", "{}", R"({"a":{"b":{"$patch":"merge","c":1}}})",
                  R"({"a":{"b":{"c":1}}})"},
        MergeCase{"UnknownDirective", "{}", R"({"a":{"$patch":"explode"}})", "!"},
        MergeCase{"NoObject", "{}", "[]", "!"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace midwatch::apiserver
