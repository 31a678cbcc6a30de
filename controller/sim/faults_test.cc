#include "controller/sim/faults.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace midwatch::sim {
namespace {

constexpr int kRowsOfFaultPatterns = 40;

/// The rows that the table of tests/simulation/README.md names.
std::multiset<std::string> RowsOfReadme() {
  std::ifstream file(MIDWATCH_SOURCE_DIR "/tests/simulation/README.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  const std::regex row(R"(\n\| (f\d\d) \|)");
  std::multiset<std::string> out;
  for (std::sregex_iterator at(all.begin(), all.end(), row), end; at != end; ++at) {
    out.insert((*at)[1]);
  }
  return out;
}

TEST(FaultsTest, EveryRowOfFaultPatternsIsDrawnOrStandsInTheReadme) {
  std::set<std::string> drawn;
  for (const FaultRow& row : FaultRows()) {
    drawn.emplace(row.row);
  }
  const auto told = RowsOfReadme();
  for (int i = 1; i <= kRowsOfFaultPatterns; ++i) {
    const std::string row = (i < 10 ? "f0" : "f") + std::to_string(i);
    EXPECT_EQ(drawn.count(row) + told.count(row), 1U) << row;
  }
}

TEST(FaultsTest, TheSeedsOfOneTestRunDrawEveryKind) {
  constexpr std::uint64_t kSeedsOfOneTestRun = 8;  // tests/simulation/CMakeLists.txt
  std::set<FaultKind> drawn;
  for (std::uint64_t seed = 1; seed <= kSeedsOfOneTestRun; ++seed) {
    for (const Fault& fault : FaultsOfEpoch(seed, 0, 0)) {
      drawn.insert(fault.kind);
    }
  }
  for (const FaultRow& row : FaultRows()) {
    EXPECT_TRUE(drawn.contains(row.kind)) << row.row << ": " << row.what;
  }
}

}  // namespace
}  // namespace midwatch::sim
