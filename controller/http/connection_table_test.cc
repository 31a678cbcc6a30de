#include "controller/http/connection_table.h"

#include <gtest/gtest.h>

namespace midwatch::http {
namespace {

TEST(ConnectionTable, APeerAtItsLimitGivesUpItsOwnIdleConnectionNotAnothers) {
  ConnectionTable table(10, 2);
  const auto other = table.Admit("b").id;
  table.MarkIdle(other);
  const auto first = table.Admit("a").id;
  const auto second = table.Admit("a").id;
  EXPECT_EQ(table.Admit("a").id, 0U) << "nothing of a is idle";
  table.MarkIdle(second);
  table.MarkIdle(first);
  const auto admitted = table.Admit("a");
  EXPECT_NE(admitted.id, 0U);
  EXPECT_EQ(admitted.evict, second) << "idle longest";
  EXPECT_FALSE(table.MarkBusy(second)) << "what makes room starts nothing";
  EXPECT_TRUE(table.MarkBusy(first));
  EXPECT_EQ(table.Size(), 4U) << "until it is removed";
  table.Remove(second);
  EXPECT_EQ(table.Size(), 3U);
}

TEST(ConnectionTable, AFullTableGivesUpAnyIdleConnection) {
  ConnectionTable table(2, 2);
  const auto first = table.Admit("a").id;
  const auto second = table.Admit("a").id;
  EXPECT_EQ(table.Admit("b").id, 0U);
  table.MarkIdle(first);
  EXPECT_EQ(table.Admit("b").evict, first);
  EXPECT_EQ(table.Admit("b").id, 0U) << "the one being evicted is counted once";
  table.Remove(first);
  table.Remove(second);
  table.Remove(second);
  EXPECT_NE(table.Admit("a").id, 0U);
}

TEST(ConnectionTable, TheLongestIdleAreEvictedFirst) {
  ConnectionTable table(10, 10);
  std::vector<ConnectionTable::Id> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(table.Admit("a").id);
  }
  for (const std::size_t i : {2U, 0U, 1U}) {
    table.MarkIdle(ids[i]);
  }
  EXPECT_EQ(table.EvictIdle(2), (std::vector{ids[2], ids[0]}));
  EXPECT_FALSE(table.MarkBusy(ids[0]));
  EXPECT_EQ(table.EvictIdle(2), std::vector{ids[1]});
  EXPECT_TRUE(table.EvictIdle(2).empty());
  for (const auto id : ids) {
    table.Remove(id);
  }
  EXPECT_EQ(table.Size(), 0U);
}

}  // namespace
}  // namespace midwatch::http
