#include "controller/sim/virtual_git.h"

#include <gtest/gtest.h>

namespace midwatch::sim {
namespace {

constexpr const char* kUrl = "https://git.simulation/infra";

VirtualFile File(const std::string& bytes) {
  VirtualFile file;
  file.bytes = bytes;
  return file;
}

class VirtualGitTest : public testing::Test {
 protected:
  VirtualGitTest() {
    hosting_.repositories.emplace(kUrl, VirtualRepository(scheduler_.now()));
    repository().Commit({{"a.yaml", File("one")}});
  }

  VirtualRepository& repository() { return hosting_.repositories.at(kUrl); }
  void Pass(Duration time) {
    const SimTime end = scheduler_.now() + time.count();
    while (scheduler_.RunOne(end)) {
    }
  }
  Result<GitSnapshot> Fetch(const std::string& known_tree = "") {
    GitFetchRequest request;
    request.remote.url = kUrl;
    request.known_tree = known_tree;
    std::optional<Result<GitSnapshot>> answer;
    git_.Fetch("source", request, [&](Result<GitSnapshot> result) { answer = std::move(result); });
    EXPECT_FALSE(answer) << "a fetch takes time";
    Pass(std::chrono::minutes(2));
    return answer ? *std::move(answer) : Fail(ErrorCode::kInternal, "never answered");
  }

  Trace trace_;
  Scheduler scheduler_{fakes::SeededRandom(1), trace_};
  GitHosting hosting_;
  VirtualGit git_{scheduler_, hosting_, fakes::SeededRandom(2)};
};

TEST_F(VirtualGitTest, ReadsTheHeadAndSaysWhatIsUnchanged) {
  const auto first = Fetch();
  ASSERT_TRUE(first);
  ASSERT_EQ(first->entries.size(), 1U);
  EXPECT_EQ(first->entries[0].bytes, "one");
  EXPECT_TRUE(Fetch(first->revision.tree)->unchanged);
  repository().Commit({{"a.yaml", File("two")}});
  EXPECT_FALSE(Fetch(first->revision.tree)->unchanged);
}

TEST_F(VirtualGitTest, ABranchThatIsForcedBackShowsTheOldCommitAgain) {
  const std::string first = repository().head().id;
  Pass(std::chrono::minutes(10));
  repository().Commit({{"a.yaml", File("two")}});
  repository().ForceBack(0);
  EXPECT_EQ(Fetch()->revision.commit, first);
  EXPECT_EQ(
      repository().HeadsSince(scheduler_.now() - Duration(std::chrono::minutes(5)).count()).size(),
      3U)
      << "the two since then, and the one before";
}

TEST_F(VirtualGitTest, FailsAsItsHostingDoes) {
  hosting_.down = true;
  EXPECT_EQ(Fetch().error().code, ErrorCode::kUnavailable);
  hosting_ = {.repositories = std::move(hosting_.repositories), .hangs = true};
  EXPECT_EQ(Fetch().error().code, ErrorCode::kTimeout);
  hosting_ = {.repositories = std::move(hosting_.repositories), .gone = true};
  EXPECT_EQ(Fetch().error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace midwatch::sim
