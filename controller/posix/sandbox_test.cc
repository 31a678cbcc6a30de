#include "controller/posix/sandbox.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "controller/posix/process_recorder.h"
#include "controller/posix/process_runner.h"
#include "controller/posix/system_clock.h"

namespace midwatch::posix {
namespace {

/// A shell in the sandbox, if this host has one.
class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto sandbox = FindSandbox();
    if (!sandbox) GTEST_SKIP() << "no bubblewrap on this host";
    runner_ = std::make_unique<PosixProcessRunner>(
        RunnerOptions{.watchdog = {MIDWATCH_WATCHDOG}, .sandbox = sandbox});
    root_ = testing::TempDir() + "/sandbox-" + std::to_string(getpid());
    std::filesystem::create_directories(root_ + "/mine");
    std::ofstream(root_ + "/secret") << "token";
    if (geteuid() == 0) {
      ASSERT_EQ(chown((root_ + "/mine").c_str(), kSandboxUser, kSandboxUser), 0);
    }
  }
  ProcessSpec Shell(const std::string& script) const {
    ProcessSpec spec;
    spec.command = {"/bin/sh", "-c", script, "sh", root_};
    spec.environment = {{"PATH", "/usr/bin:/bin"}};
    spec.sandbox = true;
    spec.writable = {root_ + "/mine"};
    spec.working_directory = root_ + "/mine";
    spec.kill_at = BootTime() + std::chrono::minutes(5);
    return spec;
  }
  std::string Run(const std::string& script, std::uint64_t memory_limit = 0) {
    ProcessSpec spec = Shell(script);
    spec.memory_limit = memory_limit;
    const auto sink = std::make_shared<ProcessRecorder>();
    const auto process = runner_->Start(spec, sink);
    EXPECT_TRUE(process);
    EXPECT_TRUE(sink->WaitForExit());
    return sink->output() + sink->errors();
  }

  std::unique_ptr<PosixProcessRunner> runner_;
  std::string root_;
};

TEST_F(SandboxTest, SeesOnlyWhatItWasGiven) {
  EXPECT_EQ(Run("test -e \"$1/secret\" || echo hidden; test -e /etc/shadow || echo hidden"),
            "hidden\nhidden\n");
}

TEST_F(SandboxTest, WritesOnlyWhereItMay) {
  EXPECT_EQ(Run("echo x > \"$1/mine/file\" && cat file; touch /usr/x 2>/dev/null || echo refused; "
                "touch /x 2>/dev/null || echo refused"),
            "x\nrefused\nrefused\n");
}

TEST_F(SandboxTest, WhatLiesInMemoryHasABound) {
#if defined(__clang__)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "the sanitizer's own memory is more than the bound";
#endif
#endif
  const std::string fill =
      "for i in /tmp /dev/shm; do head -c 70000000 /dev/zero 2>/dev/null > $i/x || echo full; "
      "stat -c %s $i/x; done; touch /dev/x 2>/dev/null || echo refused; echo x > /dev/null";
  EXPECT_EQ(Run(fill, std::uint64_t{64} << 20), "full\n67108864\nfull\n67108864\nrefused\n");
  EXPECT_EQ(Run("df --output=size -B 1 /tmp | tail -1"),
            std::to_string(kSandboxMemoryFiles) + "\n");
}

TEST_F(SandboxTest, SeesNoOtherProcess) {
  // The sandbox's own first process and the shell.
  EXPECT_EQ(Run("set -- /proc/[0-9]*; test $# -le 3 && echo few"), "few\n");
}

TEST_F(SandboxTest, TakesRelativePathsFromWhereThisProcessIs) {
  ProcessSpec spec;
  const std::string mine = std::filesystem::relative(root_ + "/mine").string();
  spec.command = {std::filesystem::relative("/bin/sh").string(), "-c", "pwd; touch x && echo ok"};
  spec.environment = {{"PATH", "/usr/bin:/bin"}};
  spec.sandbox = true;
  spec.writable = {mine};
  spec.working_directory = mine;
  spec.kill_at = BootTime() + std::chrono::minutes(5);
  const auto sink = std::make_shared<ProcessRecorder>();
  const auto process = runner_->Start(spec, sink);
  ASSERT_TRUE(process);
  EXPECT_TRUE(sink->WaitForExit());
  EXPECT_EQ(sink->output() + sink->errors(),
            std::filesystem::canonical(root_ + "/mine").string() + "\nok\n");
}

TEST_F(SandboxTest, HasNoCapability) {
  EXPECT_EQ(Run("grep -E 'Cap(Prm|Eff|Inh|Amb)' /proc/self/status | cut -f2 | sort -u"),
            "0000000000000000\n");
}

TEST_F(SandboxTest, CannotWidenItsView) {
  EXPECT_EQ(Run("mount -o remount,rw,bind /usr 2>/dev/null || echo refused; "
                "mount -t tmpfs none /tmp 2>/dev/null || echo refused; "
                "chroot / true 2>/dev/null || echo refused; "
                "nsenter -t 1 -m true 2>/dev/null || echo refused"),
            "refused\nrefused\nrefused\nrefused\n");
}

TEST_F(SandboxTest, IsNobodyWhereThisProcessIsRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "this process is not root";
  EXPECT_EQ(Run("id -u; id -g; id -G; echo x 2>/dev/null > /proc/sys/kernel/domainname || "
                "echo refused; echo h 2>/dev/null > /proc/sysrq-trigger || echo refused"),
            "65534\n65534\n65534\nrefused\nrefused\n");
}

TEST_F(SandboxTest, IsAskedToEndAndGetsItsTime) {
  const auto sink = std::make_shared<ProcessRecorder>();
  const auto process = runner_->Start(
      Shell("trap 'sleep 0.2; echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done"),
      sink);
  ASSERT_TRUE(process);
  sink->WaitForOutput("up");
  (*process)->Stop(std::chrono::minutes(1));
  EXPECT_EQ(sink->WaitForExit().value_or(ProcessExit{}).code, 3);
  EXPECT_EQ(sink->output(), "up\nbye\n");
}

TEST_F(SandboxTest, PassesTheExitCodeOn) {
  EXPECT_EQ(Run("echo $$ > /tmp/x && cat /tmp/x | wc -l | tr -d ' '"), "1\n");
}

TEST(SandboxCommandTest, IsWrittenOut) {
  ProcessSpec spec;
  spec.command = {"tool", "arg"};
  spec.readable = {"/opt/a"};
  spec.writable = {"/data/w"};
  auto command = SandboxCommand({"/usr/bin/bwrap", ""}, "/opt/bin/tool", spec);
  const auto has = [&](std::vector<std::string> part) {
    return std::search(command.begin(), command.end(), part.begin(), part.end()) != command.end();
  };
  EXPECT_EQ(command.front(), "/usr/bin/bwrap");
  EXPECT_TRUE(has({"--ro-bind-try", "/opt/a", "/opt/a"}));
  EXPECT_TRUE(has({"--bind", "/data/w", "/data/w"}));
  EXPECT_TRUE(has({"--ro-bind", "/opt/bin/tool", "/opt/bin/tool"}));
  EXPECT_TRUE(has({"--", "/opt/bin/tool", "arg"}));
  EXPECT_TRUE(has({"--die-with-parent"}));
  EXPECT_FALSE(has({"--cap-add"}));
  EXPECT_TRUE(has({"--size", "1073741824", "--perms", "1777", "--tmpfs", "/tmp"}));
  command = SandboxCommand({"/usr/bin/bwrap", "", false}, "/opt/bin/tool", spec);
  EXPECT_FALSE(has({"--size"}));
  command = SandboxCommand({"/usr/bin/bwrap", "/usr/bin/setpriv"}, "/opt/bin/tool", spec);
  EXPECT_TRUE(has({"--cap-drop", "ALL"}));
  EXPECT_TRUE(has({"--", "/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534",
                   "--clear-groups", "--inh-caps=-all", "--", "/opt/bin/tool", "arg"}));
}

}  // namespace
}  // namespace midwatch::posix
