#include "controller/schema/cel_program.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace midwatch::schema {
namespace {

Json Tree(std::string_view text) {
  Result<Json> parsed = ParseJson(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : Json();
}

std::string Outcome(std::string_view rule, const Json& self, const Json* old_self = nullptr) {
  const Result<CelProgram> program = CelProgram::Compile(rule);
  if (!program) {
    return "compile: " + program.error().message;
  }
  CelBudget budget;
  const Result<CelValue> value = program->Evaluate({&self, old_self}, budget);
  return value ? value->ToJson().Dump() : "error: " + value.error().message;
}

struct CelCase {
  std::string_view rule;
  std::string_view self;
  std::string_view want;  ///< JSON, `error: …` or `compile: …`.
};

void PrintTo(const CelCase& c, std::ostream* out) { *out << c.rule; }

class CelTest : public testing::TestWithParam<CelCase> {};

TEST_P(CelTest, Evaluates) {
  const CelCase& c = GetParam();
  EXPECT_EQ(Outcome(c.rule, Tree(c.self)), c.want) << c.rule << " with self = " << c.self;
}

INSTANTIATE_TEST_SUITE_P(
    Literals, CelTest,
    testing::Values(
        CelCase{"1", "{}", "1"}, CelCase{"-9223372036854775808", "{}", "-9223372036854775808"},
        CelCase{"0x1F", "{}", "31"}, CelCase{"1.5e2", "{}", "150"}, CelCase{".5", "{}", "0.5"},
        CelCase{"true", "{}", "true"}, CelCase{"null", "{}", "null"},
        CelCase{"'a\\n\\u00e9\\x41\\101'", "{}", "\"a\\n\u00e9AA\""},
        CelCase{"r'a\\n'", "{}", "\"a\\\\n\""}, CelCase{"'''it's\na'''", "{}", "\"it's\\na\""},
        CelCase{"[1, 'a', [true],]", "{}", "[1,\"a\",[true]]"},
        CelCase{"{'a': 1, 'b': [2]}", "{}", "{\"a\":1,\"b\":[2]}"},
        CelCase{"1 // and no more", "{}", "1"}));

INSTANTIATE_TEST_SUITE_P(
    Arithmetic, CelTest,
    testing::Values(CelCase{"1 + 2 * 3 - 8 / 2 % 3", "{}", "6"}, CelCase{"(1 + 2) * 3", "{}", "9"},
                    CelCase{"-7 / 2", "{}", "-3"}, CelCase{"-7 % 2", "{}", "-1"},
                    CelCase{"- self.n - -1", R"({"n":3})", "-2"}, CelCase{"1.5 + 1.5", "{}", "3"},
                    CelCase{"'a' + 'b'", "{}", "\"ab\""}, CelCase{"[1] + [2]", "{}", "[1,2]"},
                    CelCase{"1 / 0", "{}", "error: division by zero"},
                    CelCase{"1 % 0", "{}", "error: modulus by zero"},
                    CelCase{"9223372036854775807 + 1", "{}", "error: integer overflow"},
                    CelCase{"-(-9223372036854775808)", "{}", "error: integer overflow"},
                    CelCase{"-9223372036854775808 / -1", "{}", "error: integer overflow"},
                    CelCase{"1 + 'a'", "{}", "error: no such overload: +(int, string)"}));

INSTANTIATE_TEST_SUITE_P(
    Comparison, CelTest,
    testing::Values(CelCase{"1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", "{}", "true"},
                    CelCase{"'a' < 'b'", "{}", "true"}, CelCase{"1 == 1.0", "{}", "true"},
                    CelCase{"1 != 2", "{}", "true"},
                    CelCase{"self.a == self.b",
                            R"({"a":{"x":[1,2],"y":null},"b":{"y":null,"x":[1,2]}})", "true"},
                    CelCase{"self.a == self.b", R"({"a":[1,2],"b":[1,2,3]})", "false"},
                    CelCase{"self.a == {'x': 1}", R"({"a":{"x":1}})", "true"},
                    CelCase{"self.a == 'text'", R"({"a":1})", "false"},
                    CelCase{"'a' < 1", "{}", "error: no such overload: <(string, int)"},
                    CelCase{"2 in [1, 2]", "{}", "true"},
                    CelCase{"'x' in self.m", R"({"m":{"x":null}})", "true"},
                    CelCase{"'y' in self.m", R"({"m":{"x":null}})", "false"},
                    CelCase{"1 in {1: 'a'}", "{}", "true"},
                    CelCase{"1 in 2", "{}", "error: no such overload: in(int, int)"}));

INSTANTIATE_TEST_SUITE_P(
    Logic, CelTest,
    testing::Values(CelCase{"!true", "{}", "false"}, CelCase{"true ? 1 : 2", "{}", "1"},
                    CelCase{"false ? 1 : true ? 3 : 4", "{}", "3"},
                    CelCase{"false && self.missing", "{}", "false"},
                    CelCase{"self.missing && false", "{}", "false"},
                    CelCase{"self.missing || true", "{}", "true"},
                    CelCase{"true && self.missing", "{}", "error: no such key: missing"},
                    CelCase{"self.missing || false || 1 == 1", "{}", "true"},
                    CelCase{"1 && false", "{}", "false"},
                    CelCase{"1 && true", "{}", "error: no such overload: &&(int)"},
                    CelCase{"1 ? 2 : 3", "{}", "error: no such overload: ?:(int)"},
                    CelCase{"!1", "{}", "error: no such overload: !(int)"}));

INSTANTIATE_TEST_SUITE_P(
    Access, CelTest,
    testing::Values(
        CelCase{"self.a.b[1]", R"({"a":{"b":[1,2]}})", "2"},
        CelCase{"self['a b']", R"({"a b":1})", "1"},
        CelCase{"self.a[2]", R"({"a":[1,2]})", "error: index out of range: 2"},
        CelCase{"self.a[-1]", R"({"a":[1,2]})", "error: index out of range: -1"},
        CelCase{"self['x']", "{}", "error: no such key: \"x\""},
        CelCase{"self.a.b", R"({"a":1})", "error: no field \"b\" in a int"},
        CelCase{"self.__namespace__", R"({"namespace":"n"})", "\"n\""},
        CelCase{"self.a__dash__b + self.c__dot__d + self.e__slash__f + self.x__underscores__y",
                R"({"a-b":1,"c.d":2,"e/f":3,"x__y":4})", "10"},
        CelCase{"has(self.a) && !has(self.b)", R"({"a":null})", "true"},
        CelCase{"has(self.a.b)", "{}", "error: no such key: a"},
        CelCase{"has(self.__if__)", R"({"if":1})", "true"}));

INSTANTIATE_TEST_SUITE_P(
    Macros, CelTest,
    testing::Values(CelCase{"self.all(x, x > 0)", "[1,2]", "true"},
                    CelCase{"self.all(x, x > 1)", "[1,2]", "false"},
                    CelCase{"self.all(x, x.a > 1)", R"([{}, {"a":1}])", "false"},
                    CelCase{"self.all(x, x.a > 1)", R"([{}, {"a":2}])", "error: no such key: a"},
                    CelCase{"self.exists(x, x.a > 1)", R"([{}, {"a":2}])", "true"},
                    CelCase{"self.exists(x, x > 2)", "[1,2]", "false"},
                    CelCase{"self.exists_one(x, x > 1)", "[1,2]", "true"},
                    CelCase{"self.exists_one(x, x > 0)", "[1,2]", "false"},
                    CelCase{"self.filter(x, x > 1)", "[1,2,3]", "[2,3]"},
                    CelCase{"self.map(x, x * 2)", "[1,2]", "[2,4]"},
                    CelCase{"self.map(x, x > 1, x * 2)", "[1,2]", "[4]"},
                    CelCase{"self.all(k, self[k] > 0)", R"({"a":1,"b":2})", "true"},
                    CelCase{"self.all(x, self.exists(y, y == x + 1 || x == 2))", "[0,1,2]", "true"},
                    CelCase{"self.all(x, [5].exists(x, x == 5) && x < 3)", "[0,1,2]", "true"},
                    CelCase{"[].all(x, false) && ![].exists(x, true)", "{}", "true"},
                    CelCase{"self.all(x, true)", "1", "error: no such overload: macro(int)"}));

INSTANTIATE_TEST_SUITE_P(
    Functions, CelTest,
    testing::Values(
        CelCase{
            "size('h\u00e9') == 2 && 'ab'.size() == 2 && size([1]) == 1 && {'a': 1}.size() == 1",
            "{}", "true"},
        CelCase{"self.startsWith('ab') && self.endsWith('bc') && self.contains('b')", "\"abc\"",
                "true"},
        CelCase{"self.matches('^[a-z]+$') && self.matches('b') && !matches(self, '^b')", "\"abc\"",
                "true"},
        CelCase{"self.s.matches(self.p)", R"({"s":"abc","p":"c$"})", "true"},
        CelCase{"self.s.matches(self.p)", R"({"s":"a","p":"("})",
                "error: regular expression: missing ): ("},
        CelCase{"string(1) + string(true) + string('x') + string(1.5)", "{}", "\"1truex1.5\""},
        CelCase{"string(duration('1h30m')) + string(duration('1.5s'))", "{}", "\"5400s1.5s\""},
        CelCase{"int('-12') + int(3.9) + int(timestamp('1970-01-01T00:00:05Z'))", "{}", "-4"},
        CelCase{"int('1x')", "{}", "error: cannot convert \"1x\" to int"},
        CelCase{"int(1e300)", "{}", "error: integer overflow"},
        CelCase{"double('1.5') + double(1)", "{}", "2.5"}, CelCase{"bool('true')", "{}", "true"},
        CelCase{"duration(self.a) < duration('2m') && duration('-1m') < duration('0s')",
                R"({"a":"90s"})", "true"},
        CelCase{"duration('soon')", "{}", "error: cannot convert \"soon\" to duration"},
        CelCase{"timestamp(self.a) + duration('1h') == timestamp(self.b)",
                R"({"a":"2026-11-21T06:00:00Z","b":"2026-11-21T08:00:00+01:00"})", "true"},
        CelCase{"timestamp(self.b) - timestamp(self.a)",
                R"({"a":"2026-11-21T06:00:00Z","b":"2026-11-21T06:01:00Z"})", "\"60s\""},
        CelCase{"timestamp('yesterday')", "{}", "error: cannot convert \"yesterday\" to timestamp"},
        CelCase{"duration('90m').getHours() + duration('90m').getMinutes()", "{}", "91"},
        CelCase{"' Ab'.trim().lowerAscii() + 'x'.upperAscii()", "{}", "\"abX\""},
        CelCase{"'a,b'.split(',').map(x, x + '!').join('-')", "{}", "\"a!-b!\""},
        CelCase{"'h\u00e9llo'.substring(1, 3) + 'abc'.substring(2)", "{}", "\"\u00e9lc\""},
        CelCase{"'abc'.indexOf('c') + [1, 2].indexOf(3)", "{}", "1"},
        CelCase{"[1, 2].isSorted() && [1, 3, 2].max() == 3 && [2, 1].min() == 1", "{}", "true"},
        CelCase{"dyn(1) == 1", "{}", "true"},
        CelCase{"1.startsWith('a')", "{}", "error: no such overload: startsWith(int, string)"}));

INSTANTIATE_TEST_SUITE_P(
    SyntaxErrors, CelTest,
    testing::Values(
        CelCase{"", "{}",
                "compile: column 1: expected an expression, found the end of the expression"},
        CelCase{"1 +", "{}",
                "compile: column 4: expected an expression, found the end of the expression"},
        CelCase{"1 2", "{}", "compile: column 3: expected the end of the expression, found \"2\""},
        CelCase{"(1", "{}", "compile: column 3: expected \")\", found the end of the expression"},
        CelCase{
            "sefl.a", "{}",
            "compile: column 1: unknown name \"sefl\", expected self, oldSelf or a variable of a "
            "macro"},
        CelCase{"self.frob()", "{}", "compile: column 6: unknown function \"frob\""},
        CelCase{"size()", "{}", "compile: column 1: wrong number of arguments of \"size\""},
        CelCase{"self.namespace", "{}",
                "compile: column 6: \"namespace\" is a reserved word, the field is written "
                "\"__namespace__\""},
        CelCase{"has(self)", "{}",
                "compile: column 1: has() takes one field, as in has(self.field)"},
        CelCase{"self.all(1, true)", "{}",
                "compile: column 10: expected a variable and an expression in \"all\""},
        CelCase{"self.all(x, true, x)", "{}",
                "compile: column 6: wrong number of arguments of \"all\""},
        CelCase{"'abc", "{}", "compile: column 1: string without an end"},
        CelCase{"'\\q'", "{}", "compile: column 2: unknown escape in a string"},
        CelCase{"'\\ud800'", "{}", "compile: column 2: escape names no Unicode character"},
        CelCase{"1u", "{}", "compile: column 1: unsigned integers are not supported"},
        CelCase{"b'a'", "{}", "compile: column 1: byte strings are not supported"},
        CelCase{"9223372036854775808", "{}", "compile: column 1: integer out of range"},
        CelCase{"self.matches('(')", "{}", "compile: column 6: regular expression: missing ): ("},
        CelCase{"self @ 1", "{}", "compile: column 6: unexpected character \"@\""}));

// The rules of schemas/ in the shapes that matter, with a case on either side of each.
INSTANTIATE_TEST_SUITE_P(
    OwnRules, CelTest,
    testing::Values(
        CelCase{"[has(self.organization) && self.organization, has(self.stackRef), "
                "has(self.moduleRef)].exists_one(x, x)",
                R"({"stackRef":{"name":"a"}})", "true"},
        CelCase{"[has(self.organization) && self.organization, has(self.stackRef), "
                "has(self.moduleRef)].exists_one(x, x)",
                R"({"organization":true,"stackRef":{"name":"a"}})", "false"},
        CelCase{"self.filter(s, has(s.default) && s.default).size() <= 1",
                R"([{"default":true},{},{"default":true}])", "false"},
        CelCase{"self.all(t, !(t.state in ['Succeeded', 'Failed']) || self.all(u, u.seq <= t.seq))",
                R"([{"seq":1,"state":"Running"},{"seq":2,"state":"Failed"}])", "true"},
        CelCase{"self.all(t, !(t.state in ['Succeeded', 'Failed']) || self.all(u, u.seq <= t.seq))",
                R"([{"seq":1,"state":"Failed"},{"seq":2,"state":"Running"}])", "false"}));

TEST(CelProgramTest, TransitionRulesCompareWithTheOldObject) {
  constexpr std::string_view kRule = "oldSelf.all(o, self.exists(n, n == o))";
  const Json before = Tree(R"([{"seq":1,"state":"Running"}])");
  const Json appended = Tree(R"([{"seq":1,"state":"Running"},{"seq":2,"state":"Failed"}])");
  const Json changed = Tree(R"([{"seq":1,"state":"Failed"}])");
  EXPECT_EQ(Outcome(kRule, appended, &before), "true");
  EXPECT_EQ(Outcome(kRule, changed, &before), "false");
  EXPECT_TRUE(CelProgram::Compile(kRule)->UsesOldSelf());
  EXPECT_FALSE(CelProgram::Compile("self.a")->UsesOldSelf());
}

TEST(CelProgramTest, ReturnsViewsOfTheTreeAndNoCopies) {
  const Json self = Tree(R"({"name":"database"})");
  CelBudget budget;
  const auto value = CelProgram::Compile("self.name")->Evaluate({&self, nullptr}, budget);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->AsText().data(), self.At("name").AsString().data());
}

std::string Repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

TEST(CelProgramTest, RefusesExpressionsNestedTooDeep) {
  for (const std::string& rule :
       {Repeat("(", 1000) + "1" + Repeat(")", 1000), Repeat("!", 1000) + "true",
        "1" + Repeat(" + 1", 100), "self" + Repeat(".a", 100), Repeat("[", 5000),
        Repeat("true ? 1 : ", 1000) + "1"}) {
    EXPECT_NE(Outcome(rule, Json::EmptyObject()).find("nested deeper than 64 levels"),
              std::string::npos)
        << rule.substr(0, 20);
  }
  EXPECT_EQ(Outcome("true" + Repeat(" && true", 1000), Json::EmptyObject()), "true");
}

TEST(CelProgramTest, RefusesExpressionsThatAreTooLong) {
  const std::string rule = "'" + std::string(kCelExpressionBytes, 'a') + "'";
  EXPECT_EQ(CelProgram::Compile(rule).error().message,
            "the expression has 16386 bytes, expected at most 16384");
}

TEST(CelProgramTest, StopsARuleThatCostsTooMuch) {
  Json self = Json::EmptyArray();
  for (std::int64_t i = 0; i < 2000; ++i) {
    self.Append(i);
  }
  const auto program = CelProgram::Compile("self.all(x, self.all(y, x + y >= 0)) || true");
  CelBudget budget;
  const auto value = program->Evaluate({&self, nullptr}, budget);
  ASSERT_FALSE(value) << "a used-up budget is not an error that || absorbs";
  EXPECT_EQ(value.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(budget.remaining, kCelCostPerObject - kCelCostPerRule);
}

TEST(CelProgramTest, RulesOfOneObjectShareABudget) {
  const Json self = Json::EmptyObject();
  const auto program = CelProgram::Compile("1 + 1 == 2");
  CelBudget budget{.remaining = 8};
  EXPECT_TRUE(program->Evaluate({&self, nullptr}, budget));
  EXPECT_EQ(program->Evaluate({&self, nullptr}, budget).error().code, ErrorCode::kTooLarge);
}

TEST(CelProgramTest, ChargesForTheTextThatFunctionsRead) {
  const Json self(std::string(200'000, 'a'));
  CelBudget budget;
  ASSERT_TRUE(CelProgram::Compile("self.contains('b')")->Evaluate({&self, nullptr}, budget));
  EXPECT_GE(kCelCostPerObject - budget.remaining, 20'000U);
  EXPECT_EQ(Outcome("[1,2,3,4,5,6,7,8,9,10].map(x, self).map(x, [x,x,x,x,x,x,x,x].join('')).size()",
                    self),
            "error: the rule costs more than is allowed");
}

}  // namespace
}  // namespace midwatch::schema
