// Who goes first of those that wait for the same slot.

#include <gtest/gtest.h>

#include "controller/reconcilers/dispatch/dispatch_index.h"
#include "controller/reconcilers/dispatch/dispatch_test_world.h"

namespace midwatch::dispatch {
namespace {

std::string RankOf(std::int64_t priority, std::string created, std::string name) {
  api::Dispatch dispatch = Waiting();
  dispatch.spec.priority = priority;
  dispatch.metadata.creation_timestamp = std::move(created);
  dispatch.metadata.name = std::move(name);
  return Rank(dispatch);
}

TEST(RankTest, ThePriorityDecidesThenTheAgeThenTheName) {
  const std::string order[] = {
      RankOf(1000, "2026-03-02T12:00:09Z", "z"), RankOf(10, "2026-03-02T12:00:09Z", "z"),
      RankOf(9, "2026-03-02T12:00:09Z", "z"),    RankOf(0, "2026-03-02T09:59:59Z", "z"),
      RankOf(0, "2026-03-02T12:00:00Z", "b"),    RankOf(0, "2026-03-02T12:00:00Z", "c"),
      RankOf(0, "2026-03-02T12:00:01Z", "a"),    RankOf(-1, "2026-03-02T12:00:00Z", "a"),
      RankOf(-1000, "2026-03-02T12:00:00Z", "a")};
  for (std::size_t i = 1; i < std::size(order); ++i) {
    EXPECT_LT(order[i - 1], order[i]);
  }
}

}  // namespace
}  // namespace midwatch::dispatch
