#include "controller/base/text.h"

#include <gtest/gtest.h>

namespace midwatch {
namespace {

TEST(TextTest, Splits) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(Split("a,b", ','), (Parts{"a", "b"}));
  EXPECT_EQ(Split("", ','), (Parts{""}));
  EXPECT_EQ(Split(",a,", ','), (Parts{"", "a", ""}));
}

TEST(TextTest, Joins) {
  EXPECT_EQ(Join({}, ", "), "");
  EXPECT_EQ(Join({"a"}, ", "), "a");
  EXPECT_EQ(Join({"a", "", "b"}, ", "), "a, , b");
}

TEST(TextTest, TrimsAndLowers) {
  EXPECT_EQ(Trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(ToLower("AbZ9\xC3\x89"), "abz9\xC3\x89");
}

TEST(TextTest, QuotesForMessages) {
  EXPECT_EQ(Quote("a"), R"("a")");
  EXPECT_EQ(Quote("\"\\\n\t\r"), R"("\"\\\n\t\r")");
  EXPECT_EQ(Quote(std::string_view("\x01\x7F\0", 3)), R"("\u0001\u007f\u0000")");
  EXPECT_EQ(Quote("\xC3\xA9"), "\"\xC3\xA9\"");
  EXPECT_EQ(Quote("\u009b2J\u202e\u2066\u200f"), R"("\u009b2J\u202e\u2066\u200f")");
  EXPECT_EQ(Quote("\u00a0\u2010\u206a"), "\"\u00a0\u2010\u206a\"");
}

struct NearCase {
  const char* name;
  const char* word;
  const char* want;  ///< Empty: nothing is near.
};

class NearestWordTest : public testing::TestWithParam<NearCase> {};

TEST_P(NearestWordTest, GuessesWhatWasMeant) {
  const auto nearest =
      NearestWord(GetParam().word, {"missionType", "agentRef", "sidecarName", "isDisabled", "ref"});
  EXPECT_EQ(nearest.value_or(""), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(Words, NearestWordTest,
                         testing::Values(NearCase{"Swap", "misisonType", "missionType"},
                                         NearCase{"Case", "MISSIONTYPE", "missionType"},
                                         NearCase{"Missing", "agentRf", "agentRef"},
                                         NearCase{"Extra", "agentsRef", "agentRef"},
                                         NearCase{"Short", "rex", "ref"},
                                         NearCase{"Far", "colour", ""}, NearCase{"Empty", "", ""}),
                         [](const auto& suite) { return std::string(suite.param.name); });

TEST(NearestWordTest, DoesNotCompareVeryLongWords) {
  const std::string longest(64, 'a');
  const std::string longer(65, 'a');
  EXPECT_TRUE(NearestWord(longest, {longest}));
  EXPECT_FALSE(NearestWord(longer, {longer}));
  EXPECT_FALSE(NearestWord(longest, {longer}));
}

struct Utf8Case {
  const char* name;
  std::string text;
  int bad_at;  ///< -1: well-formed.
};

class Utf8Test : public testing::TestWithParam<Utf8Case> {};

TEST_P(Utf8Test, FindsTheFirstBadByte) {
  const auto found = FindInvalidUtf8(GetParam().text);
  EXPECT_EQ(found ? static_cast<int>(*found) : -1, GetParam().bad_at);
}

// Unicode 15, table 3-7 and its borders.
INSTANTIATE_TEST_SUITE_P(
    Table, Utf8Test,
    testing::Values(
        Utf8Case{"Ascii", "abc", -1}, Utf8Case{"Empty", "", -1},
        Utf8Case{"Nul", std::string(1, '\0'), -1}, Utf8Case{"TwoBytes", "\xC2\x80\xDF\xBF", -1},
        Utf8Case{"ThreeBytes", "\xE0\xA0\x80\xEF\xBF\xBF", -1},
        Utf8Case{"FourBytes", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", -1},
        Utf8Case{"LoneContinuation", "a\x80", 1}, Utf8Case{"Overlong2", "\xC1\xBF", 0},
        Utf8Case{"Overlong3", "\xE0\x9F\xBF", 0}, Utf8Case{"Overlong4", "\xF0\x8F\xBF\xBF", 0},
        Utf8Case{"Surrogate", "\xED\xA0\x80", 0}, Utf8Case{"BeforeSurrogates", "\xED\x9F\xBF", -1},
        Utf8Case{"TooHigh", "\xF4\x90\x80\x80", 0}, Utf8Case{"F5", "\xF5\x80\x80\x80", 0},
        Utf8Case{"Cut", "ab\xE2\x82", 2}, Utf8Case{"BadSecond", "\xE2(\xA1", 0},
        Utf8Case{"Ff", "\xFF", 0}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(Utf8PrefixTest, CutsAtABorder) {
  EXPECT_EQ(Utf8Prefix("a\xC3\xA9z", 10), "a\xC3\xA9z");
  EXPECT_EQ(Utf8Prefix("a\xC3\xA9z", 3), "a\xC3\xA9");
  EXPECT_EQ(Utf8Prefix("a\xC3\xA9z", 2), "a");
  EXPECT_EQ(Utf8Prefix("\xF0\x9F\x98\x80", 3), "");
  EXPECT_EQ(Utf8Prefix("abc", 0), "");
}

}  // namespace
}  // namespace midwatch
