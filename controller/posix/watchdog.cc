#include "controller/posix/watchdog.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "controller/posix/descriptor.h"
#include "controller/posix/pid_namespace.h"
#include "controller/posix/process_tree.h"
#include "controller/posix/spawn.h"
#include "controller/posix/system_clock.h"

namespace midwatch::posix {
namespace {

constexpr int kControl = 3;
constexpr int kUsageError = 64;
constexpr std::uint64_t kMaxFileSize = std::uint64_t{1} << 30;
constexpr Duration kKillAgainAfter = std::chrono::milliseconds(20);

template <typename T>
bool ParseNumber(std::string_view text, T& out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

void Limit(__rlimit_resource resource, std::uint64_t value) {
  if (value == 0) return;
  const rlimit limit{value, value};
  setrlimit(resource, &limit);
}

/// The loop of one watchdog process.
class Watchdog {
 public:
  explicit Watchdog(WatchdogArguments arguments) : arguments_(std::move(arguments)) {}

  int Run() {
    Prepare();
    if (!StartChild()) return 127;
    while (!Finished()) Wait();
    Report("exit " + std::to_string(exit_.code) + " " + std::to_string(exit_.signal));
    return 0;
  }

 private:
  void Prepare() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (const int ignored : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) signal(ignored, SIG_IGN);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, nullptr);
    children_ = Descriptor(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    timer_ = Descriptor(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    Limit(RLIMIT_DATA, arguments_.data_limit);
    Limit(RLIMIT_CPU, arguments_.cpu_seconds);
    Limit(RLIMIT_FSIZE, kMaxFileSize);
    Limit(RLIMIT_CORE, 0);
  }

  bool StartChild() {
    if (BootTime() >= arguments_.until) {  // The agent, or this process, was frozen meanwhile.
      Report("exit 0 " + std::to_string(SIGKILL));
      return false;
    }
    const auto pid = Spawn({.program = arguments_.program,
                            .arguments = arguments_.arguments,
                            .environment = OwnEnvironment(),
                            .working_directory = "",
                            .descriptors = {0, 1, 2}});
    for (int fd = 0; fd < 3; ++fd) close(fd);  // Only the tree holds them, so their ends are seen.
    if (!pid) {
      Report("fail " + pid.error().message);
      return false;
    }
    child_ = *pid;
    return true;
  }

  /// A live descendant always has an ancestor among our children, since orphans come to us.
  bool Finished() const { return no_children_; }

  void Wait() {
    const MonoTime now = BootTime();
    if (killing_ || child_ == 0 || now >= arguments_.until || (kill_at_ && now >= *kill_at_)) {
      killing_ = true;
      KillDescendants(getpid(), {});
    }
    ArmTimer(now);
    pollfd polls[] = {{children_.get(), POLLIN, 0},
                      {timer_.get(), POLLIN, 0},
                      {control_open_ ? kControl : -1, POLLIN, 0}};
    poll(polls, 3, -1);
    if (polls[0].revents != 0) Reap();
    if (polls[1].revents != 0) Drain(timer_);
    if (polls[2].revents != 0) ReadControl();
  }

  void ArmTimer(MonoTime now) {
    MonoTime at = arguments_.until;
    if (kill_at_) at = std::min(at, *kill_at_);
    if (killing_) at = now + kKillAgainAfter;
    at = std::max(at, MonoTime{1});
    itimerspec spec{};
    spec.it_value.tv_sec = at.micros / 1'000'000;
    spec.it_value.tv_nsec = (at.micros % 1'000'000) * 1000;
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  void Reap() {
    signalfd_siginfo info;
    while (read(children_.get(), &info, sizeof info) > 0) {
    }
    int status = 0;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    for (; pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
      if (pid != child_) continue;
      child_ = 0;
      if (WIFEXITED(status)) exit_.code = WEXITSTATUS(status);
      if (WIFSIGNALED(status)) exit_.signal = WTERMSIG(status);
    }
    no_children_ = pid < 0 && errno == ECHILD;
  }

  void ReadControl() {
    char buffer[kMaxWatchdogMessage];
    const ssize_t got = recv(kControl, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {  // The agent is gone.
      control_open_ = false;
      killing_ = true;
      return;
    }
    Obey({buffer, static_cast<std::size_t>(got)});
  }

  void Obey(std::string_view message) {
    const std::size_t space = message.find(' ');
    std::int64_t number = 0;
    if (space == std::string_view::npos || !ParseNumber(message.substr(space + 1), number)) return;
    if (message.substr(0, space) == "until") arguments_.until = {number};
    if (message.substr(0, space) != "stop") return;
    const MonoTime kill_at = BootTime() + Duration(number);
    kill_at_ = kill_at_ ? std::min(*kill_at_, kill_at) : kill_at;
    if (child_ != 0) AskToEnd();
  }

  void AskToEnd() {
    const std::vector<pid_t> wrapped =
        arguments_.is_wrapper ? FollowersOf(child_) : std::vector<pid_t>{};
    for (const pid_t pid : wrapped) kill(pid, SIGTERM);
    if (wrapped.empty()) kill(-child_, SIGTERM);
  }

  void Report(const std::string& message) {
    const std::size_t size = std::min(message.size(), kMaxWatchdogMessage);
    [[maybe_unused]] const ssize_t sent =
        send(kControl, message.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  WatchdogArguments arguments_;
  Descriptor children_;
  Descriptor timer_;
  bool control_open_ = true;
  bool killing_ = false;
  bool no_children_ = false;
  std::optional<MonoTime> kill_at_;
  pid_t child_ = 0;
  ProcessExit exit_;
};

}  // namespace

std::vector<std::string> ToArguments(const WatchdogArguments& parsed) {
  std::vector<std::string> out{"--until",   std::to_string(parsed.until.micros),
                               "--data",    std::to_string(parsed.data_limit),
                               "--cpu",     std::to_string(parsed.cpu_seconds),
                               "--wrapper", parsed.is_wrapper ? "1" : "0",
                               "--",        parsed.program};
  out.insert(out.end(), parsed.arguments.begin(), parsed.arguments.end());
  return out;
}

std::optional<WatchdogArguments> ParseWatchdogArguments(const std::vector<std::string>& arguments) {
  WatchdogArguments parsed;
  std::size_t at = 0;
  bool has_until = false;
  for (; at + 1 < arguments.size() && arguments[at] != "--"; at += 2) {
    const std::string& value = arguments[at + 1];
    bool fits = false;
    if (arguments[at] == "--until") fits = has_until = ParseNumber(value, parsed.until.micros);
    if (arguments[at] == "--data") fits = ParseNumber(value, parsed.data_limit);
    if (arguments[at] == "--cpu") fits = ParseNumber(value, parsed.cpu_seconds);
    if (arguments[at] == "--wrapper") {
      parsed.is_wrapper = value == "1";
      fits = parsed.is_wrapper || value == "0";
    }
    if (!fits) return std::nullopt;
  }
  if (!has_until || at + 2 >= arguments.size()) return std::nullopt;
  parsed.program = arguments[at + 1];
  parsed.arguments.assign(arguments.begin() + static_cast<std::ptrdiff_t>(at) + 2, arguments.end());
  return parsed;
}

int RunWatchdog(const std::vector<std::string>& arguments) {
  prctl(PR_SET_DUMPABLE, 0);  // A sidecar of the same user could freeze or change us by ptrace.
  if (arguments.size() > 2 && arguments[0] == kInit) {
    return RunNamespaceInit(arguments[1], {arguments.begin() + 2, arguments.end()});
  }
  auto parsed = ParseWatchdogArguments(arguments);
  if (!parsed) {
    std::fputs("midwatch watchdog is started by midwatch agent\n", stderr);
    return kUsageError;
  }
  return Watchdog(std::move(*parsed)).Run();
}

}  // namespace midwatch::posix
