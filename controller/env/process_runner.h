#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"

namespace midwatch {

/// A program to start. The environment is exactly `environment`: nothing is inherited.
struct ProcessSpec {
  std::vector<std::string> command;  ///< Program (searched in PATH of `environment`) and arguments.
  std::map<std::string, std::string> environment;
  std::string working_directory;
  std::uint64_t memory_limit = 0;  ///< Bytes of data (RLIMIT_DATA); 0: none.
  std::uint64_t cpu_seconds = 0;   ///< RLIMIT_CPU; 0: none.
  bool sandbox = false;            ///< In a sandbox where the host has one (posix/sandbox.h).
  std::vector<std::string>
      readable;  ///< Paths that stay visible in the sandbox, besides the system's.
  std::vector<std::string> writable;
  std::optional<MonoTime> kill_at;  ///< See Process::KillAt; none: it may run for ever.
  /// It stands in for this process: has its standard input, and what it leaves in the background
  /// when it exits lives on. Not together with `kill_at`.
  bool pass_through = false;
};

struct ProcessExit {
  int code = 0;    ///< Exit code, if it exited.
  int signal = 0;  ///< The signal that ended it, or 0.
};

/// Receives what a process does; calls come one at a time on a thread of the runner.
class ProcessSink {
 public:
  virtual ~ProcessSink() = default;
  virtual void OnStdout(std::string_view bytes) = 0;
  virtual void OnStderr(std::string_view bytes) = 0;
  virtual void OnExit(ProcessExit exit) = 0;  ///< Once, last: after the whole process tree is gone.
  /// Asked after OnStdout. False: no more of it is read, and who writes to it gets SIGPIPE.
  virtual bool WantsMore() const { return true; }
};

/// A running process with its own process group. Destroying it kills the tree. Thread-safe.
class Process {
 public:
  virtual ~Process() = default;
  /// Queues bytes for its standard input. False: it is closed, or the queue's bound is reached.
  virtual bool Write(std::string bytes) = 0;
  virtual void CloseInput() = 0;
  /// Passes a signal on to its group; a process that was started with `kill_at` gets none.
  virtual void Signal(int number) = 0;
  /// SIGTERM to the group, SIGKILL to the whole tree after `grace`.
  virtual void Stop(Duration grace) = 0;
  /// Moves the instant at which the whole tree is killed by a watchdog, even if this process is
  /// frozen or dead by then. Only for a process that was started with `kill_at`.
  virtual void KillAt(MonoTime deadline) = 0;
};

/// Starts processes. Thread-safe.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  virtual Result<std::unique_ptr<Process>> Start(const ProcessSpec& spec,
                                                 std::shared_ptr<ProcessSink> sink) = 0;
};

}  // namespace midwatch
