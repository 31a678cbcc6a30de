#include "controller/posix/child.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "controller/posix/process_runner.h"
#include "controller/posix/process_tree.h"
#include "controller/posix/spawn.h"
#include "controller/posix/watchdog.h"

namespace midwatch::posix {
namespace {

std::string PathOf(const ProcessSpec& spec) {
  const auto path = spec.environment.find("PATH");
  return path == spec.environment.end() ? "/usr/local/bin:/usr/bin:/bin" : path->second;
}

Descriptor OpenPidfd(pid_t pid) {  // glibc 2.36 declares it without extern "C".
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

void LimitDirectly(pid_t pid, const ProcessSpec& spec) {
  const auto limit = [pid](__rlimit_resource resource, std::uint64_t value) {
    const rlimit both{value, value};
    prlimit(pid, resource, &both, nullptr);
  };
  if (spec.memory_limit != 0) limit(RLIMIT_DATA, spec.memory_limit);
  if (spec.cpu_seconds != 0) limit(RLIMIT_CPU, spec.cpu_seconds);
}

struct ChildPipes {
  Pipe input;
  Pipe output;
  Pipe errors;
  std::pair<Descriptor, Descriptor> control;
};

Result<ChildPipes> MakePipes() {
  ChildPipes pipes;
  MIDWATCH_ASSIGN(pipes.input, MakePipe());
  MIDWATCH_ASSIGN(pipes.output, MakePipe());
  MIDWATCH_ASSIGN(pipes.errors, MakePipe());
  MIDWATCH_ASSIGN(pipes.control, MakeMessagePair());
  return pipes;
}

std::vector<std::string> InNamespace(const ChildPlan& plan, const RunnerOptions& options) {
  std::vector<std::string> command = options.pid_namespace;
  command.insert(command.end(), options.watchdog.begin(), options.watchdog.end());
  command.insert(command.end(), {kInit, plan.program});
  command.insert(command.end(), plan.arguments.begin(), plan.arguments.end());
  return command;
}

}  // namespace

Result<ChildPlan> PlanChild(const ProcessSpec& spec, const RunnerOptions& options) {
  if (spec.command.empty()) return Fail(ErrorCode::kInvalid, "command: expected a program");
  ChildPlan plan;
  MIDWATCH_ASSIGN(plan.program, FindProgram(spec.command[0], PathOf(spec)));
  plan.arguments = spec.command;
  plan.watched = spec.kill_at.has_value() && !options.watchdog.empty();
  const bool is_wrapper = spec.sandbox && options.sandbox;
  if (is_wrapper) {  // Which has a PID namespace.
    plan.arguments = SandboxCommand(*options.sandbox, plan.program, spec);
    plan.program = options.sandbox->bubblewrap;
  } else if (plan.watched && !options.pid_namespace.empty()) {
    plan.arguments = InNamespace(plan, options);
    plan.program = plan.arguments[0];
  }
  if (!plan.watched) return plan;
  std::vector<std::string> command = options.watchdog;
  const std::vector<std::string> tail = ToArguments({.until = *spec.kill_at,
                                                     .data_limit = spec.memory_limit,
                                                     .cpu_seconds = spec.cpu_seconds,
                                                     .is_wrapper = is_wrapper,
                                                     .program = plan.program,
                                                     .arguments = plan.arguments});
  command.insert(command.end(), tail.begin(), tail.end());
  plan.program = command[0];
  plan.arguments = std::move(command);
  return plan;
}

Result<std::shared_ptr<Child>> StartChild(const ProcessSpec& spec, const ChildPlan& plan,
                                          std::shared_ptr<ProcessSink> sink) {
  MIDWATCH_ASSIGN(ChildPipes pipes, MakePipes());
  const int input = spec.pass_through ? STDIN_FILENO : pipes.input.read.get();
  std::vector<int> descriptors{input, pipes.output.write.get(), pipes.errors.write.get()};
  if (plan.watched) descriptors.push_back(pipes.control.second.get());
  auto child = std::make_shared<Child>();
  MIDWATCH_ASSIGN(child->pid, Spawn({.program = plan.program,
                                     .arguments = plan.arguments,
                                     .environment = spec.environment,
                                     .working_directory = spec.working_directory,
                                     .descriptors = std::move(descriptors)}));
  if (!plan.watched) LimitDirectly(child->pid, spec);
  child->exit = OpenPidfd(child->pid);
  child->watched = plan.watched;
  child->passes_through = spec.pass_through;
  child->sink = std::move(sink);
  if (!spec.pass_through) child->input = std::move(pipes.input.write);
  child->output = std::move(pipes.output.read);
  child->errors = std::move(pipes.errors.read);
  if (plan.watched) child->control = std::move(pipes.control.first);
  child->kill_at = spec.kill_at;
  for (const Descriptor* own : {&child->input, &child->output, &child->errors})
    if (*own) SetNonBlocking(*own);
  return child;
}

void TellWatchdog(const Child& child, const std::string& message) {
  if (!child.control) return;
  [[maybe_unused]] const ssize_t sent =
      send(child.control.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void ReadWatchdog(Child& child) {
  char buffer[kMaxWatchdogMessage];
  ssize_t got = recv(child.control.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0 && errno == ECONNRESET) {
    // It ended before it read all that it was told, which comes before what it said.
    got = recv(child.control.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  }
  if (got <= 0) return;
  const std::string message(buffer, static_cast<std::size_t>(got));
  if (message.starts_with("fail ")) {
    child.start_error = message.substr(5) + "\n";
    child.ended = ProcessExit{.code = 127, .signal = 0};
    return;
  }
  std::istringstream words(message);
  std::string verb;
  ProcessExit exit;
  if (words >> verb >> exit.code >> exit.signal && verb == "exit") child.ended = exit;
}

void KillChild(const Child& child) {
  KillTree(child.pid);
  kill(-child.pid, SIGKILL);
}

bool GroupIsGone(const Child& child) {
  while (waitpid(-child.pid, nullptr, WNOHANG) > 0) {
    // Orphans of the group are ours to reap if this process is a subreaper.
  }
  return kill(-child.pid, 0) != 0 && errno == ESRCH;
}

}  // namespace midwatch::posix
