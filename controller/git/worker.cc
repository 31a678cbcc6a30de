#include "controller/git/worker.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "controller/git/libgit2_handles.h"
#include "controller/git/network_stream.h"
#include "controller/git/remote_commit.h"
#include "controller/git/tree_walk.h"
#include "controller/git/worker_protocol.h"

namespace midwatch::git {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kMaxPackObjectBytes = std::size_t{256} << 20;  // Held in memory by libgit2.
constexpr int kPipeBytes = 1 << 20;

void ConfigureLibgit2() {
  git_libgit2_init();
  for (const int level : {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                          GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
  }
  git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
  git_libgit2_opts(GIT_OPT_SET_USER_AGENT, "midwatch");
  git_libgit2_opts(GIT_OPT_DISABLE_PACK_KEEP_FILE_CHECKS, 1);
  git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, kMaxPackObjectBytes);
}

void ConfigureProcess() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // Past the limit a write fails instead.
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  std::set_new_handler([] { _exit(kExitOutOfMemory); });
}

bool WriteAll(int output, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(output, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

// Answers one request.
class Answer {
 public:
  Answer(const WorkerRequest& request, Network& network, int output)
      : request_(request),
        network_(network),
        output_(output),
        deadline_(std::chrono::steady_clock::now() + request.fetch.deadline) {}

  Result<void> Run();
  /// False once bytes of an answer have left: then it cannot be begun again.
  bool CanRestart() const { return !sent_; }

 private:
  Result<git_oid> RootOf(const RemoteCommit& commit) const;
  TreeWalk Walk(const git_oid& root) const;
  Result<void> Add(const GitEntry& entry);
  Result<void> Flush();
  Result<void> SendDone(const GitRevision& revision, bool unchanged);

  const WorkerRequest& request_;
  Network& network_;
  int output_;
  SteadyTime deadline_;
  std::string entries_;  // Waiting to fill a frame.
  bool sent_ = false;
};

Result<git_oid> Answer::RootOf(const RemoteCommit& commit) const {
  git_commit* raw = nullptr;
  if (const int error = git_commit_lookup(&raw, commit.repository.get(), &commit.id); error != 0) {
    Error why = LastGitError(error, "cannot read the commit");
    why.code = ErrorCode::kInternal;
    return Fail(std::move(why));
  }
  const CommitHandle held(raw);
  return *git_commit_tree_id(raw);
}

TreeWalk Answer::Walk(const git_oid& root) const {
  TreeWalk walk{.limits = request_.limits,
                .root = root,
                .read_suffixes = request_.fetch.read_suffixes,
                .known_blobs = {},
                .known_tree = {},
                .deadline = deadline_};
  if (request_.fetch.same_directories) {
    if (const Result<git_oid> id = ParseId(request_.fetch.known_tree)) {
      walk.known_tree = *id;
    }
  }
  const std::string_view blobs = request_.known_blobs;
  walk.known_blobs.reserve(blobs.size() / kBlobIdLength);
  for (std::size_t at = 0; at < blobs.size(); at += kBlobIdLength) {
    if (const Result<git_oid> id = ParseId(blobs.substr(at, kBlobIdLength))) {
      walk.known_blobs.push_back(*id);
    }
  }
  const auto by_id = [](const git_oid& a, const git_oid& b) { return git_oid_cmp(&a, &b) < 0; };
  if (!std::is_sorted(walk.known_blobs.begin(), walk.known_blobs.end(), by_id)) {
    std::sort(walk.known_blobs.begin(), walk.known_blobs.end(), by_id);
  }
  return walk;
}

Result<void> Answer::Run() {
  MIDWATCH_ASSIGN(const RemoteCommit commit, FindRemoteCommit(request_, network_, deadline_));
  MIDWATCH_ASSIGN(const git_oid root, RootOf(commit));
  MIDWATCH_ASSIGN(const git_oid tree,
                  FindTree(commit.repository.get(), root, request_.fetch.remote.path));
  const GitRevision revision{.commit = IdText(commit.id), .tree = IdText(tree)};
  if (revision.tree == request_.fetch.known_tree) {
    return SendDone(revision, true);
  }
  MIDWATCH_TRY(WalkTree(commit.repository.get(), tree, request_.fetch.remote.path, Walk(root),
                        [this](const GitEntry& entry) { return Add(entry); }));
  MIDWATCH_TRY(Flush());
  return SendDone(revision, false);
}

Result<void> Answer::Add(const GitEntry& entry) {
  AppendEntry(entry, entries_);
  return entries_.size() < kEntriesPerFrameBytes ? Result<void>() : Flush();
}

Result<void> Answer::Flush() {
  if (entries_.empty()) {
    return {};
  }
  sent_ = true;
  const std::string frame = EncodeFrame(Json::Of({{"type", "entries"}}), entries_);
  entries_.clear();
  if (!WriteAll(output_, frame)) {
    return Fail(ErrorCode::kUnavailable, "the parent is gone");
  }
  return {};
}

Result<void> Answer::SendDone(const GitRevision& revision, bool unchanged) {
  const Json header = Json::Of({{"type", "done"},
                                {"commit", revision.commit},
                                {"tree", revision.tree},
                                {"unchanged", unchanged}});
  if (!WriteAll(output_, EncodeFrame(header, {}))) {
    return Fail(ErrorCode::kUnavailable, "the parent is gone");
  }
  return {};
}

bool IsDamagedCache(const WorkerRequest& request, const Error& error) {
  const bool cached = !request.fetch.remote.url.starts_with("file:");
  return cached && error.code == ErrorCode::kInternal;
}

void Serve(Frame frame, Network& network, int output) {
  Result<WorkerRequest> request = DecodeRequest(std::move(frame));
  if (!request) {
    WriteAll(output, EncodeError(request.error()));
    return;
  }
  const rlimit disk{request->limits.disk_bytes, request->limits.disk_bytes};
  setrlimit(RLIMIT_FSIZE, &disk);
  Answer answer(*request, network, output);
  Result<void> done = answer.Run();
  if (!done && IsDamagedCache(*request, done.error())) {
    RemoveCache(request->repository);  // It costs a fetch, now or with the next request.
    if (answer.CanRestart()) {
      done = answer.Run();
    }
  }
  if (!done) {
    WriteAll(output, EncodeError(done.error()));
  }
}

}  // namespace

int RunGitWorker(int input, int output) {
  ConfigureProcess();
  ConfigureLibgit2();
  fcntl(output, F_SETPIPE_SZ, kPipeBytes);
  Network network;
  FrameReader reader;
  std::string buffer(std::size_t{64} << 10, '\0');
  for (;;) {
    Result<std::optional<Frame>> frame = reader.Next();
    if (!frame) {
      return 1;
    }
    if (*frame) {
      Serve(std::move(**frame), network, output);
      continue;
    }
    const ssize_t got = read(input, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return 0;
    }
    reader.Append(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
  }
}

}  // namespace midwatch::git
