#include "controller/posix/process_runner.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

#include "controller/base/check.h"
#include "controller/posix/child.h"
#include "controller/posix/process_tree.h"
#include "controller/posix/system_clock.h"

namespace midwatch::posix {
namespace {

constexpr std::size_t kReadPiece = 64 << 10;
// How long output is waited for that something outside the tree could still be writing.
constexpr Duration kDrainTime = std::chrono::seconds(1);
constexpr Duration kLookAgainAfter = std::chrono::milliseconds(2);
// What a watchdog gets longer than its tree, which may have stopped it, before both are killed.
constexpr Duration kWatchdogTime = std::chrono::seconds(2);

int PollTimeout(std::optional<MonoTime> deadline, MonoTime now) {
  if (!deadline) return -1;
  const auto left = (*deadline - now).count();
  if (left <= 0) return 0;
  const std::int64_t millis = (left + 999) / 1000;
  return static_cast<int>(std::min<std::int64_t>(millis, std::numeric_limits<int>::max()));
}

void Soonest(std::optional<MonoTime>& current, std::optional<MonoTime> other) {
  if (other && (!current || *other < *current)) current = other;
}

/// When this process is to kill the child, with its watchdog.
std::optional<MonoTime> KillTime(const Child& child) {
  std::optional<MonoTime> at = child.kill_at;
  Soonest(at, child.stop_at);
  if (at && child.watched) at = *at + kWatchdogTime;
  return at;
}

}  // namespace

/// The thread that reads, writes and reaps for all children.
class PosixProcessRunner::Loop {
 public:
  explicit Loop(bool reaps_orphans) : reaps_orphans_(reaps_orphans) {
    auto wake = MakeEvent();
    MIDWATCH_CHECK(wake.has_value());
    wake_ = std::move(*wake);
    if (reaps_orphans_) prctl(PR_SET_CHILD_SUBREAPER, 1);
    thread_ = std::thread([this] { Run(); });
  }

  void StopAndJoin() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const auto& child : children_) RequestStop(*child, Duration::zero());
    }
    Signal(wake_);
    thread_.join();
  }

  Result<std::shared_ptr<Child>> Start(const ProcessSpec& spec, const ChildPlan& plan,
                                       std::shared_ptr<ProcessSink> sink) {
    const std::lock_guard lock(
        mutex_);  // Also keeps the search for orphans from seeing a half-known child.
    if (stopping_) return Fail(ErrorCode::kUnavailable, "processes: the runner is stopping");
    MIDWATCH_ASSIGN(auto child, StartChild(spec, plan, std::move(sink)));
    children_.push_back(child);
    Signal(wake_);
    return child;
  }

  bool Write(Child& child, std::string bytes) {
    const std::lock_guard lock(mutex_);
    if (!child.input || child.close_input) return false;
    if (bytes.size() > kMaxQueuedInput - child.queued) return false;
    child.queued += bytes.size();
    if (!bytes.empty()) child.queue.push_back(std::move(bytes));
    Signal(wake_);
    return true;
  }

  void CloseInput(Child& child) {
    const std::lock_guard lock(mutex_);
    child.close_input = true;
    Signal(wake_);
  }

  void PassOn(Child& child, int signal) {
    const std::lock_guard lock(mutex_);
    if (!child.watched && !child.killed) kill(-child.pid, signal);
  }

  void Stop(Child& child, Duration grace) {
    const std::lock_guard lock(mutex_);
    RequestStop(child, grace);
    Signal(wake_);
  }

  void KillAt(Child& child, MonoTime deadline) {
    const std::lock_guard lock(mutex_);
    if (child.watched) TellWatchdog(child, "until " + std::to_string(deadline.micros));
    if (child.kill_at) child.kill_at = deadline;
    Signal(wake_);
  }

 private:
  /// The poll entries of one child, in this order.
  static constexpr std::size_t kEntries = 4;

  void Run() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    for (;;) {
      std::vector<std::shared_ptr<Child>> children;
      std::vector<pollfd> polls;
      std::optional<MonoTime> deadline;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_ && children_.empty()) return;
        children = children_;
        polls = Interests(children, deadline);
      }
      poll(polls.data(), polls.size(), PollTimeout(deadline, BootTime()));
      if (polls[0].revents != 0) Drain(wake_);
      for (std::size_t i = 0; i < children.size(); ++i) {
        Serve(*children[i], &polls[1 + i * kEntries]);
      }
      Forget();
    }
  }

  std::vector<pollfd> Interests(const std::vector<std::shared_ptr<Child>>& children,
                                std::optional<MonoTime>& deadline) {
    std::vector<pollfd> polls{{wake_.get(), POLLIN, 0}};
    for (const auto& child : children) {
      const bool exit_known = child->drain_until.has_value();
      polls.push_back({exit_known ? -1 : child->exit.get(), POLLIN, 0});
      polls.push_back({child->output.get(), POLLIN, 0});
      polls.push_back({child->errors.get(), POLLIN, 0});
      const bool writes = !child->queue.empty() || child->close_input;
      polls.push_back({writes ? child->input.get() : -1, POLLOUT, 0});
      if (!child->killed) Soonest(deadline, KillTime(*child));
      const bool silent = !child->output && !child->errors;
      if (child->drain_until && (silent || child->orphaned)) {
        Soonest(deadline, BootTime() + kLookAgainAfter);  // Only what was killed is waited for.
      } else {
        Soonest(deadline, child->drain_until);
      }
    }
    return polls;
  }

  void Serve(Child& child, const pollfd* polls) {
    if (polls[3].revents != 0) WriteInput(child);
    if (polls[1].revents != 0) ReadFrom(child, child.output, true);
    if (polls[2].revents != 0) ReadFrom(child, child.errors, false);
    if (polls[0].revents != 0) NoticeExit(child);
    const std::lock_guard lock(mutex_);
    const auto kill_time = KillTime(child);
    if (child.killed || !kill_time || BootTime() < *kill_time) return;
    child.killed = true;
    KillChild(child);
  }

  void WriteInput(Child& child) {
    const std::lock_guard lock(mutex_);
    while (!child.queue.empty()) {
      const std::string& piece = child.queue.front();
      const ssize_t written = write(child.input.get(), piece.data() + child.queue_offset,
                                    piece.size() - child.queue_offset);
      if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (written < 0) return DropInput(child);
      child.queue_offset += static_cast<std::size_t>(written);
      child.queued -= static_cast<std::size_t>(written);
      if (child.queue_offset < piece.size()) return;
      child.queue.pop_front();
      child.queue_offset = 0;
    }
    if (child.close_input) DropInput(child);
  }

  static void DropInput(Child& child) {
    child.input.Close();
    child.queue.clear();
    child.queued = 0;
    child.queue_offset = 0;
  }

  static void ReadFrom(Child& child, Descriptor& from, bool is_output) {
    char buffer[kReadPiece];
    const ssize_t got = read(from.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return from.Close();
    const std::string_view bytes(buffer, static_cast<std::size_t>(got));
    if (is_output) {
      child.sink->OnStdout(bytes);
      if (!child.sink->WantsMore()) from.Close();
    } else {
      child.sink->OnStderr(bytes);
    }
  }

  void NoticeExit(Child& child) {
    const std::lock_guard lock(mutex_);
    if (child.watched) ReadWatchdog(child);
    // While its zombie keeps the number of the group from being used again.
    if (!child.passes_through) kill(-child.pid, SIGKILL);
    int status = 0;
    waitpid(child.pid, &status, 0);
    child.orphaned = child.watched && !child.ended;
    if (child.orphaned) {
      child.ended = ProcessExit{.code = 0, .signal = SIGKILL};  // Nobody saw it end otherwise.
    }
    if (!child.ended) {
      child.ended = ProcessExit{.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                                .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    }
    child.killed = true;
    child.drain_until = BootTime() + kDrainTime;
  }

  /// Kills what has come to us of the trees of watchdogs that died; true if there was nothing.
  /// What it kills may leave children of its own: those come next. Called under the lock.
  bool OrphansAreGone() {
    std::set<pid_t> ours;
    for (const auto& child : children_) ours.insert(child->pid);
    KillDescendants(getpid(), ours);
    bool gone = true;
    for (const pid_t pid : ChildrenOf(getpid())) {
      if (ours.contains(pid)) continue;
      gone = false;
      waitpid(pid, nullptr, WNOHANG);
    }
    return gone;
  }

  /// SIGTERM, and after the grace SIGKILL, by the watchdog if there is one. Called under the lock.
  static void RequestStop(Child& child, Duration grace) {
    if (child.killed) return;
    if (child.watched) {
      TellWatchdog(child, "stop " + std::to_string(grace.count()));
    } else if (grace > Duration::zero()) {
      kill(-child.pid, SIGTERM);
    }
    Soonest(child.stop_at, BootTime() + grace);
  }

  void Forget() {
    std::vector<std::shared_ptr<Child>> gone;
    {
      const std::lock_guard lock(mutex_);
      const MonoTime now = BootTime();
      const auto is_gone = [&](const auto& child) {
        if (!child->drain_until) return false;
        const bool silent = !child->output && !child->errors;
        const bool drained = (silent && (child->passes_through || GroupIsGone(*child))) ||
                             now >= *child->drain_until;
        return (!child->orphaned || OrphansAreGone()) && drained;
      };
      const auto first = std::stable_partition(children_.begin(), children_.end(),
                                               [&](const auto& child) { return !is_gone(child); });
      gone.assign(first, children_.end());
      children_.erase(first, children_.end());
      for (const auto& child : gone) DropInput(*child);
    }
    for (const auto& child : gone) {
      child->output.Close();
      child->errors.Close();
      if (!child->start_error.empty()) child->sink->OnStderr(child->start_error);
      child->sink->OnExit(*child->ended);
      child->sink.reset();
    }
  }

  const bool reaps_orphans_;
  Descriptor wake_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<std::shared_ptr<Child>> children_;  // Shared with their handles.
  std::thread thread_;

 public:
  /// What Start gives out.
  class Handle final : public Process {
   public:
    Handle(std::shared_ptr<Loop> loop, std::shared_ptr<Child> child)
        : loop_(std::move(loop)), child_(std::move(child)) {}
    ~Handle() override { loop_->Stop(*child_, Duration::zero()); }

    bool Write(std::string bytes) override { return loop_->Write(*child_, std::move(bytes)); }
    void CloseInput() override { loop_->CloseInput(*child_); }
    void Signal(int number) override { loop_->PassOn(*child_, number); }
    void Stop(Duration grace) override { loop_->Stop(*child_, grace); }
    void KillAt(MonoTime deadline) override { loop_->KillAt(*child_, deadline); }

   private:
    std::shared_ptr<Loop> loop_;
    std::shared_ptr<Child> child_;
  };
};

PosixProcessRunner::PosixProcessRunner(RunnerOptions options)
    : options_(std::move(options)), loop_(std::make_shared<Loop>(!options_.watchdog.empty())) {}

PosixProcessRunner::~PosixProcessRunner() { loop_->StopAndJoin(); }

Result<std::unique_ptr<Process>> PosixProcessRunner::Start(const ProcessSpec& spec,
                                                           std::shared_ptr<ProcessSink> sink) {
  MIDWATCH_ASSIGN(const ChildPlan plan, PlanChild(spec, options_));
  MIDWATCH_ASSIGN(auto child, loop_->Start(spec, plan, std::move(sink)));
  return std::make_unique<Loop::Handle>(loop_, std::move(child));
}

}  // namespace midwatch::posix
