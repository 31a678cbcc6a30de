#include "controller/object/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace midwatch {
namespace {

struct RoundTrip {
  const char* name;
  const char* text;
  const char* want;
};

class JsonRoundTripTest : public testing::TestWithParam<RoundTrip> {};

TEST_P(JsonRoundTripTest, PrintsWhatItRead) {
  const auto value = ParseJson(GetParam().text);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(value->Dump(), GetParam().want);
  EXPECT_EQ(*ParseJson(value->Dump()), *value);
  EXPECT_EQ(*ParseJson(value->DumpPretty()), *value);
}

INSTANTIATE_TEST_SUITE_P(
    Values, JsonRoundTripTest,
    testing::Values(RoundTrip{"Null", "null", "null"}, RoundTrip{"True", " true ", "true"},
                    RoundTrip{"SortsMembers", R"({"b":1,"a":{"d":[],"c":{}}})",
                              R"({"a":{"c":{},"d":[]},"b":1})"},
                    RoundTrip{"LastDuplicateWins", R"({"a":1,"a":2})", R"({"a":2})"},
                    RoundTrip{"EmptyName", R"({"":1})", R"({"":1})"},
                    RoundTrip{"LargestInt", "9223372036854775807", "9223372036854775807"},
                    RoundTrip{"SmallestInt", "-9223372036854775808", "-9223372036854775808"},
                    RoundTrip{"BeyondInt", "9223372036854775808", "9223372036854775808"},
                    RoundTrip{"Fraction", "0.1", "0.1"}, RoundTrip{"Exponent", "1e3", "1000"},
                    RoundTrip{"Escapes", R"("\u0041\n\t\"\\\/")", R"("A\n\t\"\\/")"},
                    RoundTrip{"ControlCharacter", R"("\u0001")", R"("\u0001")"},
                    RoundTrip{"Surrogates", R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""},
                    RoundTrip{"Utf8", "\"\xC3\xA9\xE2\x82\xAC\"", "\"\xC3\xA9\xE2\x82\xAC\""},
                    RoundTrip{"NulInText", R"("a\u0000b")", R"("a\u0000b")"}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct BadJson {
  const char* name;
  std::string text;
  const char* message;
};

class BadJsonTest : public testing::TestWithParam<BadJson> {};

TEST_P(BadJsonTest, IsRefusedWithItsPosition) {
  const auto value = ParseJson(GetParam().text);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, ErrorCode::kBadRequest);
  EXPECT_TRUE(value.error().message.starts_with(GetParam().message)) << value.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, BadJsonTest,
    testing::Values(BadJson{"Empty", "", "line 1, column 1: "},
                    BadJson{"Cut", "{\"a\":", "line 1, column 6: "},
                    BadJson{"SecondLine", "{\n  \"a\": x}", "line 2, column 8: "},
                    BadJson{"TrailingComma", "[1,]", "line 1, column 4: "},
                    BadJson{"TwoValues", "{} {}", "line 1, column 4: "},
                    BadJson{"Comment", "// x\n1", "line 1, column 1: "},
                    BadJson{"SingleQuotes", "{'a':1}", "line 1, column 2: "},
                    BadJson{"LeadingZero", "01", "line 1, column 2: "},
                    BadJson{"NaN", "NaN", "line 1, column 1: "},
                    BadJson{"BadUtf8", "\"\xC3(\"", "line 1, column 3: "},
                    BadJson{"Overlong", "\"\xC0\xAF\"", "line 1, column 2: "},
                    BadJson{"RawSurrogate", "\"\xED\xA0\x80\"", "line 1, column 3: "},
                    BadJson{"LoneSurrogate", R"("\ud800")", "line 1, column 8: "},
                    BadJson{"RawControl", "\"a\nb\"", "line 1, column 3: "},
                    BadJson{"TooLargeNumber", "1e999", "line 1, column 5: "}),
    [](const auto& suite) { return std::string(suite.param.name); });

std::string Nested(int depth) {
  const auto count = static_cast<std::size_t>(depth);
  return std::string(count, '[') + std::string(count, ']');
}

TEST(JsonLimitsTest, CountsBytes) {
  const JsonLimits limits{.bytes = 4};
  EXPECT_TRUE(ParseJson("1234", limits));
  const auto over = ParseJson("12345", limits);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(over.error().message, "the document has 5 bytes, expected at most 4");
}

TEST(JsonLimitsTest, CountsDepth) {
  EXPECT_TRUE(ParseJson(Nested(64)));
  const auto over = ParseJson(Nested(65));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().message, "nested deeper than 64 levels");
  EXPECT_FALSE(ParseJson(Nested(1'000'000)));
}

TEST(JsonLimitsTest, CountsValues) {
  const JsonLimits limits{.nodes = 3};
  EXPECT_TRUE(ParseJson("[1,2]", limits));
  EXPECT_FALSE(ParseJson("[1,2,3]", limits));
}

TEST(JsonDuplicatesTest, AreNotedWithTheirPath) {
  const auto parsed =
      ParseJson(R"({"spec":{"color":1,"color":2},"list":[0,{"a":1,"a":2}]})", JsonLimits{});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->duplicates, (std::vector<std::string>{"spec.color", "list[1].a"}));
}

TEST(JsonDuplicatesTest, AreRefusedOnDemand) {
  const auto parsed = ParseJson(R"({"spec":{"color":1,"color":2}})", {.reject_duplicates = true});
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, "duplicate member \"spec.color\"");
}

TEST(JsonLimitsTest, TheOrderOfMembersCostsNothing) {
  std::string text = "{\"z\":0";
  for (int i = 200'000; i > 0; --i) {  // Minutes, if each were inserted where it belongs.
    text += ",\"k" + std::to_string(1'000'000 + i) + "\":0";
  }
  const auto value = ParseJson(text + "}");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->Members().size(), 200'001U);
  EXPECT_EQ(value->Members().front().name, "k1000001");
}

TEST(JsonDuplicatesTest, AreNotedAHundredTimes) {
  std::string text = "{\"a\":0";
  for (int i = 0; i < 200; ++i) {
    text += ",\"a\":0";
  }
  const auto parsed = ParseJson(text + "}", JsonLimits{});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->duplicates.size(), 100U);
}

TEST(JsonTest, AsksOfTheWrongTypeGiveTheNeutralValue) {
  const Json text("x");
  EXPECT_FALSE(text.AsBool());
  EXPECT_EQ(text.AsInt(), 0);
  EXPECT_EQ(text.AsDouble(), 0.0);
  EXPECT_TRUE(text.Items().empty());
  EXPECT_TRUE(text.Members().empty());
  EXPECT_EQ(text.Find("a"), nullptr);
  EXPECT_TRUE(text.At("a", "b").IsNull());
  EXPECT_EQ(Json(7).AsString(), "");
  EXPECT_EQ(Json(7).AsDouble(), 7.0);
}

TEST(JsonTest, KeepsMembersSortedAndSingle) {
  Json object = Json::Of({{"b", 1}, {"a", 2}});
  object.Set("b", 3);
  object["c"]["d"] = true;
  EXPECT_EQ(object.Dump(), R"({"a":2,"b":3,"c":{"d":true}})");
  EXPECT_TRUE(object.Erase("b"));
  EXPECT_FALSE(object.Erase("b"));
  EXPECT_EQ(object.Dump(), R"({"a":2,"c":{"d":true}})");
}

TEST(JsonTest, ComparesNumbersByValue) {
  EXPECT_EQ(Json(1), Json(1.0));
  EXPECT_NE(Json(1), Json("1"));
  EXPECT_NE(Json(false), Json(0));
  EXPECT_NE(Json(), Json::EmptyObject());
}

TEST(JsonTest, NamesTypes) {
  EXPECT_EQ(Json().TypeName(), "null");
  EXPECT_EQ(Json(true).TypeName(), "boolean");
  EXPECT_EQ(Json(1).TypeName(), "integer");
  EXPECT_EQ(Json(1.5).TypeName(), "number");
  EXPECT_EQ(Json("").TypeName(), "string");
  EXPECT_EQ(Json::EmptyArray().TypeName(), "array");
  EXPECT_EQ(Json::EmptyObject().TypeName(), "object");
}

TEST(JsonTest, PrintsBadUtf8AsReplacementCharacter) {
  EXPECT_EQ(Json("a\xFFz").Dump(), "\"a\xEF\xBF\xBDz\"");
}

TEST(JsonTest, PrintsWhatJsonCannotSayAsNull) {
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).Dump(), "null");
}

TEST(JsonTest, CopiesShareUntilOneIsWritten) {
  const Json first = *ParseJson(R"({"meta":{"name":"a"},"list":[{"x":1},{"y":2}]})");
  Json second = first;
  EXPECT_TRUE(second.SharesWith(first));
  second["meta"].Set("name", "b");
  second["list"].MutableItems()[0].Set("x", 3);
  EXPECT_EQ(first.Dump(), R"({"list":[{"x":1},{"y":2}],"meta":{"name":"a"}})");
  EXPECT_EQ(second.Dump(), R"({"list":[{"x":3},{"y":2}],"meta":{"name":"b"}})");
  EXPECT_TRUE(second.At("list").Items()[1].SharesWith(first.At("list").Items()[1]));
  EXPECT_FALSE(second.At("meta").SharesWith(first.At("meta")));
  EXPECT_FALSE(Json(1).SharesWith(Json(1)));
}

TEST(JsonTest, APartFoundToBeWrittenIsNotShared) {
  const Json first = *ParseJson(R"({"meta":{"name":"a"}})");
  Json second = first;
  second.FindMutable("meta")->Erase("name");
  EXPECT_EQ(first.Dump(), R"({"meta":{"name":"a"}})");
  EXPECT_EQ(second.FindMutable("none"), nullptr);
}

TEST(JsonTest, KnowsWhetherItIsReadAsItWas) {
  const auto exact = [](const Json& value) {
    std::string text;
    return Json::ArrayOf({value}).DumpTo(text);
  };
  EXPECT_TRUE(exact(*ParseJson(R"({"a":[1,1.5,1e300,-0.1,"x\n",true,null]})")));
  EXPECT_FALSE(exact(Json(1.0)));
  EXPECT_FALSE(exact(Json(-0.0)));
  EXPECT_FALSE(exact(Json(std::numeric_limits<double>::infinity())));
  EXPECT_FALSE(exact(Json("a\xFFz")));
  EXPECT_FALSE(exact(Json::Of({{"a\xFF", 1}})));
}

TEST(JsonTest, PrintsPretty) {
  EXPECT_EQ(ParseJson(R"({"a":[1,{}],"b":{"c":"d"}})")->DumpPretty(),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": \"d\"\n  }\n}");
}

}  // namespace
}  // namespace midwatch
