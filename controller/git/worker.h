#pragma once

namespace midwatch::git {

/// The exit status of a worker that was refused memory (GitLimits::memory_bytes).
inline constexpr int kExitOutOfMemory = 77;

/// What `midwatch git-worker` runs: answers requests from `input` on `output` (worker_protocol.h),
/// one at a time, until the input ends. The parent enforces the deadline by killing it. To be
/// called once in a process: it sets limits, ignores SIGPIPE and configures libgit2 to read no
/// configuration but the repository's.
int RunGitWorker(int input = 0, int output = 1);

}  // namespace midwatch::git
