#include "controller/base/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace midwatch {
namespace {

TEST(PatternTest, MatchesWholeOrPart) {
  const auto pattern = Pattern::Compile("[a-z]+");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->MatchesWhole("abc"));
  EXPECT_FALSE(pattern->MatchesWhole("abc1"));
  EXPECT_TRUE(pattern->FoundIn("1abc"));
  EXPECT_FALSE(pattern->FoundIn("123"));
  const Pattern copy = *pattern;
  EXPECT_TRUE(copy.FoundIn("x"));
}

TEST(PatternTest, CapturesGroups) {
  const auto pattern = Pattern::Compile(R"((\w+)=(\d+)?)");
  ASSERT_TRUE(pattern);
  using Groups = std::vector<std::string_view>;
  EXPECT_EQ(pattern->Capture("x a=12;"), (Groups{"a=12", "a", "12"}));
  EXPECT_EQ(pattern->Capture("a="), (Groups{"a=", "a", ""}));
  EXPECT_TRUE(pattern->Capture("a").empty());
}

TEST(PatternTest, SaysWhatIsWrong) {
  for (const char* bad : {"(", "[a", "a**", R"(\1)", "(?=a)", "a{1001}"}) {
    const auto pattern = Pattern::Compile(bad);
    ASSERT_FALSE(pattern) << bad;
    EXPECT_EQ(pattern.error().code, ErrorCode::kInvalid);
    EXPECT_TRUE(pattern.error().message.starts_with("regular expression: "));
  }
}

TEST(PatternTest, BoundsTheMemoryOfAPattern) {
  EXPECT_FALSE(Pattern::Compile("((a{100}){100}){100}"));
}

TEST(PatternTest, IsLinearInTheText) {
  const auto pattern = Pattern::Compile("(a*)*b");
  ASSERT_TRUE(pattern);
  EXPECT_FALSE(pattern->FoundIn(std::string(200'000, 'a')));
}

}  // namespace
}  // namespace midwatch
