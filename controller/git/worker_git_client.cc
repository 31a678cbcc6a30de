#include "controller/git/worker_git_client.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "controller/base/digest.h"
#include "controller/base/encoding.h"
#include "controller/git/remote_commit.h"
#include "controller/git/worker.h"

namespace midwatch::git {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using Done = std::function<void(Result<GitSnapshot>)>;

struct Asked {
  std::string source;
  GitFetchRequest request;
  Done done;
  std::uint64_t turn = 0;  // Order of asking.
};
struct Forgotten {
  std::string source;
};
struct Said {
  std::string source;
  std::uint64_t incarnation;
  std::string bytes;
};
struct Ended {
  std::string source;
  std::uint64_t incarnation;
  ProcessExit exit;
};
using Event = std::variant<Asked, Forgotten, Said, Ended>;

// What happened, for the keeper's thread.
class Events {
 public:
  void Push(Event event) {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      events_.push_back(std::move(event));
      changed_.notify_one();
    }
  }

  // False: too much is unread already.
  bool PushOutput(Said said) {
    const std::lock_guard lock(mutex_);
    if (unread_ + said.bytes.size() > kMaxUnreadBytes) {
      return false;
    }
    if (!closed_) {
      unread_ += said.bytes.size();
      events_.push_back(std::move(said));
      changed_.notify_one();
    }
    return true;
  }

  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }

  bool closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  // Waits for events, until `deadline`.
  std::deque<Event> Take(std::optional<SteadyTime> deadline) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return closed_ || !events_.empty(); };
    if (deadline) {
      changed_.wait_until(lock, *deadline, ready);
    } else {
      changed_.wait(lock, ready);
    }
    unread_ = 0;
    return std::exchange(events_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::size_t unread_ = 0;
  bool closed_ = false;
};

class WorkerSink final : public ProcessSink {
 public:
  WorkerSink(std::shared_ptr<Events> events, std::string source, std::uint64_t incarnation)
      : events_(std::move(events)), source_(std::move(source)), incarnation_(incarnation) {}

  void OnStdout(std::string_view bytes) override {
    if (!overflown_ && !events_->PushOutput({source_, incarnation_, std::string(bytes)})) {
      overflown_ = true;
      events_->Push(Ended{source_, incarnation_, {.code = 1, .signal = 0}});
    }
  }
  void OnStderr(std::string_view) override {}
  void OnExit(ProcessExit exit) override { events_->Push(Ended{source_, incarnation_, exit}); }

 private:
  std::shared_ptr<Events> events_;  // With the keeper.
  std::string source_;
  std::uint64_t incarnation_;
  bool overflown_ = false;
};

Error ExitError(ProcessExit exit) {
  if (exit.code == kExitOutOfMemory) {
    return {ErrorCode::kTooLarge, "reading the repository takes more memory than it may"};
  }
  if (exit.signal == SIGBUS) {
    return {ErrorCode::kInsufficientStorage, "the disk of the git cache is full"};
  }
  const std::string how = exit.signal != 0 ? "signal " + std::to_string(exit.signal)
                                           : "exit code " + std::to_string(exit.code);
  return {ErrorCode::kInternal, "the git worker ended unexpectedly (" + how + ")"};
}

void Mask(std::string& text, const std::string& secret) {
  for (std::size_t at = 0; !secret.empty() && (at = text.find(secret, at)) != std::string::npos;) {
    text.replace(at, secret.size(), "***");
    at += 3;
  }
}

Error WithoutCredentials(Error error, const GitRemote& remote) {
  Mask(error.message, Base64Encode(remote.username + ":" + remote.password.Reveal()));
  Mask(error.message, remote.password.Reveal());
  return error;
}

}  // namespace

class WorkerGitClient::Keeper {
 public:
  Keeper(ProcessRunner& runner, WorkerOptions options)
      : runner_(runner), options_(std::move(options)), thread_([this] { Run(); }) {}
  ~Keeper() {
    events_->Close();
    thread_.join();
  }

  void Push(Event event) { events_->Push(std::move(event)); }

 private:
  struct Source {
    std::deque<Asked> waiting;  // The first is being answered if `deadline` is set.
    std::unique_ptr<Process> process;
    std::uint64_t incarnation = 0;
    std::uint64_t used = 0;  // Order of last use.
    std::optional<SteadyTime> deadline;
    FrameReader output;
    GitSnapshot answer;
    std::uint64_t answer_bytes = 0;
  };

  void Run();
  void On(Asked asked);
  void On(Forgotten forgotten);
  void On(Said said);
  void On(Ended ended);
  void OnFrame(Source& source, Frame frame);
  void OnEntries(Source& source, const Frame& frame);
  void Misbehaved(Source& source, std::string how);
  void CheckDeadlines();
  void StartWaiting();
  bool MakeRoom();
  Result<void> StartWorker(const std::string& name, Source& source);
  void Begin(const std::string& name, Source& source);
  void Finish(Source& source, Result<GitSnapshot> result);
  std::optional<SteadyTime> NextDeadline() const;
  std::string CacheOf(const std::string& source) const;

  ProcessRunner& runner_;
  const WorkerOptions options_;
  std::shared_ptr<Events> events_ =
      std::make_shared<Events>();  // With the sinks, which may outlive us.
  // Of the thread alone:
  std::map<std::string, Source> sources_;
  std::uint64_t incarnations_ = 0;
  std::uint64_t uses_ = 0;
  std::uint64_t turns_ = 0;
  std::thread thread_;
};

void WorkerGitClient::Keeper::Run() {
  while (!events_->closed()) {
    for (Event& event : events_->Take(NextDeadline())) {
      std::visit([this](auto& it) { On(std::move(it)); }, event);
    }
    CheckDeadlines();
    StartWaiting();
  }
  for (Event& event : events_->Take(SteadyTime())) {
    if (auto* asked = std::get_if<Asked>(&event)) {
      sources_[asked->source].waiting.push_back(std::move(*asked));
    }
  }
  for (auto& [name, source] : sources_) {
    source.process.reset();
    while (!source.waiting.empty()) {
      Finish(source, Fail(ErrorCode::kUnavailable, "git sync is stopping"));
    }
  }
}

void WorkerGitClient::Keeper::On(Asked asked) {
  if (!options_.allow_file && asked.request.remote.url.starts_with("file:")) {
    asked.done(Fail(ErrorCode::kForbidden,
                    "url: file:// is not allowed, start the server with --allow-file-urls"));
    return;
  }
  Source& source = sources_[asked.source];
  if (source.waiting.size() > kMaxWaitingPerSource) {
    asked.done(Fail(ErrorCode::kTooManyRequests, "too many fetches of this source are waiting"));
    return;
  }
  asked.turn = ++turns_;
  source.waiting.push_back(std::move(asked));
}

void WorkerGitClient::Keeper::On(Forgotten forgotten) {
  const auto found = sources_.find(forgotten.source);
  if (found != sources_.end()) {
    found->second.process.reset();
    while (!found->second.waiting.empty()) {
      Finish(found->second, Fail(ErrorCode::kUnavailable, "the source was removed"));
    }
    sources_.erase(found);
  }
  RemoveCache(CacheOf(forgotten.source));
}

void WorkerGitClient::Keeper::On(Said said) {
  const auto found = sources_.find(said.source);
  if (found == sources_.end() || found->second.incarnation != said.incarnation) {
    return;
  }
  Source& source = found->second;
  source.output.Append(said.bytes);
  while (source.process != nullptr) {
    Result<std::optional<Frame>> frame = source.output.Next();
    if (!frame) {
      Misbehaved(source, frame.error().message);
    } else if (*frame) {
      OnFrame(source, std::move(**frame));
    } else {
      return;
    }
  }
}

void WorkerGitClient::Keeper::OnFrame(Source& source, Frame frame) {
  const std::string& type = frame.header.At("type").AsString();
  if (!source.deadline) {
    Misbehaved(source, "git worker: an answer to nothing");
  } else if (type == "entries") {
    OnEntries(source, frame);
  } else if (type == "done") {
    source.answer.revision = {.commit = frame.header.At("commit").AsString(),
                              .tree = frame.header.At("tree").AsString()};
    source.answer.unchanged = frame.header.At("unchanged").AsBool();
    Finish(source, std::move(source.answer));
  } else if (type == "error") {
    Finish(source, Fail(DecodeError(frame.header)));
  } else {
    Misbehaved(source, "git worker: an answer that is none");
  }
}

void WorkerGitClient::Keeper::OnEntries(Source& source, const Frame& frame) {
  Result<std::vector<GitEntry>> entries = DecodeEntries(frame.body);
  if (!entries) {
    Misbehaved(source, entries.error().message);
    return;
  }
  for (GitEntry& entry : *entries) {
    source.answer_bytes += entry.bytes.size();
    source.answer.entries.push_back(std::move(entry));
  }
  if (source.answer.entries.size() > options_.limits.entries ||
      source.answer_bytes > options_.limits.total_bytes) {
    Misbehaved(source, "git worker: the answer is larger than it may be");
  }
}

void WorkerGitClient::Keeper::Misbehaved(Source& source, std::string how) {
  source.process.reset();
  if (source.deadline) {
    Finish(source, Fail(ErrorCode::kInternal, std::move(how)));
  }
}

void WorkerGitClient::Keeper::On(Ended ended) {
  const auto found = sources_.find(ended.source);
  if (found == sources_.end() || found->second.incarnation != ended.incarnation) {
    return;
  }
  found->second.process.reset();
  if (found->second.deadline) {
    Finish(found->second, Fail(ExitError(ended.exit)));
  }
}

void WorkerGitClient::Keeper::CheckDeadlines() {
  const SteadyTime now = std::chrono::steady_clock::now();
  for (auto& [name, source] : sources_) {
    if (source.deadline && now >= *source.deadline) {
      source.process.reset();
      Finish(source, Fail(ErrorCode::kTimeout, "the fetch took too long"));
    }
  }
}

// Who has asked first is first: remotes that hang take turns with all others.
void WorkerGitClient::Keeper::StartWaiting() {
  std::map<std::uint64_t, decltype(sources_)::value_type*> turns;
  for (auto& entry : sources_) {
    if (!entry.second.deadline && !entry.second.waiting.empty()) {
      turns.emplace(entry.second.waiting.front().turn, &entry);
    }
  }
  for (const auto& [turn, entry] : turns) {
    auto& [name, source] = *entry;
    if (source.process == nullptr) {
      if (!MakeRoom()) {
        return;  // The next worker that finishes makes it.
      }
      if (const Result<void> started = StartWorker(name, source); !started) {
        Finish(source, Fail(started.error()));
        continue;
      }
    }
    Begin(name, source);
  }
}

bool WorkerGitClient::Keeper::MakeRoom() {
  std::size_t running = 0;
  Source* idle = nullptr;
  for (auto& [name, source] : sources_) {
    running += source.process != nullptr ? 1 : 0;
    const bool is_idle = source.process != nullptr && !source.deadline;
    if (is_idle && (idle == nullptr || source.used < idle->used)) {
      idle = &source;
    }
  }
  if (running < options_.max_workers) {
    return true;
  }
  if (idle != nullptr) {
    idle->process.reset();
  }
  return idle != nullptr;
}

Result<void> WorkerGitClient::Keeper::StartWorker(const std::string& name, Source& source) {
  source.incarnation = ++incarnations_;
  source.output = FrameReader();
  ProcessSpec spec;
  spec.command = options_.command;
  spec.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
  spec.working_directory = "/";
  spec.memory_limit = options_.limits.memory_bytes;
  MIDWATCH_ASSIGN(source.process, runner_.Start(spec, std::make_shared<WorkerSink>(
                                                          events_, name, source.incarnation)));
  return {};
}

void WorkerGitClient::Keeper::Begin(const std::string& name, Source& source) {
  const GitFetchRequest& fetch = source.waiting.front().request;
  source.used = ++uses_;
  source.answer = {};
  source.answer_bytes = 0;
  source.deadline = std::chrono::steady_clock::now() + fetch.deadline + options_.grace;
  // A worker that has just died does not take it: its exit comes and says why.
  (void)source.process->Write(EncodeRequest(fetch, options_.limits, CacheOf(name)));
}

void WorkerGitClient::Keeper::Finish(Source& source, Result<GitSnapshot> result) {
  Asked asked = std::move(source.waiting.front());
  source.waiting.pop_front();
  source.deadline.reset();
  source.answer = {};
  if (!result) {
    result = Fail(WithoutCredentials(std::move(result).error(), asked.request.remote));
  }
  asked.done(std::move(result));
}

std::optional<SteadyTime> WorkerGitClient::Keeper::NextDeadline() const {
  std::optional<SteadyTime> next;
  for (const auto& [name, source] : sources_) {
    if (source.deadline && (!next || *source.deadline < *next)) {
      next = source.deadline;
    }
  }
  return next;
}

std::string WorkerGitClient::Keeper::CacheOf(const std::string& source) const {
  return options_.cache_directory + "/" + Sha256Hex(source).substr(0, 32);
}

WorkerGitClient::WorkerGitClient(ProcessRunner& runner, WorkerOptions options)
    : keeper_(std::make_unique<Keeper>(runner, std::move(options))) {}

WorkerGitClient::~WorkerGitClient() = default;

void WorkerGitClient::Fetch(std::string source, GitFetchRequest request,
                            std::function<void(Result<GitSnapshot>)> done) {
  keeper_->Push(Asked{std::move(source), std::move(request), std::move(done)});
}

void WorkerGitClient::Forget(std::string source) { keeper_->Push(Forgotten{std::move(source)}); }

}  // namespace midwatch::git
