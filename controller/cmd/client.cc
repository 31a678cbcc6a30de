#include "controller/cmd/client.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "controller/apiserver/token_authenticator.h"
#include "controller/cli/run_command.h"
#include "controller/cmd/connection.h"
#include "controller/cmd/environment.h"
#include "controller/cmd/version.h"
#include "controller/git/worker_git_client.h"
#include "controller/posix/local_files.h"
#include "controller/posix/process_runner.h"
#include "controller/posix/signal_waiter.h"
#include "controller/posix/standard_output.h"
#include "controller/posix/system_clock.h"
#include "controller/posix/system_random.h"

namespace midwatch::cmd {
namespace {

/// Threads that start while it lives take no signals: those are for the main thread, which either
/// dies of them or, once SignalWaiter catches them, reads them.
class NoSignalsForThreads {
 public:
  NoSignalsForThreads() {
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~NoSignalsForThreads() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignalsForThreads(const NoSignalsForThreads&) = delete;
  NoSignalsForThreads& operator=(const NoSignalsForThreads&) = delete;

 private:
  sigset_t before_;
};

/// A directory for repositories that are only looked at; removed again.
class ScratchDirectory {
 public:
  ScratchDirectory()
      : path_(std::filesystem::temp_directory_path() /
              ("midwatch-git-" + std::to_string(::getpid()))) {}
  ~ScratchDirectory() { Remove(); }
  void Remove() const {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path() const { return path_.string(); }

 private:
  const std::filesystem::path path_;
};

cli::NewToken IssueToken(const Object& agent, Random& random) {
  auto issued =
      apiserver::IssueAgentToken({agent.namespace_name(), agent.name(), agent.uid()}, random);
  return {std::move(issued.token), std::move(issued.secret)};
}

}  // namespace

int RunClient(const cli::ClientCommand& command, cli::ColourChoice colour) {
  std::signal(SIGPIPE, SIG_IGN);
  const ScratchDirectory scratch;
  // With nobody left to read its answer a command ends, as others do in a pipeline; `job exec` has
  // a job to report and goes on.
  const auto end = [&scratch] {
    scratch.Remove();
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  };
  const bool goes_on = std::holds_alternative<cli::JobExecOptions>(command);
  posix::StandardOutput out(STDOUT_FILENO,
                            goes_on ? std::function<void()>() : std::function<void()>(end));
  posix::StandardOutput err(STDERR_FILENO);
  posix::SystemClock clock;
  posix::SystemRandom random;
  posix::SignalWaiter waiter;
  posix::PosixLocalFiles files;
  std::optional<NoSignalsForThreads> quiet(std::in_place);
  posix::PosixProcessRunner processes;
  git::WorkerGitClient git(processes, {.cache_directory = scratch.path(), .allow_file = true});
  quiet.reset();
  cli::Capabilities world{
      .out = out,
      .err = err,
      .terminal = posix::TerminalOfProcess(),
      .environment = ReadEnvironment(),
      .clock = clock,
      .random = random,
      .waiter = waiter,
      .files = files,
      .processes = processes,
      .git = git,
      .connect =
          [](const std::vector<std::string>& candidates) {
            const NoSignalsForThreads quiet_threads;
            return Connect(candidates);
          },
      .issue_agent_token = [&random](const Object& agent) { return IssueToken(agent, random); },
      .version = std::string(kVersion),
      .commit = {}};
  return cli::RunCommand(command, colour, world);
}

}  // namespace midwatch::cmd
