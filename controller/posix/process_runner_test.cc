#include "controller/posix/process_runner.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <thread>

#include "controller/posix/descriptor.h"
#include "controller/posix/process_recorder.h"
#include "controller/posix/spawn.h"
#include "controller/posix/system_clock.h"
#include "controller/posix/watchdog.h"

namespace midwatch::posix {
namespace {

constexpr Duration kLong = std::chrono::minutes(10);

ProcessSpec Shell(const std::string& script) {
  ProcessSpec spec;
  spec.command = {"/bin/sh", "-c", script};
  return spec;
}

struct Finished {
  ProcessExit exit;
  std::string output;
  std::string errors;
};

Finished RunToEnd(PosixProcessRunner& runner, const ProcessSpec& spec,
                  const std::string& input = "") {
  const auto sink = std::make_shared<ProcessRecorder>();
  auto process = runner.Start(spec, sink);
  EXPECT_TRUE(process) << process.error().message;
  if (!process) return {};
  if (!input.empty()) (*process)->Write(input);
  (*process)->CloseInput();
  const auto exit = sink->WaitForExit();
  EXPECT_TRUE(exit);
  return {exit.value_or(ProcessExit{-1, -1}), sink->output(), sink->errors()};
}

bool IsAlive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t end = text.rfind(") ");
  return end != std::string::npos && text[end + 2] != 'Z' && text[end + 2] != 'X';
}

/// Standard input of this process comes from `text` while it lives.
class InputOf {
 public:
  explicit InputOf(const std::string& text) : before_(dup(STDIN_FILENO)) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
  }
  ~InputOf() {
    dup2(before_, STDIN_FILENO);
    close(before_);
  }
  InputOf(const InputOf&) = delete;
  InputOf& operator=(const InputOf&) = delete;

 private:
  const int before_;
};

pid_t NumberIn(const std::string& text) {
  pid_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Every case with and without a watchdog.
class ProcessRunnerTest : public testing::TestWithParam<bool> {
 protected:
  static RunnerOptions Options() {
    RunnerOptions options;
    if (GetParam()) options.watchdog = {MIDWATCH_WATCHDOG};
    return options;
  }
  ProcessSpec Spec(const std::string& script) const {
    ProcessSpec spec = Shell(script);
    if (GetParam()) spec.kill_at = BootTime() + kLong;
    return spec;
  }

  PosixProcessRunner runner_{Options()};
};

TEST(ProcessRunner, WhatPassesThroughReadsOurInput) {
  const InputOf input("hello\n");
  PosixProcessRunner runner;
  ProcessSpec spec = Shell("cat");
  spec.pass_through = true;
  const auto sink = std::make_shared<ProcessRecorder>();
  const auto process = runner.Start(spec, sink);
  ASSERT_TRUE(process);
  EXPECT_EQ(sink->WaitForExit().value_or(ProcessExit{-1, -1}).code, 0);
  EXPECT_EQ(sink->output(), "hello\n");
}

TEST(ProcessRunner, WhatPassesThroughMayLeaveProcessesBehind) {
  for (const bool passes : {true, false}) {
    PosixProcessRunner runner;
    ProcessSpec spec = Shell("sleep 60 >/dev/null 2>&1 & echo $!");
    spec.pass_through = passes;
    const Finished done = RunToEnd(runner, spec);
    const pid_t left = NumberIn(done.output);
    ASSERT_GT(left, 0);
    EXPECT_EQ(IsAlive(left), passes);
    kill(left, SIGKILL);
  }
}

class Satisfied final : public ProcessSink {
 public:
  explicit Satisfied(ProcessSink& to) : to_(to) {}
  void OnStdout(std::string_view bytes) override { to_.OnStdout(bytes); }
  void OnStderr(std::string_view bytes) override { to_.OnStderr(bytes); }
  void OnExit(ProcessExit exit) override { to_.OnExit(exit); }
  bool WantsMore() const override { return false; }

 private:
  ProcessSink& to_;
};

TEST(ProcessRunner, WhoWritesToNobodyGetsSigpipe) {
  PosixProcessRunner runner;
  ProcessRecorder recorder;
  const auto process = runner.Start(Shell("exec yes"), std::make_shared<Satisfied>(recorder));
  ASSERT_TRUE(process);
  EXPECT_EQ(recorder.WaitForExit().value_or(ProcessExit{-1, -1}).signal, SIGPIPE);
}

TEST(ProcessRunnerSignals, PassesASignalOnToTheGroup) {
  PosixProcessRunner runner;
  const auto sink = std::make_shared<ProcessRecorder>();
  auto process = runner.Start(Shell("trap 'echo caught; exit 5' INT; echo ready; read line"), sink);
  ASSERT_TRUE(process);
  ASSERT_NE(sink->WaitForOutput("ready"), "");
  (*process)->Signal(SIGINT);
  const auto exit = sink->WaitForExit();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 5);
  EXPECT_NE(sink->output().find("caught"), std::string::npos);
}

TEST_P(ProcessRunnerTest, PassesInputOutputErrorsAndExitCode) {
  const Finished done = RunToEnd(runner_, Spec("cat; echo bad >&2; exit 7"), "hello\n");
  EXPECT_EQ(done.exit.code, 7);
  EXPECT_EQ(done.exit.signal, 0);
  EXPECT_EQ(done.output, "hello\n");
  EXPECT_EQ(done.errors, "bad\n");
}

TEST_P(ProcessRunnerTest, GivesExactlyTheEnvironmentAndDirectory) {
  ProcessSpec spec = Spec("unused");
  spec.command = {"/usr/bin/env"};
  spec.environment = {{"A", "1"}, {"B", "x=y"}};
  EXPECT_EQ(RunToEnd(runner_, spec).output, "A=1\nB=x=y\n");
  spec.command = {"/bin/pwd"};
  spec.environment = {};
  spec.working_directory = "/usr";
  EXPECT_EQ(RunToEnd(runner_, spec).output, "/usr\n");
}

TEST_P(ProcessRunnerTest, SearchesThePathOfTheGivenEnvironment) {
  ProcessSpec spec = Spec("unused");
  spec.command = {"true"};
  spec.environment = {{"PATH", "/nowhere:/usr/bin"}};
  EXPECT_EQ(RunToEnd(runner_, spec).exit.code, 0);
  spec.environment = {{"PATH", "/nowhere"}};
  const auto refused = runner_.Start(spec, std::make_shared<ProcessRecorder>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(refused.error().message, "command \"true\": not found in PATH \"/nowhere\"");
}

TEST_P(ProcessRunnerTest, FindsARelativeProgramFromWhereThisProcessIs) {
  ProcessSpec spec = Spec("unused");
  spec.command = {std::filesystem::relative("/bin/pwd").string()};
  spec.working_directory = "/usr/lib";
  EXPECT_EQ(RunToEnd(runner_, spec).output, "/usr/lib\n");
  spec.command = {"pwd"};
  spec.environment = {{"PATH", std::filesystem::relative("/bin").string()}};
  EXPECT_EQ(RunToEnd(runner_, spec).output, "/usr/lib\n");
}

TEST_P(ProcessRunnerTest, RefusesAnEmptyCommand) {
  const auto refused = runner_.Start(ProcessSpec{}, std::make_shared<ProcessRecorder>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
}

TEST_P(ProcessRunnerTest, InheritsNoDescriptorsAndNoSignalState) {
  signal(SIGPIPE, SIG_IGN);
  const Finished done =
      RunToEnd(runner_, Spec("ls /proc/self/fd | wc -l; grep -E 'SigBlk|SigIgn' /proc/self/status"
                             " | sed 's/0000000180000000/0000000000000000/'"));
  signal(SIGPIPE, SIG_DFL);
  // ls has its three and the directory that it reads. Signals 32 and 33 are glibc's own: it does
  // not reset them.
  EXPECT_EQ(done.output, "4\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_P(ProcessRunnerTest, LeadsItsOwnSession) {
  const Finished done = RunToEnd(runner_, Spec("ps -o sid= -p $$; echo $$"));
  const std::size_t line = done.output.find('\n');
  EXPECT_EQ(NumberIn(done.output.substr(done.output.find_first_not_of(' '))),
            NumberIn(done.output.substr(line + 1)));
}

TEST_P(ProcessRunnerTest, ReportsTheSignalThatEndedIt) {
  EXPECT_EQ(RunToEnd(runner_, Spec("kill -SEGV $$")).exit.signal, SIGSEGV);
}

TEST_P(ProcessRunnerTest, StopsPolitelyFirst) {
  const auto sink = std::make_shared<ProcessRecorder>();
  auto process = runner_.Start(
      Spec("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done"), sink);
  ASSERT_TRUE(process);
  sink->WaitForOutput("up");
  (*process)->Stop(kLong);
  EXPECT_EQ(sink->WaitForExit().value_or(ProcessExit{}).code, 3);
  EXPECT_EQ(sink->output(), "up\nbye\n");
}

TEST_P(ProcessRunnerTest, KillsWhatIgnoresTheRequest) {
  const auto sink = std::make_shared<ProcessRecorder>();
  auto process = runner_.Start(Spec("trap '' TERM; echo up; while :; do sleep 1; done"), sink);
  ASSERT_TRUE(process);
  sink->WaitForOutput("up");
  (*process)->Stop(std::chrono::milliseconds(50));
  EXPECT_EQ(sink->WaitForExit().value_or(ProcessExit{}).signal, SIGKILL);
}

TEST_P(ProcessRunnerTest, KillsTheTreeWhenItsHandleIsDestroyed) {
  const auto sink = std::make_shared<ProcessRecorder>();
  auto process = runner_.Start(Spec("sleep 1000 & echo $!; sleep 1000"), sink);
  ASSERT_TRUE(process);
  const pid_t grandchild = NumberIn(sink->WaitForOutput("\n"));
  ASSERT_TRUE(IsAlive(grandchild));
  process->reset();
  ASSERT_TRUE(sink->WaitForExit());
  EXPECT_FALSE(IsAlive(grandchild));
}

TEST_P(ProcessRunnerTest, KillsWhatIsLeftWhenTheProcessEnds) {
  const Finished done = RunToEnd(runner_, Spec("sleep 1000 & echo $!; exit 0"));
  EXPECT_EQ(done.exit.code, 0);
  EXPECT_FALSE(IsAlive(NumberIn(done.output)));
}

TEST_P(ProcessRunnerTest, RefusesInputBeyondItsBoundAndAfterClosing) {
  const auto sink = std::make_shared<ProcessRecorder>();
  auto process = runner_.Start(Spec("exec sleep 1000"), sink);
  ASSERT_TRUE(process);
  EXPECT_TRUE((*process)->Write(std::string(kMaxQueuedInput, 'x')));
  EXPECT_FALSE((*process)->Write(std::string(kMaxQueuedInput, 'x')));
  (*process)->CloseInput();
  EXPECT_FALSE((*process)->Write("y"));
}

TEST_P(ProcessRunnerTest, CarriesMegabytesBothWays) {
  const std::string input(8 << 20, 'm');
  const Finished done = RunToEnd(runner_, Spec("cat"), input);
  EXPECT_EQ(done.output.size(), input.size());
  EXPECT_TRUE(done.output == input);
}

TEST_P(ProcessRunnerTest, SurvivesAProcessThatClosesItsInput) {
  const std::string input(8 << 20, 'm');
  EXPECT_EQ(RunToEnd(runner_, Spec("exec <&-; exit 5"), input).exit.code, 5);
}

TEST_P(ProcessRunnerTest, LimitsMemory) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
  GTEST_SKIP() << "a sanitizer's own memory is over the limit";
#endif
#endif
  ProcessSpec spec = Spec("read x; exec tail /dev/zero");
  spec.memory_limit = std::uint64_t{64} << 20;
  const Finished done = RunToEnd(runner_, spec, "\n");
  EXPECT_NE(done.exit.code, 0);
  EXPECT_NE(done.errors.find("memory exhausted"), std::string::npos);
}

TEST_P(ProcessRunnerTest, KillsAtTheDeadlineAndMovesIt) {
  ProcessSpec spec = Shell("echo up; sleep 1000");
  spec.kill_at = BootTime() + kLong;
  const auto sink = std::make_shared<ProcessRecorder>();
  auto process = runner_.Start(spec, sink);
  ASSERT_TRUE(process);
  sink->WaitForOutput("up");
  (*process)->KillAt(BootTime() + std::chrono::milliseconds(50));
  EXPECT_EQ(sink->WaitForExit().value_or(ProcessExit{}).signal, SIGKILL);
}

TEST_P(ProcessRunnerTest, LeavesNothingBehindWhenTheRunnerGoes) {
  const auto sink = std::make_shared<ProcessRecorder>();
  std::unique_ptr<Process> process;
  pid_t pid = 0;
  {
    PosixProcessRunner runner(Options());
    auto started = runner.Start(Spec("echo $$; sleep 1000"), sink);
    ASSERT_TRUE(started);
    process = std::move(*started);
    pid = NumberIn(sink->WaitForOutput("\n"));
  }
  EXPECT_FALSE(IsAlive(pid));
  EXPECT_FALSE(process->Write("x"));
}

INSTANTIATE_TEST_SUITE_P(Modes, ProcessRunnerTest, testing::Bool(),
                         [](const auto& suite) { return suite.param ? "Watched" : "Direct"; });

class WatchdogTest : public testing::Test {
 protected:
  static ProcessSpec Watched(const std::string& script) {
    ProcessSpec spec = Shell(script);
    spec.kill_at = BootTime() + kLong;
    return spec;
  }

  static std::string ScriptWithoutInterpreter() {
    const std::string script = testing::TempDir() + "/no_interpreter";
    std::ofstream(script) << "#!/nowhere/sh\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    return script;
  }

  PosixProcessRunner runner_{RunnerOptions{.watchdog = {MIDWATCH_WATCHDOG}, .sandbox = {}}};
  std::shared_ptr<ProcessRecorder> sink_ = std::make_shared<ProcessRecorder>();
};

// A double fork into a session of its own: no group and no parent lead there.
constexpr const char* kEscape = "setsid sh -c 'setsid sleep 1000 >/dev/null 2>&1 & echo $!' ";

TEST_F(WatchdogTest, FindsChildrenThatEscapedTheirGroup) {
  auto process = runner_.Start(Watched(std::string(kEscape) + "; sleep 1000"), sink_);
  ASSERT_TRUE(process);
  const pid_t escaped = NumberIn(sink_->WaitForOutput("\n"));
  ASSERT_TRUE(IsAlive(escaped));
  (*process)->Stop(Duration::zero());
  ASSERT_TRUE(sink_->WaitForExit());
  EXPECT_FALSE(IsAlive(escaped));
}

TEST_F(WatchdogTest, FindsThemWhenTheProcessEndsByItself) {
  auto process = runner_.Start(Watched(std::string(kEscape) + "; exit 4"), sink_);
  ASSERT_TRUE(process);
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).code, 4);
  EXPECT_FALSE(IsAlive(NumberIn(sink_->output())));
}

TEST_F(WatchdogTest, ItsOwnDeathIsTheDeathOfItsTree) {
  auto process = runner_.Start(
      Watched(std::string(kEscape) + "; ps -o ppid= -p $$ | tr -d ' '; echo .; sleep 1000"), sink_);
  ASSERT_TRUE(process);
  const std::string output = sink_->WaitForOutput(".\n");
  const pid_t escaped = NumberIn(output);
  const pid_t watchdog = NumberIn(output.substr(output.find('\n') + 1));
  ASSERT_GT(watchdog, 1) << output;
  kill(watchdog, SIGKILL);
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).signal, SIGKILL);
  EXPECT_FALSE(IsAlive(escaped));
}

/// True if a process has `word` in its command line.
bool AnyRuns(const std::string& word) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    std::ifstream file(entry.path() / "cmdline");
    const std::string command{std::istreambuf_iterator<char>(file), {}};
    if (command.find(word) != std::string::npos && IsAlive(NumberIn(pid))) return true;
  }
  return false;
}

TEST_F(WatchdogTest, NothingOfItsTreeIsLeftHoweverItForksAway) {
  const std::string hop = testing::TempDir() + "/hop_" + std::to_string(getpid());
  std::ofstream(hop) << "[ $1 = 0 ] && exec tail -f \"$0\"\nsetsid /bin/sh \"$0\" $(($1 - 1)) &\n";
  const std::string hops = "(setsid /bin/sh " + hop + " 100 &) >/dev/null 2>&1\n";
  auto process = runner_.Start(
      Watched(hops + hops + hops + "sleep 0.1; echo up; kill -KILL $PPID; sleep 1000"), sink_);
  ASSERT_TRUE(process);
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).signal, SIGKILL);
  EXPECT_FALSE(AnyRuns(hop));
  std::filesystem::remove(hop);
}

constexpr const char* kStopsItsWatchdog = "kill -STOP $PPID; echo $$; sleep 1000";

TEST_F(WatchdogTest, WhoStopsItDiesAtTheDeadlineNevertheless) {
  auto process = runner_.Start(Watched(kStopsItsWatchdog), sink_);
  ASSERT_TRUE(process);
  const pid_t pid = NumberIn(sink_->WaitForOutput("\n"));
  ASSERT_TRUE(IsAlive(pid));
  (*process)->KillAt(BootTime());
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).signal, SIGKILL);
  EXPECT_FALSE(IsAlive(pid));
}

TEST_F(WatchdogTest, WhoStopsItDiesWhenAskedToNevertheless) {
  auto process = runner_.Start(Watched(kStopsItsWatchdog), sink_);
  ASSERT_TRUE(process);
  const pid_t pid = NumberIn(sink_->WaitForOutput("\n"));
  ASSERT_TRUE(IsAlive(pid));
  process->reset();
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).signal, SIGKILL);
  EXPECT_FALSE(IsAlive(pid));
}

/// The state of a process, as /proc spells it; '-' if there is none.
char StateOf(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t end = text.rfind(") ");
  return end == std::string::npos ? '-' : text[end + 2];
}

TEST_F(WatchdogTest, TellsHowItEndedThoughItDidNotReadAllThatItWasTold) {
  auto process = runner_.Start(Watched("echo $PPID; kill -STOP $PPID; exit 3"), sink_);
  ASSERT_TRUE(process);
  const pid_t watchdog = NumberIn(sink_->WaitForOutput("\n"));
  const auto wait_for = [&](const auto& condition) {
    while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  wait_for([&] { return StateOf(watchdog) == 'T' && !sink_->output().empty(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // For the exit of the child.
  for (int renewal = 0; renewal < 3; ++renewal) (*process)->KillAt(BootTime() + kLong);
  kill(watchdog, SIGCONT);
  const auto exit = sink_->WaitForExit().value_or(ProcessExit{});
  EXPECT_EQ(exit.code, 3);
  EXPECT_EQ(exit.signal, 0);
}

TEST_F(WatchdogTest, BoundsTheSizeOfAFile) {
  const std::string file = testing::TempDir() + "/large-" + std::to_string(getpid());
  auto process = runner_.Start(
      Watched("truncate -s 1073741824 '" + file + "' && echo x >> '" + file + "'"), sink_);
  ASSERT_TRUE(process);
  const auto exit = sink_->WaitForExit().value_or(ProcessExit{});
  EXPECT_NE(exit.code + exit.signal, 0);
  EXPECT_EQ(std::filesystem::file_size(file), 1073741824U);
  std::filesystem::remove(file);
}

TEST_F(WatchdogTest, SaysWhyAProgramDidNotStart) {
  ProcessSpec spec = Watched("unused");
  spec.command = {ScriptWithoutInterpreter()};
  auto process = runner_.Start(spec, sink_);
  ASSERT_TRUE(process);
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).code, 127);
  EXPECT_NE(sink_->errors().find("No such file or directory"), std::string::npos);
}

TEST_F(WatchdogTest, DoesNotEvenTryWhatHasNoTimeLeft) {
  ProcessSpec spec = Watched("unused");
  spec.command = {ScriptWithoutInterpreter()};
  spec.kill_at = BootTime();
  auto process = runner_.Start(spec, sink_);
  ASSERT_TRUE(process);
  EXPECT_EQ(sink_->WaitForExit().value_or(ProcessExit{}).signal, SIGKILL);
  EXPECT_EQ(sink_->errors(), "");
}

/// A watchdog started by hand, as by an agent that freezes or dies right afterwards.
struct LoneWatchdog {
  explicit LoneWatchdog(MonoTime until) {
    auto pair = MakeMessagePair();
    auto pipe = MakePipe();
    EXPECT_TRUE(pair && pipe);
    const WatchdogArguments arguments{.until = until,
                                      .program = "/bin/sh",
                                      .arguments = {"sh", "-c", "echo $$; exec sleep 1000"}};
    std::vector<std::string> command{MIDWATCH_WATCHDOG};
    for (const std::string& argument : ToArguments(arguments)) command.push_back(argument);
    const auto started = Spawn({.program = command[0],
                                .arguments = command,
                                .environment = {},
                                .working_directory = "",
                                .descriptors = {-1, pipe->write.get(), -1, pair->second.get()}});
    EXPECT_TRUE(started);
    pid = started.value_or(-1);
    agent_end = std::move(pair->first);
    pipe->write.Close();
    char buffer[32] = {};
    EXPECT_GT(read(pipe->read.get(), buffer, sizeof buffer - 1), 0);
    child = NumberIn(buffer);
  }
  void WaitUntilGone() const { EXPECT_EQ(waitpid(pid, nullptr, 0), pid); }

  Descriptor agent_end;
  pid_t pid = -1;
  pid_t child = -1;
};

TEST(LoneWatchdogTest, KeepsTheDeadlineThoughItsAgentIsFrozen) {
  const MonoTime deadline = BootTime() + std::chrono::milliseconds(300);
  const LoneWatchdog lone(deadline);
  EXPECT_TRUE(IsAlive(lone.child));
  lone.WaitUntilGone();
  EXPECT_GE(BootTime(), deadline);
  EXPECT_FALSE(IsAlive(lone.child));
}

TEST(LoneWatchdogTest, KillsAtOnceWhenItsAgentDies) {
  LoneWatchdog lone(BootTime() + kLong);
  EXPECT_TRUE(IsAlive(lone.child));
  lone.agent_end.Close();
  lone.WaitUntilGone();
  EXPECT_FALSE(IsAlive(lone.child));
}

TEST(LoneWatchdogTest, IsNotEndedByPoliteSignals) {
  LoneWatchdog lone(BootTime() + kLong);
  for (const int polite : {SIGTERM, SIGINT, SIGHUP}) kill(lone.pid, polite);
  EXPECT_EQ(waitpid(lone.pid, nullptr, WNOHANG), 0);
  EXPECT_TRUE(IsAlive(lone.child));
  lone.agent_end.Close();
  lone.WaitUntilGone();
}

struct ArgumentsCase {
  const char* name;
  std::vector<std::string> arguments;
};
class WatchdogArgumentsTest : public testing::TestWithParam<ArgumentsCase> {};

TEST_P(WatchdogArgumentsTest, AreRefused) {
  EXPECT_FALSE(ParseWatchdogArguments(GetParam().arguments));
}

INSTANTIATE_TEST_SUITE_P(
    Bad, WatchdogArgumentsTest,
    testing::Values(ArgumentsCase{"Nothing", {}},
                    ArgumentsCase{"NoDeadline", {"--data", "1", "--", "/bin/true", "true"}},
                    ArgumentsCase{"NoNumber", {"--until", "soon", "--", "/bin/true", "true"}},
                    ArgumentsCase{"NoProgram", {"--until", "1", "--"}},
                    ArgumentsCase{"NoArgumentZero", {"--until", "1", "--", "/bin/true"}},
                    ArgumentsCase{"NoFlag",
                                  {"--until", "1", "--wrapper", "2", "--", "/bin/true", "true"}},
                    ArgumentsCase{"UnknownOption", {"--since", "1", "--", "/bin/true", "true"}}),
    [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace midwatch::posix
