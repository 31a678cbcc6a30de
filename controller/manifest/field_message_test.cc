#include "controller/manifest/field_message.h"

#include <gtest/gtest.h>

#include <ostream>

namespace midwatch::manifest {
namespace {

using schema::FieldError;

struct MessageCase {
  std::string_view name;
  FieldError error;
  std::string_view want;
};
void PrintTo(const MessageCase& c, std::ostream* out) { *out << c.name; }

class FieldMessageTest : public testing::TestWithParam<MessageCase> {};

TEST_P(FieldMessageTest, Says) { EXPECT_EQ(FieldMessage(GetParam().error), GetParam().want); }

INSTANTIATE_TEST_SUITE_P(
    Wordings, FieldMessageTest,
    testing::Values(
        MessageCase{"Required", schema::Required("a", ""), "required value"},
        MessageCase{"RequiredWithDetail", schema::Required("a", "or b"), "required value: or b"},
        MessageCase{"WrongType",
                    schema::TypeInvalid("a.b", "boolean",
                                        "a.b in body must be of type string: \"boolean\""),
                    "expected string, found boolean"},
        MessageCase{
            "WrongFormat",
            schema::TypeInvalid("a", "soon", "a in body must be of type date-time: \"soon\""),
            "expected date-time, found \"soon\""},
        MessageCase{"Choice", schema::NotSupported("a", "x", {"y", "z"}),
                    "expected one of \"y\", \"z\", found \"x\""},
        MessageCase{"Pattern", schema::Invalid("a", "5 minutes", "a in body should match '^s$'"),
                    "\"5 minutes\" should match '^s$'"},
        MessageCase{"Range",
                    schema::Invalid("a", -1, "a in body should be greater than or equal to 0"),
                    "-1 should be greater than or equal to 0"},
        MessageCase{"RuleInCel", schema::Invalid("a", "object", "exactly one of b and c"),
                    "exactly one of b and c"},
        MessageCase{"NameWithExample",
                    schema::Invalid("a", "B",
                                    "a name is lower case (e.g. 'b', regex used for validation is "
                                    "'[a-z]+')"),
                    "\"B\": a name is lower case (e.g. 'b')"},
        MessageCase{"NameWithoutExample",
                    schema::Invalid("a", "B", "is lower case (regex used for validation is 'b')"),
                    "\"B\": is lower case"},
        MessageCase{"TooLong", schema::TooLong("a", 64), "too long: may not be more than 64 bytes"},
        MessageCase{"TooMany", schema::TooMany("a", 3, 2),
                    "too many: 3: must have at most 2 items"},
        MessageCase{"Duplicate", schema::Duplicate("a", "x"), "duplicate value: \"x\""},
        MessageCase{
            "DuplicateKeys",
            FieldError{"a[1]", {}, R"(Duplicate value: map[string]interface {}{"name":"x"})"},
            R"(duplicate value: {"name":"x"})"},
        MessageCase{"AnythingElse", FieldError{"a", {}, "is out of tune"}, "is out of tune"}),
    [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace midwatch::manifest
