#include "controller/object/name_rules.h"

#include <gtest/gtest.h>

namespace midwatch {
namespace {

struct NameCase {
  const char* name;
  std::string text;
  bool subdomain;
  bool label;
  bool qualified;
  bool value;
};

class NameRulesTest : public testing::TestWithParam<NameCase> {};

TEST_P(NameRulesTest, AcceptWhatKubernetesAccepts) {
  const NameCase& c = GetParam();
  EXPECT_EQ(!CheckDnsSubdomain(c.text), c.subdomain);
  EXPECT_EQ(!CheckDnsLabel(c.text), c.label);
  EXPECT_EQ(!CheckQualifiedName(c.text), c.qualified);
  EXPECT_EQ(!CheckLabelValue(c.text), c.value);
}

INSTANTIATE_TEST_SUITE_P(
    Names, NameRulesTest,
    testing::Values(
        //       name            text                    subdomain label qualified value
        NameCase{"Plain", "web-1", true, true, true, true},
        NameCase{"Empty", "", false, false, false, true},
        NameCase{"Dots", "a.b-c.d", true, false, true, true},
        NameCase{"DoubleDot", "a..b", false, false, true, true},
        NameCase{"Upper", "Web", false, false, true, true},
        NameCase{"Underscore", "a_b", false, false, true, true},
        NameCase{"LeadingDash", "-a", false, false, false, false},
        NameCase{"TrailingDash", "a-", false, false, false, false},
        NameCase{"TrailingDot", "a.", false, false, false, false},
        NameCase{"Prefixed", "example.com/a", false, false, true, false},
        NameCase{"EmptyPrefix", "/a", false, false, false, false},
        NameCase{"EmptyName", "a/", false, false, false, false},
        NameCase{"TwoSlashes", "a/b/c", false, false, false, false},
        NameCase{"Blank", "a b", false, false, false, false},
        NameCase{"NotAscii", "\xC3\xA9", false, false, false, false},
        NameCase{"Length63", std::string(63, 'a'), true, true, true, true},
        NameCase{"Length64", std::string(64, 'a'), true, false, false, false},
        NameCase{"Length253", std::string(253, 'a'), true, false, false, false},
        NameCase{"Length254", std::string(254, 'a'), false, false, false, false}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(SetLabelTest, LeavesOutWhatFitsNoLabel) {
  std::map<std::string, std::string, std::less<>> labels;
  SetLabel(labels, "a", std::string(63, 'x'));
  SetLabel(labels, "b", std::string(64, 'x'));
  SetLabel(labels, "c", "");
  SetLabel(labels, "d", "two words");
  EXPECT_EQ(labels.size(), 1U);
  EXPECT_TRUE(labels.contains("a"));
}

TEST(NameStemTest, MayBeContinuedWhereverItIsCut) {
  const std::string name = "a.b-c.d";
  for (std::size_t longest = 1; longest <= name.size() + 1; ++longest) {
    const std::string continued = std::string(NameStem(name, longest)) + "-1";
    EXPECT_FALSE(CheckDnsSubdomain(continued)) << continued;
    EXPECT_LE(continued.size(), longest + 2);
  }
  EXPECT_EQ(NameStem(name, 100), name);
}

}  // namespace
}  // namespace midwatch
