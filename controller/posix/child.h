#pragma once

#include <sys/types.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "controller/env/process_runner.h"
#include "controller/posix/descriptor.h"
#include "controller/posix/sandbox.h"

namespace midwatch::posix {

/// One process of PosixProcessRunner as its loop sees it. Guarded by the loop's mutex where it says
/// so; the rest belongs to the loop's thread.
struct Child {
  pid_t pid = -1;  ///< Of the watchdog, if it has one. Constant.
  bool watched = false;
  bool passes_through = false;
  std::shared_ptr<ProcessSink> sink;

  Descriptor exit;  ///< A pidfd: readable once the process has ended.
  Descriptor output;
  Descriptor errors;
  Descriptor control;  ///< To the watchdog. Written by any thread.
  std::optional<ProcessExit> ended;
  std::optional<MonoTime> drain_until;
  bool orphaned = false;    ///< Its watchdog died, so what is left of its tree comes to us.
  std::string start_error;  ///< What the watchdog said if it could not start the program.

  // Guarded.
  Descriptor input;
  std::deque<std::string> queue;
  std::size_t queue_offset = 0;  ///< Bytes of the first piece that were written.
  std::size_t queued = 0;
  bool close_input = false;
  std::optional<MonoTime> kill_at;  ///< Its deadline, which may be moved.
  std::optional<MonoTime> stop_at;  ///< When a stop that was asked for is over.
  bool killed = false;
};

struct RunnerOptions;

/// How a child is to be started.
struct ChildPlan {
  std::string program;
  std::vector<std::string> arguments;
  bool watched = false;
};

/// Resolves program, sandbox and watchdog of a spec.
Result<ChildPlan> PlanChild(const ProcessSpec& spec, const RunnerOptions& options);

/// Starts it and makes its pipes.
Result<std::shared_ptr<Child>> StartChild(const ProcessSpec& spec, const ChildPlan& plan,
                                          std::shared_ptr<ProcessSink> sink);

/// Sends a message to the child's watchdog; nothing if it has none or is gone.
void TellWatchdog(const Child& child, const std::string& message);

/// Takes what the watchdog said last: how the process ended, or that it did not start.
void ReadWatchdog(Child& child);

/// SIGKILL to everything that can be found below and in the group of the child.
void KillChild(const Child& child);

/// True once no process of the ended child's group is left.
bool GroupIsGone(const Child& child);

}  // namespace midwatch::posix
