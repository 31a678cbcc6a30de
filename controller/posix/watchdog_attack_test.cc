#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "controller/posix/child.h"
#include "controller/posix/pid_namespace.h"
#include "controller/posix/process_recorder.h"
#include "controller/posix/process_runner.h"
#include "controller/posix/process_tree.h"
#include "controller/posix/spawn.h"
#include "controller/posix/system_clock.h"

namespace midwatch::posix {
namespace {

constexpr Duration kLong = std::chrono::minutes(10);

enum class AgentThen { kDies, kFreezes };

struct AttackCase {
  const char* name;
  bool has_namespace;
  bool may_trace;  ///< As root; others may trace what is dumpable and of their user.
  const char* target;
  const char* answer;
  AgentThen then;
};

/// A sidecar that freezes by ptrace what should end it, and an agent that can do nothing about it.
class WatchdogAttackTest : public testing::TestWithParam<AttackCase> {
 protected:
  ~WatchdogAttackTest() override {
    if (pid_ <= 0) return;
    KillTree(pid_);  // What a failed test left.
    waitpid(pid_, nullptr, 0);
  }

  void Start(const RunnerOptions& options) {
    auto control = MakeMessagePair();
    auto output = MakePipe();
    ASSERT_TRUE(control && output);
    ProcessSpec spec;
    spec.command = {MIDWATCH_SEIZE, GetParam().target, word_};
    spec.kill_at = BootTime() + (GetParam().then == AgentThen::kDies ? kLong : kUntil);
    auto plan = PlanChild(spec, options);
    ASSERT_TRUE(plan) << plan.error().message;
    std::vector<std::string> command = plan->arguments;
    if (!GetParam().may_trace && geteuid() == 0) {
      const std::vector<std::string> drop{"/usr/bin/setpriv", "--bounding-set", "-sys_ptrace",
                                          "--inh-caps", "-sys_ptrace"};
      command.insert(command.begin(), drop.begin(), drop.end());
    }
    const auto started =
        Spawn({.program = command[0],
               .arguments = command,
               .environment = {},
               .working_directory = "",
               .descriptors = {-1, output->write.get(), -1, control->second.get()}});
    ASSERT_TRUE(started);
    pid_ = *started;
    agent_end_ = std::move(control->first);
    output->write.Close();
    char buffer[32] = {};
    ASSERT_GT(read(output->read.get(), buffer, sizeof buffer - 1), 0);
    answer_ = buffer;
  }

  bool WatchdogEnds() {
    for (int look = 0; look < 1000; ++look) {
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  /// Whether a process has the sidecar's argument.
  bool AnyRuns() const {
    const auto has_word = [this](const auto& entry) {
      std::ifstream file(entry.path() / "cmdline");
      const std::string command{std::istreambuf_iterator<char>(file), {}};
      return command.find(word_) != std::string::npos;
    };
    const std::filesystem::directory_iterator proc("/proc");
    return std::any_of(begin(proc), end(proc), has_word);
  }

  static constexpr Duration kUntil = std::chrono::milliseconds(1500);
  const std::string word_ = std::string("attack-") + GetParam().name + std::to_string(getpid());
  Descriptor agent_end_;
  pid_t pid_ = -1;
  std::string answer_;
};

TEST_P(WatchdogAttackTest, NothingOutlivesTheAgentOrTheDeadline) {
  RunnerOptions options{.watchdog = {MIDWATCH_WATCHDOG}, .sandbox = {}};
  if (GetParam().has_namespace) options.pid_namespace = FindPidNamespace();
  if (GetParam().has_namespace == options.pid_namespace.empty()) {
    GTEST_SKIP() << "this host has no PID namespaces";
  }
  if (GetParam().may_trace && geteuid() != 0) GTEST_SKIP() << "this process is not root";
  ASSERT_NO_FATAL_FAILURE(Start(options));
  EXPECT_EQ(answer_, GetParam().answer);
  if (GetParam().then == AgentThen::kDies) agent_end_.Close();
  EXPECT_TRUE(WatchdogEnds());
  EXPECT_FALSE(AnyRuns());
}

INSTANTIATE_TEST_SUITE_P(
    Seizes, WatchdogAttackTest,
    testing::Values(
        AttackCase{"TheNamespaceAgentDies", true, true, "1", "frozen\n", AgentThen::kDies},
        AttackCase{"TheNamespaceAgentFreezes", true, true, "1", "frozen\n", AgentThen::kFreezes},
        AttackCase{"TheNamespaceUnprivileged", true, false, "1", "refused\n", AgentThen::kDies},
        AttackCase{"TheWatchdogAgentDies", false, false, "0", "refused\n", AgentThen::kDies},
        AttackCase{"TheWatchdogAgentFreezes", false, false, "0", "refused\n", AgentThen::kFreezes}),
    [](const auto& suite) { return std::string(suite.param.name); });

/// What a namespace's first process passes on and tells.
class NamespaceInitTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto space = FindPidNamespace();
    if (space.empty()) GTEST_SKIP() << "this host has no PID namespaces";
    runner_.emplace(
        RunnerOptions{.watchdog = {MIDWATCH_WATCHDOG}, .pid_namespace = space, .sandbox = {}});
  }
  void Start(std::vector<std::string> command) {
    ProcessSpec spec;
    spec.command = std::move(command);
    spec.environment = {{"A", "x=y"}};
    spec.kill_at = BootTime() + kLong;
    auto started = runner_->Start(spec, sink_);
    ASSERT_TRUE(started) << started.error().message;
    process_ = std::move(*started);
  }

  std::optional<PosixProcessRunner> runner_;
  std::shared_ptr<ProcessRecorder> sink_ = std::make_shared<ProcessRecorder>();
  std::unique_ptr<Process> process_;
};

TEST_F(NamespaceInitTest, StopsPolitelyFirst) {
  Start({"/bin/sh", "-c",
         "trap 'echo bye; exit 3' TERM; echo up; while :; do /bin/sleep 0.05; done"});
  sink_->WaitForOutput("up");
  process_->Stop(kLong);
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).code, 3);
  EXPECT_EQ(sink_->output(), "up\nbye\n");
}

TEST_F(NamespaceInitTest, AProgramWithoutAHandlerEndsBySigterm) {
  Start({"/bin/sh", "-c", "echo up; exec /bin/sleep 1000"});
  sink_->WaitForOutput("up");
  process_->Stop(kLong);
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).code, 128 + SIGTERM);
}

TEST_F(NamespaceInitTest, GivesExactlyTheEnvironment) {
  Start({"/usr/bin/env"});
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{-1, -1}).code, 0);
  EXPECT_EQ(sink_->output(), "A=x=y\n");
}

TEST_F(NamespaceInitTest, SaysWhyAProgramDidNotStart) {
  const std::string script = testing::TempDir() + "/namespace_no_interpreter";
  std::ofstream(script) << "#!/nowhere/sh\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  Start({script});
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).code, 127);
  EXPECT_NE(sink_->errors().find("No such file or directory"), std::string::npos);
}

}  // namespace
}  // namespace midwatch::posix
