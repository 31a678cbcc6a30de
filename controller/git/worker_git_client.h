#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/env/git_client.h"
#include "controller/env/process_runner.h"
#include "controller/git/worker_protocol.h"

namespace midwatch::git {

/// Requests of one source that may wait; one more is kTooManyRequests.
inline constexpr std::size_t kMaxWaitingPerSource = 16;
/// Output of a worker that may wait to be looked at; past it the worker is killed.
inline constexpr std::size_t kMaxUnreadBytes = std::size_t{64} << 20;

struct WorkerOptions {
  std::vector<std::string> command = {"/proc/self/exe", "git-worker"};  ///< Runs RunGitWorker.
  std::string cache_directory;  ///< Holds one bare repository per source. Made if missing.
  bool allow_file = false;      ///< Whether file:// URLs may be read; kForbidden otherwise.
  GitLimits limits = {};
  std::size_t max_workers = 8;  ///< Processes at a time; the longest idle one gives way.
  Duration grace =
      std::chrono::seconds(2);  ///< Past the deadline of a request the worker is killed.
};

/// GitClient over a warm `midwatch git-worker` process per source. Whatever a remote does to it, a
/// hang, a crash, hunger for memory, costs that request only: the next one starts a new process.
///
/// One thread of its own does everything; it calls the completions. The runner must outlive the
/// client. The destructor kills the workers; what was not answered completes with kUnavailable.
class WorkerGitClient final : public GitClient {
 public:
  WorkerGitClient(ProcessRunner& runner, WorkerOptions options);
  ~WorkerGitClient() override;

  void Fetch(std::string source, GitFetchRequest request,
             std::function<void(Result<GitSnapshot>)> done) override;
  void Forget(std::string source) override;

 private:
  class Keeper;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace midwatch::git
