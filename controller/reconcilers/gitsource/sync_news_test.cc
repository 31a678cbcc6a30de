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
  }
  api::Condition ready;
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

class NewsOfTest : public testing::TestWithParam<NewsCase> {};

TEST_P(NewsOfTest, Says) {
  const auto news = NewsOf(GetParam().before, GetParam().after);
  EXPECT_EQ(news ? (news->failing ? "failed " : "recovered ") + news->revision + " " +
                       news->reason + " " + std::to_string(news->errors) + " " + news->message
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
        NewsCase{"ANewRevisionThatIsGood", kGood, Status("Succeeded", "b", false), ""}),
    [](const auto& suite) { return suite.param.name; });

}  // namespace
}  // namespace midwatch::gitsource
