#pragma once

#include <chrono>
#include <string>

#include "controller/base/result.h"
#include "controller/git/libgit2_handles.h"
#include "controller/git/network_stream.h"
#include "controller/git/worker_protocol.h"

namespace midwatch::git {

/// A commit that is here now, and the repository that holds it.
struct RemoteCommit {
  RepositoryHandle repository;
  git_oid id{};
};

/// Finds what the ref of the request names at its remote, and sees to it that its objects can be
/// read: a file:// repository is opened where it lies, of another one what is missing is fetched
/// into the cache repository. Cheap if nothing is missing. The cache is a cache: `RemoveCache`
/// costs a fetch.
///
/// Only the host of the URL is ever connected to; credentials are offered once.
Result<RemoteCommit> FindRemoteCommit(const WorkerRequest& request, Network& network,
                                      std::chrono::steady_clock::time_point deadline);

/// Removes the cache repository.
void RemoveCache(const std::string& repository);

}  // namespace midwatch::git
