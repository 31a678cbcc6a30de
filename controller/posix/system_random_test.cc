#include "controller/posix/system_random.h"

#include <gtest/gtest.h>

#include <set>

namespace midwatch::posix {
namespace {

TEST(SystemRandomTest, NoValueIsDrawnTwiceNorByAFork) {
  SystemRandom random;
  const std::unique_ptr<Random> fork = random.Fork("other");
  std::set<std::uint64_t> drawn;
  for (int i = 0; i < 1'000; ++i) {
    drawn.insert(random.Next());
    drawn.insert(fork->Next());
  }
  EXPECT_EQ(drawn.size(), 2'000U);
}

}  // namespace
}  // namespace midwatch::posix
