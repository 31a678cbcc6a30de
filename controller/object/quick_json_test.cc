#include "controller/object/quick_json.h"

#include <gtest/gtest.h>

#include <string>

namespace midwatch {
namespace {

struct QuickCase {
  const char* name;
  std::string text;
  std::string want;  ///< As Dump gives it; empty: left to the general parser.
};

class QuickJsonTest : public testing::TestWithParam<QuickCase> {};

TEST_P(QuickJsonTest, ReadsWhatIsUsualAndLeavesTheRest) {
  const JsonLimits limits{.bytes = 1000, .depth = 3, .nodes = 8};
  const std::optional<Json> read = ReadQuickly(GetParam().text, limits);
  EXPECT_EQ(read ? read->Dump() : "", GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Values, QuickJsonTest,
    testing::Values(QuickCase{"Null", " null ", "null"}, QuickCase{"True", "true", "true"},
                    QuickCase{"LargestInteger", "9223372036854775807", "9223372036854775807"},
                    QuickCase{"SmallestInteger", "-9223372036854775808", "-9223372036854775808"},
                    QuickCase{"BeyondInt64", "9223372036854775808", ""},
                    QuickCase{"BeyondUint64", "18446744073709551616", ""},
                    QuickCase{"Fraction", "1.5", "1.5"}, QuickCase{"Exponent", "1e3", "1000"},
                    QuickCase{"MinusZero", "-0", "0"}, QuickCase{"LeadingZero", "01", ""},
                    QuickCase{"Infinite", "1e999", ""},
                    QuickCase{"Escapes", R"("\n\u00e9\ud83d\ude00")", "\"\\né😀\""},
                    QuickCase{"LoneSurrogate", R"("\ud83d")", ""},
                    QuickCase{"ControlCharacter", "\"\n\"", ""},
                    QuickCase{"NoUtf8", "\"\xff\"", ""}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Shapes, QuickJsonTest,
    testing::Values(QuickCase{"Sorts", R"({"b":1,"a":2})", R"({"a":2,"b":1})"},
                    QuickCase{"SameNameTwice", R"({"a":1,"a":2})", ""},
                    QuickCase{"SameNameTwiceApart", R"({"a":1,"b":0,"a":2})", ""},
                    QuickCase{"AsDeepAsAllowed", "[[[1]]]", "[[[1]]]"},
                    QuickCase{"TooDeep", "[[[[1]]]]", ""},
                    QuickCase{"AsManyAsAllowed", "[1,2,3,4,5,6,7]", "[1,2,3,4,5,6,7]"},
                    QuickCase{"TooMany", "[1,2,3,4,5,6,7,8]", ""}, QuickCase{"Empty", "", ""},
                    QuickCase{"TwoDocuments", "1 2", ""}, QuickCase{"TrailingComma", "[1,]", ""},
                    QuickCase{"Unfinished", R"({"a":)", ""}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(QuickJsonTest, WhatItLeavesIsReadOrRefusedByTheGeneralParser) {
  EXPECT_EQ(ParseJson("9223372036854775808")->AsDouble(), 9223372036854775808.0);
  EXPECT_EQ(ParseJson(R"({"a":1,"a":2})")->At("a").AsInt(), 2);
  EXPECT_NE(ParseJson("[1,]").error().message.find("line 1, column 4"), std::string::npos)
      << ParseJson("[1,]").error().message;
}

}  // namespace
}  // namespace midwatch
