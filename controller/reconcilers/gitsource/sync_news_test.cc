#include "controller/reconcilers/gitsource/sync_news.h"

#include <gtest/gtest.h>

namespace midwatch::gitsource {
namespace {

api::GitSourceStatus Status(std::string_view reason, std::string_view revision, bool failing,
                            std::int64_t errors = 0) {
  api::GitSourceStatus out;
  out.attempted = api::GitRevision{.revision = std::string(revision)};
  out.error_count = errors;
  if (failing) {
    out.failing_since = WallTime{1};
  } else {
    out.applied = out.attempted;
  }
  api::Condition ready;
  ready.status = failing ? api::ConditionStatus::kFalse : api::ConditionStatus::kTrue;
  ready.type = "Ready";
  ready.reason = reason;
  ready.message = "as it is";
  out.conditions = {ready};
  return out;
}

const api::GitSourceStatus kGood = Status("Succeeded", "a", false);
const api::GitSourceStatus kRefused = Status("InvalidRevision", "b", true, 3);

struct NewsCase {
  std::string name;
  api::GitSourceStatus before;
  api::GitSourceStatus after;
  std::string want;
};

/// As it was, but that it fails.
api::GitSourceStatus Unready(api::GitSourceStatus out, std::string_view reason) {
  out.conditions[0].status = api::ConditionStatus::kFalse;
  out.conditions[0].reason = reason;
  return out;
}

std::string_view Word(NewsKind kind) {
  return kind == NewsKind::kFailing     ? "failed "
         : kind == NewsKind::kRecovered ? "recovered "
                                        : "applied ";
}

class NewsOfTest : public testing::TestWithParam<NewsCase> {};

TEST_P(NewsOfTest, Says) {
  const auto news = NewsOf(GetParam().before, GetParam().after);
  EXPECT_EQ(news ? std::string(Word(news->kind)) + news->revision + " " + news->reason + " " +
                       std::to_string(news->errors) + " " + news->message
                 : "",
            GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Changes, NewsOfTest,
    testing::Values(
        NewsCase{"ARefusedRevision", kGood, kRefused, "failed b InvalidRevision 3 as it is"},
        NewsCase{"TheFirstOne", {}, kRefused, "failed b InvalidRevision 3 as it is"},
        NewsCase{"TheSameAgain", kRefused, kRefused, ""},
        NewsCase{"AnotherOne", kRefused, Status("InvalidRevision", "c", true, 1),
                 "failed c InvalidRevision 1 as it is"},
        NewsCase{"AnotherReason", kRefused, Status("Unreachable", "b", true, 3),
                 "failed b Unreachable 3 as it is"},
        NewsCase{"Recovered", kRefused, Status("Succeeded", "c", false),
                 "recovered c Succeeded 0 as it is"},
        NewsCase{"RecoveredWithTheRevisionInForce", Unready(Status("", "a", true), "Unreachable"),
                 kGood, "recovered a Succeeded 0 as it is"},
        NewsCase{"ObjectsStillWait", kRefused, Unready(kGood, "InvalidRevision"), ""},
        NewsCase{"ObjectsNoLongerWait", Unready(kGood, "InvalidRevision"), kGood,
                 "recovered a Succeeded 0 as it is"},
        NewsCase{"IsSuspendedWhileItFails", kRefused, Unready(kRefused, "Suspended"), ""},
        NewsCase{"IsFetchedAnew", kRefused, Unready(kRefused, "Fetching"), ""},
        NewsCase{"ANewRevisionThatIsGood", kGood, Status("Succeeded", "b", false),
                 "applied b Succeeded 0 as it is"},
        NewsCase{"TheSameRevisionThatIsGood", kGood, kGood, ""}),
    [](const auto& suite) { return suite.param.name; });

TEST(OccurrenceOfNews, TellsEveryKind) {
  SyncNews news{.kind = NewsKind::kFailing, .revision = "b", .reason = "Timeout", .message = "m"};
  EXPECT_EQ(OccurrenceOf(news), (Occurrence{true, "Timeout", "m", "b"}));
  news.kind = NewsKind::kRecovered;
  EXPECT_EQ(OccurrenceOf(news), (Occurrence{false, "Recovered", "m", "b"}));
  news.kind = NewsKind::kApplied;
  EXPECT_EQ(OccurrenceOf(news), (Occurrence{false, "Applied", "m", "b"}));
}

}  // namespace
}  // namespace midwatch::gitsource
