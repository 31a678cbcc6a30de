#include "controller/base/time.h"

#include <gtest/gtest.h>

namespace midwatch {
namespace {

struct TimeCase {
  const char* name;
  const char* text;
  const char* micro;  ///< As FormatMicroTime gives it; empty: refused.
};

class ParseTimeTest : public testing::TestWithParam<TimeCase> {};

TEST_P(ParseTimeTest, ReadsRfc3339) {
  const auto time = ParseTime(GetParam().text);
  ASSERT_EQ(time.has_value(), *GetParam().micro != '\0');
  if (time) {
    EXPECT_EQ(FormatMicroTime(*time), GetParam().micro);
    EXPECT_EQ(*ParseTime(FormatMicroTime(*time)), *time);
  } else {
    EXPECT_EQ(time.error().code, ErrorCode::kInvalid);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, ParseTimeTest,
    testing::Values(
        TimeCase{"Utc", "2026-11-21T06:57:00Z", "2026-11-21T06:57:00.000000Z"},
        TimeCase{"Fraction", "2026-11-21T06:57:00.1Z", "2026-11-21T06:57:00.100000Z"},
        TimeCase{"NanosAreCut", "2026-11-21T06:57:00.123456789Z", "2026-11-21T06:57:00.123456Z"},
        TimeCase{"East", "2026-11-21T06:57:00+05:30", "2026-11-21T01:27:00.000000Z"},
        TimeCase{"West", "2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00.000000Z"},
        TimeCase{"LowerCase", "2026-11-21t06:57:00z", "2026-11-21T06:57:00.000000Z"},
        TimeCase{"BeforeEpoch", "1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"},
        TimeCase{"LeapDay", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
        TimeCase{"LeapSecond", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"},
        TimeCase{"YearOne", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"},
        TimeCase{"NoLeapDay", "2026-02-29T00:00:00Z", ""},
        TimeCase{"Month13", "2026-13-01T00:00:00Z", ""},
        TimeCase{"Hour24", "2026-01-01T24:00:00Z", ""},
        TimeCase{"NoZone", "2026-01-01T00:00:00", ""}, TimeCase{"NoTime", "2026-01-01", ""},
        TimeCase{"Empty", "", ""}, TimeCase{"TenDigits", "2026-01-01T00:00:00.1234567890Z", ""},
        TimeCase{"NoDigits", "2026-01-01T00:00:00.Z", ""},
        TimeCase{"Trailing", "2026-01-01T00:00:00Zx", ""},
        TimeCase{"SignInNumber", "2026-01-01T00:-1:00Z", ""},
        TimeCase{"OffsetTooFar", "2026-01-01T00:00:00+24:00", ""}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(FormatTimeTest, CutsFractions) {
  EXPECT_EQ(FormatTime(WallTime{0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(WallTime{1'999'999}), "1970-01-01T00:00:01Z");
  EXPECT_EQ(FormatTime(WallTime{-1}), "1969-12-31T23:59:59Z");
}

struct DurationCase {
  const char* name;
  const char* text;
  std::int64_t micros;  ///< Negative: refused.
  const char* formatted = "";
};

class DurationTest : public testing::TestWithParam<DurationCase> {};

TEST_P(DurationTest, ReadsGoSyntax) {
  const DurationCase& c = GetParam();
  const auto duration = ParseDuration(c.text);
  ASSERT_EQ(duration.has_value(), c.micros >= 0) << c.text;
  if (duration) {
    EXPECT_EQ(duration->count(), c.micros);
    EXPECT_EQ(FormatDuration(*duration), c.formatted);
    EXPECT_EQ(*ParseDuration(FormatDuration(*duration)), *duration);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, DurationTest,
    testing::Values(DurationCase{"Zero", "0", 0, "0s"}, DurationCase{"ZeroSeconds", "0s", 0, "0s"},
                    DurationCase{"Seconds", "90s", 90'000'000, "1m30s"},
                    DurationCase{"HoursAndMinutes", "1h30m", 5'400'000'000, "1h30m0s"},
                    DurationCase{"Millis", "250ms", 250'000, "250ms"},
                    DurationCase{"Micros", "7us", 7, "7us"},
                    DurationCase{"Fraction", "1.5h", 5'400'000'000, "1h30m0s"},
                    DurationCase{"Repeated", "1s1s", 2'000'000, "2s"},
                    DurationCase{"Empty", "", -1}, DurationCase{"NoUnit", "5", -1},
                    DurationCase{"UnknownUnit", "5d", -1}, DurationCase{"Negative", "-5s", -1},
                    DurationCase{"OnlyUnit", "s", -1}, DurationCase{"Blank", "5 s", -1},
                    DurationCase{"TooLong", "99999999999h", -1},
                    DurationCase{"NotANumber", "nans", -1}, DurationCase{"Infinite", "infs", -1}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct AgeCase {
  std::int64_t seconds;
  const char* want;
};

class FormatAgeTest : public testing::TestWithParam<AgeCase> {};

TEST_P(FormatAgeTest, PrintsAsKubectl) {
  EXPECT_EQ(FormatAge(std::chrono::seconds(GetParam().seconds)), GetParam().want);
}

// The table of apimachinery's HumanDuration.
INSTANTIATE_TEST_SUITE_P(
    HumanDuration, FormatAgeTest,
    testing::Values(AgeCase{-2, "<invalid>"}, AgeCase{-1, "0s"}, AgeCase{0, "0s"}, AgeCase{1, "1s"},
                    AgeCase{70, "70s"}, AgeCase{119, "119s"}, AgeCase{120, "2m"},
                    AgeCase{190, "3m10s"}, AgeCase{70 * 60, "70m"}, AgeCase{47 * 60, "47m"},
                    AgeCase{179 * 60, "179m"}, AgeCase{180 * 60, "3h"},
                    AgeCase{5 * 3600 + 120, "5h2m"}, AgeCase{7 * 3600 + 59 * 60, "7h59m"},
                    AgeCase{8 * 3600 + 60, "8h"}, AgeCase{47 * 3600, "47h"},
                    AgeCase{48 * 3600, "2d"}, AgeCase{49 * 3600, "2d1h"},
                    AgeCase{192 * 3600 - 1, "7d23h"}, AgeCase{192 * 3600, "8d"},
                    AgeCase{24 * 3600 * 729, "729d"}, AgeCase{24 * 3600 * 730, "2y"},
                    AgeCase{24 * 3600 * (365 * 2 + 1), "2y1d"},
                    AgeCase{24 * 3600 * 365 * 8, "8y"}));

}  // namespace
}  // namespace midwatch
