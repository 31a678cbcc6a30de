#include "controller/cli/server_table.h"

#include <gtest/gtest.h>

namespace midwatch::cli {
namespace {

/// `Run NAME PHASE STOP` as a server shows it.
ServerTable RunsWith(const std::string& phase, const std::string& stop) {
  Json columns = Json::EmptyArray();
  for (const char* name : {"Name", "Phase", "Stop"}) {
    columns.Append(Json::Of({{"name", name}, {"priority", 0}}));
  }
  Json cells = Json::EmptyArray();
  for (const std::string& cell : {std::string("r"), phase, stop}) {
    cells.Append(cell);
  }
  Json rows = Json::EmptyArray();
  rows.Append(Json::Of({{"cells", std::move(cells)}}));
  Json document = Json::Of({{"kind", "Table"}});
  document.Set("columnDefinitions", std::move(columns));
  document.Set("rows", std::move(rows));
  return ServerTable::Parse(document).value();
}

TEST(ServerTable, ShowsARunWhoseInstanceWasLostAsOver) {
  const ServerTable lost = RunsWith("Running", "InstanceLost");
  EXPECT_EQ(lost.rows.at(0).cells.at(1), "Lost");
  EXPECT_TRUE(Passes(lost.rows[0], lost.columns, {.state = "failed"}));
  EXPECT_FALSE(Passes(lost.rows[0], lost.columns, {.state = "running"}));
  const ServerTable stopping = RunsWith("Running", "Cancelled");
  EXPECT_EQ(stopping.rows.at(0).cells.at(1), "Running") << "it goes on until its agent says not";
}

TEST(ServerTable, ShowsARunThatNobodyTookAsOver) {
  const ServerTable withdrawn = RunsWith("Pending", "NotAcknowledged");
  EXPECT_TRUE(Passes(withdrawn.rows.at(0), withdrawn.columns, {.state = "cancelled"}));
  EXPECT_FALSE(Passes(withdrawn.rows[0], withdrawn.columns, {.state = "pending"}));
  const ServerTable waiting = RunsWith("Pending", "");
  EXPECT_TRUE(Passes(waiting.rows.at(0), waiting.columns, {.state = "pending"}));
}

}  // namespace
}  // namespace midwatch::cli
