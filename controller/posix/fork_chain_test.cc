#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <thread>

#include "controller/posix/pid_namespace.h"
#include "controller/posix/process_recorder.h"
#include "controller/posix/process_runner.h"
#include "controller/posix/sandbox.h"
#include "controller/posix/system_clock.h"

namespace midwatch::posix {
namespace {

enum class Means { kSandbox, kPidNamespace, kLooking };

struct ChainCase {
  const char* name;
  Means means;
  const char* then;  ///< What the sidecar does once its chain forks.
  bool is_stopped;   ///< By us; else it ends by itself.
};

/// A chain of processes that each fork in a session of their own and end, without end
/// (test_programs/fork_chain): what a look at /proc finds has mostly ended by then.
class ForkChainTest : public testing::TestWithParam<ChainCase> {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/chain-" + std::to_string(getpid()) + "-" + GetParam().name;
    std::filesystem::create_directories(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms::all);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Empty if this host does not have the means.
  static std::optional<RunnerOptions> Options(Means means) {
    RunnerOptions options;
    options.watchdog = {MIDWATCH_WATCHDOG};
    if (means == Means::kSandbox) options.sandbox = FindSandbox();
    if (means == Means::kPidNamespace) options.pid_namespace = FindPidNamespace();
    const bool is_there = options.sandbox || !options.pid_namespace.empty();
    return is_there || means == Means::kLooking ? std::optional(options) : std::nullopt;
  }

  ProcessSpec Spec() const {
    ProcessSpec spec;
    const std::string start =
        "\"$1\" \"$2\"; while ! [ -s \"$2\" ]; do sleep 0.01; done; echo up; ";
    spec.command = {"/bin/sh", "-c", start + GetParam().then, "sh", MIDWATCH_FORK_CHAIN, Counter()};
    spec.environment = {{"PATH", "/usr/bin:/bin"}};
    spec.sandbox = GetParam().means == Means::kSandbox;
    spec.readable = {MIDWATCH_FORK_CHAIN};
    spec.writable = {folder_};
    spec.kill_at = BootTime() + std::chrono::minutes(5);
    return spec;
  }

  std::string Counter() const { return folder_ + "/count"; }

  /// How many processes the chain has had.
  std::uint64_t Count() const {
    std::uint64_t count = 0;
    std::ifstream(Counter(), std::ios::binary).read(reinterpret_cast<char*>(&count), sizeof count);
    return count;
  }

  /// Whether it has had many more within some seconds.
  bool GoesOn() const {
    const std::uint64_t before = Count();
    for (int look = 0; look < 10'000 && Count() < before + 100; ++look) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Count() >= before + 100;
  }

  std::string folder_;
};

TEST_P(ForkChainTest, EndsBeforeItsEndIsTold) {
  const auto options = Options(GetParam().means);
  if (!options) GTEST_SKIP() << "this host has no such thing";
  PosixProcessRunner runner(*options);
  const auto sink = std::make_shared<ProcessRecorder>();
  auto process = runner.Start(Spec(), sink);
  ASSERT_TRUE(process);
  ASSERT_NE(sink->WaitForOutput("up\n"), "");
  if (GetParam().is_stopped) {
    EXPECT_TRUE(GoesOn()) << "the chain forks";
    (*process)->Stop(Duration::zero());
  }
  ASSERT_TRUE(sink->WaitForExit());
  const std::uint64_t at_end = Count();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(Count(), at_end);
}

INSTANTIATE_TEST_SUITE_P(
    Means, ForkChainTest,
    testing::Values(ChainCase{"SandboxStopped", Means::kSandbox, "exec sleep 1000", true},
                    ChainCase{"SandboxEnds", Means::kSandbox, "exit 0", false},
                    ChainCase{"NamespaceStopped", Means::kPidNamespace, "exec sleep 1000", true},
                    ChainCase{"NamespaceEnds", Means::kPidNamespace, "exit 0", false},
                    ChainCase{"NamespaceFightsItsWatchdog", Means::kPidNamespace,
                              "kill -STOP $PPID; kill -KILL $PPID; exec sleep 1000", true},
                    ChainCase{"LookingStopped", Means::kLooking, "exec sleep 1000", true},
                    ChainCase{"LookingEnds", Means::kLooking, "exit 0", false},
                    ChainCase{"LookingKillsItsWatchdog", Means::kLooking,
                              "kill -KILL $PPID; exec sleep 1000", false}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(PidNamespaceTest, AnExitCodeAndItsErrorsComeThrough) {
  const auto space = FindPidNamespace();
  if (space.empty()) GTEST_SKIP() << "this host has no such thing";
  PosixProcessRunner runner(RunnerOptions{
      .watchdog = {MIDWATCH_WATCHDOG}, .pid_namespace = space, .sandbox = std::nullopt});
  ProcessSpec spec;
  spec.command = {"/bin/sh", "-c", "ls -d /proc/[0-9]* | wc -l; echo oh >&2; exit 7"};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.kill_at = BootTime() + std::chrono::minutes(5);
  const auto sink = std::make_shared<ProcessRecorder>();
  const auto process = runner.Start(spec, sink);
  ASSERT_TRUE(process);
  EXPECT_EQ(sink->WaitForExit().value_or(ProcessExit{}).code, 7);
  EXPECT_EQ(sink->errors(), "oh\n");
  EXPECT_LE(std::stoi(sink->output()), 5) << "no process of the host is in view";
}

}  // namespace
}  // namespace midwatch::posix
