#include "controller/base/error_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace midwatch {
namespace {

TEST(ErrorTableTest, EveryCodeSurvivesTheWayThroughHttp) {
  std::set<std::string_view> reasons;
  for (int i = 0; i <= static_cast<int>(ErrorCode::kOutcomeUnknown); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const ErrorRow& row = RowOf(code);
    EXPECT_EQ(row.code, code);
    EXPECT_GE(row.http_status, 400);
    EXPECT_TRUE(reasons.insert(row.reason).second) << row.reason << " stands twice";
    EXPECT_EQ(CodeOf(row.http_status, row.reason), code);
  }
}

struct AnswerCase {
  int status;
  const char* reason;
  std::optional<ErrorCode> want;
};

class CodeOfTest : public testing::TestWithParam<AnswerCase> {};

TEST_P(CodeOfTest, ReadsAnswersOfAServer) {
  EXPECT_EQ(CodeOf(GetParam().status, GetParam().reason), GetParam().want);
}

using enum ErrorCode;

INSTANTIATE_TEST_SUITE_P(
    Answers, CodeOfTest,
    testing::Values(AnswerCase{200, "", std::nullopt}, AnswerCase{201, "", std::nullopt},
                    AnswerCase{409, "AlreadyExists", kAlreadyExists},
                    AnswerCase{409, "Conflict", kConflict}, AnswerCase{422, "", kInvalid},
                    AnswerCase{404, "", kNotFound}, AnswerCase{410, "Gone", kExpired},
                    AnswerCase{429, "", kTooManyRequests}, AnswerCase{503, "", kUnavailable},
                    AnswerCase{502, "", kUnavailable}, AnswerCase{418, "", kBadRequest},
                    AnswerCase{504, "", kTimeout}, AnswerCase{500, "", kInternal}));

Result<int> Half(int value) {
  if (value % 2 != 0) {
    return Fail(kInvalid, std::to_string(value) + ": expected an even number");
  }
  return value / 2;
}

Result<int> Quarter(int value) {
  MIDWATCH_ASSIGN(const int half, Half(value));
  MIDWATCH_TRY(Half(half));
  return half / 2;
}

TEST(ResultTest, PassesTheFirstErrorOn) {
  EXPECT_EQ(Quarter(8), 2);
  EXPECT_EQ(Quarter(7).error().message, "7: expected an even number");
  EXPECT_EQ(Quarter(6).error(), (Error{kInvalid, "3: expected an even number"}));
}

}  // namespace
}  // namespace midwatch
