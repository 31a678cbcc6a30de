#include "controller/posix/directory_remover.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "controller/posix/process_runner.h"
#include "controller/testing/recorders.h"

namespace midwatch::posix {
namespace {

/// Starts nothing, and lets what it was asked to start end when told to.
class HeldRunner final : public ProcessRunner {
 public:
  Result<std::unique_ptr<Process>> Start(const ProcessSpec&,
                                         std::shared_ptr<ProcessSink> sink) override {
    if (refuses) return Fail(ErrorCode::kUnavailable, "no process");
    sinks.push_back(std::move(sink));
    return std::make_unique<Held>();
  }

  bool refuses = false;
  std::vector<std::shared_ptr<ProcessSink>> sinks;

 private:
  class Held final : public Process {
    bool Write(std::string) override { return false; }
    void CloseInput() override {}
    void Signal(int) override {}
    void Stop(Duration) override {}
    void KillAt(MonoTime) override {}
  };
};

class DirectoryRemoverTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(path_);
    std::ofstream(path_ + "/file") << "x";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::ptrdiff_t Aside() const {
    const std::filesystem::directory_iterator entries(aside_);
    return std::distance(begin(entries), end(entries));
  }
  bool IsRemoved() const {
    for (int look = 0; look < 3000 && Aside() > 0; ++look) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return Aside() == 0;
  }
  bool HasLogged(const std::string& text) const {
    const auto lines = log_.lines();
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }

  const std::string root_ = testing::TempDir() + "/remover-" + std::to_string(getpid());
  const std::string path_ = root_ + "/place";
  const std::string aside_ = root_ + "/aside";
  fakes::RecordingLog log_;
};

/// Directories in each other, more than a path can name.
void MakeDeep(const std::string& path, int depth) {
  int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int level = 0; level < depth; ++level) {
    ASSERT_EQ(mkdirat(folder, "d", S_IRWXU), 0);
    const int next = openat(folder, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_GE(next, 0);
    close(folder);
    folder = next;
  }
  close(folder);
}

TEST_F(DirectoryRemoverTest, TakesNoDescriptorsHoweverDeepItIs) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{256, before.rlim_max};
  MakeDeep(path_, 1000);
  PosixProcessRunner runner;
  DirectoryRemover remover(aside_, runner, log_);
  setrlimit(RLIMIT_NOFILE, &few);
  remover.Remove(path_);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(IsRemoved());
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(log_.lines().size(), 0U);
}

TEST_F(DirectoryRemoverTest, RemovesWhatIsClosedToItsOwner) {
  std::filesystem::create_directories(path_ + "/a/b");
  std::filesystem::permissions(path_ + "/a", std::filesystem::perms::none);
  PosixProcessRunner runner;
  DirectoryRemover remover(aside_, runner, log_);
  remover.Remove(path_);
  EXPECT_TRUE(IsRemoved());
  EXPECT_EQ(log_.lines().size(), 0U);
}

TEST_F(DirectoryRemoverTest, RemovesWhatAFormerProcessLeft) {
  std::filesystem::create_directories(aside_ + "/left/over");
  PosixProcessRunner runner;
  const DirectoryRemover remover(aside_, runner, log_);
  EXPECT_TRUE(IsRemoved());
}

TEST_F(DirectoryRemoverTest, ReturnsBeforeAnythingIsRemovedAndRunsOneProcessAtATime) {
  HeldRunner runner;
  DirectoryRemover remover(aside_, runner, log_);
  remover.Remove(path_);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(Aside(), 1);
  EXPECT_EQ(runner.sinks.size(), 1U);
  runner.sinks[0]->OnExit({});
  ASSERT_EQ(runner.sinks.size(), 2U) << "the first may have looked too early";
  runner.sinks[1]->OnExit({});
  EXPECT_EQ(runner.sinks.size(), 2U);
}

TEST_F(DirectoryRemoverTest, LogsFailures) {
  HeldRunner runner;
  DirectoryRemover remover(aside_, runner, log_);
  runner.sinks[0]->OnStderr("rm: cannot remove 'x'");
  runner.sinks[0]->OnExit({.code = 1, .signal = 0});
  EXPECT_TRUE(HasLogged("rm: cannot remove 'x'"));
  runner.refuses = true;
  remover.Remove(path_);
  EXPECT_TRUE(HasLogged("no process"));
}

TEST_F(DirectoryRemoverTest, SaysNothingOfWhatIsNotThere) {
  HeldRunner runner;
  DirectoryRemover remover(aside_, runner, log_);
  remover.Remove(root_ + "/nothing");
  EXPECT_EQ(Aside(), 0);
  EXPECT_EQ(log_.lines().size(), 0U);
}

TEST_F(DirectoryRemoverTest, MovesAsideOnlyOnceStopped) {
  HeldRunner runner;
  DirectoryRemover remover(aside_, runner, log_);
  remover.Stop();
  runner.sinks[0]->OnExit({.code = 0, .signal = 9});
  remover.Remove(path_);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(runner.sinks.size(), 1U);
  EXPECT_EQ(log_.lines().size(), 0U);
}

}  // namespace
}  // namespace midwatch::posix
