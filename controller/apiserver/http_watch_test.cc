#include "controller/apiserver/http_watch.h"

#include <gtest/gtest.h>

#include <set>

namespace midwatch::apiserver {
namespace {

HttpExchange Asking(Identity who, const std::string& seconds) {
  HttpExchange exchange;
  exchange.identity = std::move(who);
  exchange.query = *HttpQuery::Parse("timeoutSeconds=" + seconds);
  return exchange;
}

struct TimeoutCase {
  const char* asked;
  std::int64_t least;
  std::int64_t most;
};

/// Of many watches that ask for the same: all within the bounds, and not together but as asked.
void Expect(const Identity& who, const TimeoutCase& c) {
  SCOPED_TRACE(who.username + " asks for " + c.asked);
  std::set<Duration> times;
  for (int i = 0; i < 50; ++i) {
    times.insert(ReadWatchTimeout(Asking(who, c.asked)).value());
  }
  EXPECT_GE(*times.begin(), std::chrono::seconds(c.least));
  EXPECT_LE(*times.rbegin(), std::chrono::seconds(c.most));
  EXPECT_TRUE(c.least == c.most || times.size() > 25) << times.size();
}

TEST(ReadWatchTimeoutTest, IsBoundedAndSpread) {
  const char* const kEver = "9223372036854775807";
  for (const TimeoutCase& c : {TimeoutCase{"", 1800, 3600},
                               {"0", 1800, 3600},
                               {"20", 20, 20},
                               {"300", 300, 300},
                               {kEver, 86400, 86400}}) {
    Expect(Identity::Administrator(), c);
  }
  for (const TimeoutCase& c :
       {TimeoutCase{"", 150, 300}, {"20", 20, 20}, {"300", 150, 300}, {kEver, 150, 300}}) {
    Expect(Identity::Agent("ops", "ada"), c);
  }
  EXPECT_EQ(ReadWatchTimeout(Asking(Identity::Administrator(), "-1")).error().code,
            ErrorCode::kBadRequest);
}

}  // namespace
}  // namespace midwatch::apiserver
