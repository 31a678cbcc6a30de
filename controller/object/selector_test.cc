#include "controller/object/selector.h"

#include <gtest/gtest.h>

namespace midwatch {
namespace {

using Labels = LabelSelector::Labels;

struct MatchCase {
  const char* name;
  const char* selector;
  Labels labels;
  bool want;
};

class LabelSelectorTest : public testing::TestWithParam<MatchCase> {};

TEST_P(LabelSelectorTest, DecidesAsKubernetes) {
  const MatchCase& c = GetParam();
  const auto selector = LabelSelector::Parse(c.selector);
  ASSERT_TRUE(selector) << selector.error().message;
  EXPECT_EQ(selector->Matches(c.labels), c.want);
}

const Labels kWeb = {{"app", "web"}, {"tier", "a"}, {"level", "4"}, {"example.com/x", ""}};

INSTANTIATE_TEST_SUITE_P(
    Operators, LabelSelectorTest,
    testing::Values(
        MatchCase{"EmptyMatchesEverything", "", kWeb, true},
        MatchCase{"BlanksAreEmpty", "  ", kWeb, true}, MatchCase{"Equals", "app=web", kWeb, true},
        MatchCase{"EqualsOther", "app=db", kWeb, false},
        MatchCase{"EqualsMissing", "zone=a", kWeb, false},
        MatchCase{"DoubleEquals", "app==web", kWeb, true},
        MatchCase{"BlanksAround", " app = web , tier = a ", kWeb, true},
        MatchCase{"NotEquals", "app!=db", kWeb, true},
        MatchCase{"NotEqualsSame", "app!=web", kWeb, false},
        MatchCase{"NotEqualsMissingHolds", "zone!=a", kWeb, true},
        MatchCase{"EmptyValue", "example.com/x=", kWeb, true},
        MatchCase{"EmptyValueOfOther", "app=", kWeb, false},
        MatchCase{"In", "app in (db,web)", kWeb, true},
        MatchCase{"InWithoutBlank", "app in(db, web)", kWeb, true},
        MatchCase{"InOther", "app in (db, cache)", kWeb, false},
        MatchCase{"InMissing", "zone in (a)", kWeb, false},
        MatchCase{"InEmptyValue", "example.com/x in ()", kWeb, true},
        MatchCase{"NotIn", "app notin (db)", kWeb, true},
        MatchCase{"NotInSame", "app notin (db, web)", kWeb, false},
        MatchCase{"NotInMissingHolds", "zone notin (a)", kWeb, true},
        MatchCase{"Exists", "app", kWeb, true}, MatchCase{"ExistsMissing", "zone", kWeb, false},
        MatchCase{"NotExists", "!zone", kWeb, true},
        MatchCase{"NotExistsPresent", "!app", kWeb, false},
        MatchCase{"Greater", "level>3", kWeb, true},
        MatchCase{"GreaterEqual", "level>4", kWeb, false}, MatchCase{"Less", "level<5", kWeb, true},
        MatchCase{"LessOfNoNumber", "app<5", kWeb, false},
        MatchCase{"AllMustHold", "app=web,tier=b", kWeb, false},
        MatchCase{"KeyNamedIn", "in=x", {{"in", "x"}}, true},
        MatchCase{"KeyNamedNotin", "notin", {{"notin", ""}}, true}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct BadCase {
  const char* name;
  std::string selector;
  const char* message;
};

class BadLabelSelectorTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadLabelSelectorTest, IsRefusedWithTheReason) {
  const auto selector = LabelSelector::Parse(GetParam().selector);
  ASSERT_FALSE(selector);
  EXPECT_EQ(selector.error().code, ErrorCode::kBadRequest);
  EXPECT_NE(selector.error().message.find(GetParam().message), std::string::npos)
      << selector.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Grammar, BadLabelSelectorTest,
    testing::Values(
        BadCase{"TwoWords", "a b",
                R"(found "b" at offset 2, expected ',', an operator or the end)"},
        BadCase{"NoKey", "=x", "expected a label key"},
        BadCase{"TrailingComma", "a=b,", "found end of string at offset 4, expected a label key"},
        BadCase{"LeadingComma", ",a", "expected a label key"},
        BadCase{"OpenList", "a in (b", "expected ',' or ')'"},
        BadCase{"NoList", "a in b", "expected ("},
        BadCase{"BadKey", "-a=b", "key \"-a\": name part must consist of"},
        BadCase{"BadPrefix", "A_/b", "prefix part a lowercase RFC 1123 subdomain"},
        BadCase{"BadValue", "a=b_", "value \"b_\": a valid label must be"},
        BadCase{"LongValue", "a=" + std::string(64, 'x'), "must be no more than 63 bytes"},
        BadCase{"LongKey", std::string(64, 'x'), "name part must be no more than 63 bytes"},
        BadCase{"NotANumber", "a>x", "expected an integer"},
        BadCase{"EqualsTwice", "a=b=c", "expected ',' or the end"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(LabelSelectorFromJsonTest, ReadsMatchLabelsAndExpressions) {
  const auto json = ParseJson(R"({"matchLabels":{"app":"web"},"matchExpressions":[
      {"key":"tier","operator":"In","values":["a","b"]},
      {"key":"old","operator":"DoesNotExist"}]})");
  const auto selector = LabelSelector::FromJson(*json);
  ASSERT_TRUE(selector);
  EXPECT_TRUE(selector->Matches(kWeb));
  EXPECT_FALSE(selector->Matches({{"app", "web"}, {"tier", "c"}}));
  EXPECT_FALSE(selector->Matches({{"app", "web"}, {"tier", "a"}, {"old", ""}}));
  EXPECT_EQ(selector->requirements().size(), 3U);
}

TEST(LabelSelectorFromJsonTest, NamesTheFieldThatIsWrong) {
  const auto message = [](const char* text) {
    const auto selector = LabelSelector::FromJson(*ParseJson(text));
    return selector ? std::string("accepted") : selector.error().message;
  };
  EXPECT_EQ(message(R"({"matchExpressions":[{"key":"a","operator":"Like"}]})"),
            "matchExpressions[0].operator: \"Like\": expected In, NotIn, Exists or DoesNotExist");
  EXPECT_EQ(message(R"({"matchExpressions":[{"key":"a","operator":"In"}]})"),
            "matchExpressions[0].values: must be specified when operator is In or NotIn");
  EXPECT_EQ(
      message(R"({"matchExpressions":[{"key":"a","operator":"Exists","values":["x"]}]})"),
      "matchExpressions[0].values: may not be specified when operator is Exists or DoesNotExist");
}

struct FieldCase {
  const char* name;
  const char* selector;
  bool want;
};

class FieldSelectorTest : public testing::TestWithParam<FieldCase> {};

TEST_P(FieldSelectorTest, ComparesTheFields) {
  const auto selector = FieldSelector::Parse(GetParam().selector);
  ASSERT_TRUE(selector) << selector.error().message;
  const auto value_of = [](std::string_view field) {
    return std::string(field == "metadata.name" ? "w1" : field == "spec.note" ? "a=b,c\\" : "");
  };
  EXPECT_EQ(selector->Matches(value_of), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Grammar, FieldSelectorTest,
    testing::Values(FieldCase{"Empty", "", true}, FieldCase{"Equal", "metadata.name=w1", true},
                    FieldCase{"DoubleEqual", "metadata.name==w1", true},
                    FieldCase{"Other", "metadata.name=w2", false},
                    FieldCase{"NotEqual", "metadata.name!=w1", false},
                    FieldCase{"BothMustHold", "metadata.name=w1,spec.color=red", false},
                    FieldCase{"AbsentIsEmpty", "spec.color=", true},
                    FieldCase{"Escapes", R"(spec.note=a\=b\,c\\)", true}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(FieldSelectorTest, RefusesWhatItCannotRead) {
  for (const char* text : {"metadata.name", "=x", "a=b=c", "a=b\\x", "a=b\\"}) {
    const auto selector = FieldSelector::Parse(text);
    ASSERT_FALSE(selector) << text;
    EXPECT_EQ(selector.error().code, ErrorCode::kBadRequest);
  }
}

}  // namespace
}  // namespace midwatch
