#include "controller/apiserver/strategic_merge.h"

#include <gtest/gtest.h>

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
