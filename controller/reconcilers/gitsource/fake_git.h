#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/base/digest.h"
#include "controller/env/git_client.h"

namespace midwatch::gitsource {

/// A repository in memory with one branch; answers in the call. Keeps old commits.
class FakeGit final : public GitClient {
 public:
  using Files = std::map<std::string, std::string>;

  /// The new head; its id.
  std::string Commit(Files files) {
    std::string tree;
    for (const auto& [path, bytes] : files) {
      tree += path + "\n" + bytes + "\n";
    }
    head_ = "commit" + std::to_string(++commits_);
    revisions_[head_] = {Sha256Hex(tree).substr(0, 40), std::move(files)};
    return head_;
  }
  void Fail(Error error) { failure_ = std::move(error); }
  void Mend() { failure_.reset(); }
  /// From now on answers wait for Release.
  void Hold() { holding_ = true; }
  void Release() {
    holding_ = false;
    for (const auto& answer : std::exchange(held_, {})) {
      answer();
    }
  }

  void Fetch(std::string, GitFetchRequest request,
             std::function<void(Result<GitSnapshot>)> done) override {
    requests.push_back(request);
    if (holding_) {
      held_.push_back([this, request = std::move(request), done] { Answer(request, done); });
    } else {
      Answer(request, done);
    }
  }
  void Forget(std::string source) override { forgotten.push_back(std::move(source)); }

  std::vector<GitFetchRequest> requests;
  std::vector<std::string> forgotten;

 private:
  void Answer(const GitFetchRequest& request,
              const std::function<void(Result<GitSnapshot>)>& done) const {
    if (failure_) {
      return done(midwatch::Fail(*failure_));
    }
    const bool by_commit = request.remote.ref_kind == GitRefKind::kCommit;
    const std::string commit = by_commit ? request.remote.ref : head_;
    const auto& [tree, files] = revisions_.at(commit);
    GitSnapshot snapshot;
    snapshot.revision = {commit, tree};
    snapshot.unchanged = tree == request.known_tree;
    if (!snapshot.unchanged) {
      for (const auto& [path, bytes] : files) {
        GitEntry entry;
        entry.path = path;
        entry.blob = Sha256Hex(bytes).substr(0, 40);
        const bool known = request.known_blobs.find(entry.blob) != std::string::npos;
        entry.bytes = known ? "" : bytes;
        snapshot.entries.push_back(std::move(entry));
      }
    }
    done(std::move(snapshot));
  }
  std::map<std::string, std::pair<std::string, Files>> revisions_;
  std::string head_;
  int commits_ = 0;
  std::optional<Error> failure_;
  bool holding_ = false;
  std::vector<std::function<void()>> held_;
};

}  // namespace midwatch::gitsource
