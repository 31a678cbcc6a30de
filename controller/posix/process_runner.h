#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/env/process_runner.h"
#include "controller/posix/sandbox.h"

namespace midwatch::posix {

struct RunnerOptions {
  /// The command of RunWatchdog: the path of this program, "watchdog". With it each process that
  /// has `kill_at` gets a watchdog as its parent and subreaper: the whole tree is found, and dies
  /// though this process be frozen or dead; and this process becomes a subreaper, to find the tree
  /// of a watchdog that was killed. Without it `kill_at` is kept by this process, and a child that
  /// left its session may escape.
  std::vector<std::string> watchdog;
  /// FindPidNamespace: what has a watchdog and no sandbox runs in such a namespace, which the
  /// watchdog kills from outside. Empty: a tree that forks faster than it is looked for may go on.
  std::vector<std::string> pid_namespace = {};
  /// FindSandbox. None: `sandbox` of a spec has no effect.
  std::optional<Sandbox> sandbox;
};

/// Bytes that may wait to be written to one process.
inline constexpr std::size_t kMaxQueuedInput = std::size_t{16} << 20;

/// Runs processes of this host by posix_spawn; see spawn.h for what a child inherits (nothing). One
/// thread serves all of them and calls the sinks. Limits of a process without a watchdog are set
/// just after its start.
///
/// Start fails with kNotFound if the program is not there, kInvalid for an empty command. A program
/// that the system refuses to run behind a watchdog exits with 127, and says why on its standard
/// error. Destroying the runner kills everything that it started.
class PosixProcessRunner final : public ProcessRunner {
 public:
  explicit PosixProcessRunner(RunnerOptions options = {});
  ~PosixProcessRunner() override;
  PosixProcessRunner(const PosixProcessRunner&) = delete;
  PosixProcessRunner& operator=(const PosixProcessRunner&) = delete;

  Result<std::unique_ptr<Process>> Start(const ProcessSpec& spec,
                                         std::shared_ptr<ProcessSink> sink) override;

 private:
  class Loop;
  const RunnerOptions options_;
  std::shared_ptr<Loop> loop_;  // Shared with the processes' handles, which may outlive the runner.
};

}  // namespace midwatch::posix
