#include "controller/sim/git_checker.h"

#include <algorithm>
#include <utility>

#include "controller/api/names.h"

namespace midwatch::sim {
namespace {

std::string IdentityOf(const api::GitSource& source) {
  return "gitsources.midwatch.dev/" + PathOf(source.metadata);
}

bool IsAtomic(const api::GitSource& source) {
  return source.spec.failure_policy == api::FailurePolicy::kAtomic;
}

}  // namespace

void GitChecker::OnChange(const ObjectKey& key, const ModelDeclarable* before,
                          const ModelDeclarable* after) {
  const bool same =
      before != nullptr && after != nullptr && before->metadata.uid == after->metadata.uid;
  const bool was_ending = before != nullptr && before->metadata.IsBeingDeleted();
  const bool is_ending = same ? after->metadata.IsBeingDeleted() : before != nullptr;
  if (is_ending && !was_ending) {
    OnDeleted(key, *before);
  }
  const std::string owner = after == nullptr ? "" : after->Owner();
  if (owner.empty()) {
    return;
  }
  if (same && before->Owner() != owner) {
    world_.fail("git-ownership", owner + " took " + key.ToString() + " over, which was " +
                                     (before->Owner().empty() ? "nobody's" : before->Owner()));
  }
  if (!same || before->Mark() != after->Mark()) {
    OnWritten(key, *after, owner);
  }
}

void GitChecker::OnWritten(const ObjectKey& key, const ModelDeclarable& after,
                           const std::string& owner) {
  const api::GitSource* source = SourceOf(owner);
  if (source == nullptr) {
    return;  // Its last writes were on their way when it went.
  }
  const Commits commits = MayApply(*source);
  const bool declared =
      std::any_of(commits.begin(), commits.end(), [&](const VirtualCommit* commit) {
        const VirtualFile* file = commit->Declares(key);
        return file != nullptr && file->valid && file->mark == after.Mark();
      });
  if (!declared) {
    world_.fail("git-atomic", owner + " wrote " + key.ToString() + " as " + after.Mark() +
                                  ", which stands in no revision that it may apply");
  }
}

void GitChecker::OnDeleted(const ObjectKey& key, const ModelDeclarable& before) {
  if (PeopleDeleted(key)) {
    return;
  }
  const std::string owner = before.Owner();
  if (owner.empty()) {
    return world_.fail("git-ownership", key.ToString() + " is deleted, and nobody's");
  }
  const api::GitSource* source = SourceOf(owner);
  if (source == nullptr || source->metadata.IsBeingDeleted()) {
    return;  // Whether it prunes then is its deletionPolicy.
  }
  const Commits commits = MayApply(*source);
  const bool declared_no_more =
      std::any_of(commits.begin(), commits.end(), [&](const VirtualCommit* commit) {
        return commit->legible() && !commit->files.empty() && commit->Declares(key) == nullptr;
      });
  if (!declared_no_more) {
    world_.fail("git-ownership", owner + " deleted " + key.ToString() +
                                     ", which every revision declares that it may apply");
  }
}

bool GitChecker::PeopleDeleted(const ObjectKey& key) const {
  const auto lately = [&](const ObjectKey& what) {
    const auto asked = world_.requests.AskedToDelete(what);
    return asked && *asked + kDeleteTakes.count() >= world_.now;
  };
  return lately(key) || lately({"namespaces", "", key.namespace_name});
}

const api::GitSource* GitChecker::SourceOf(const std::string& identity) const {
  for (const auto& [path, source] : world_.model.git_sources) {
    if (IdentityOf(source) == identity) {
      return &source;
    }
  }
  return nullptr;
}

/// What was the head lately, and what was at any time since the revision that is in force. Of those
/// an Atomic source takes none that has an error.
GitChecker::Commits GitChecker::MayApply(const api::GitSource& source) const {
  const auto repository = world_.hosting.repositories.find(source.spec.url);
  if (repository == world_.hosting.repositories.end()) {
    return {};
  }
  const std::string applied = source.status.applied ? source.status.applied->revision : "";
  Commits commits = repository->second.HeadsSince(world_.now - kStalest.count());
  const bool found = std::any_of(commits.begin(), commits.end(), [&](const VirtualCommit* commit) {
    return commit->id == applied;
  });
  if (!found) {
    commits = repository->second.HeadsSince(0);
    const auto in_force =
        std::find_if(commits.begin(), commits.end(),
                     [&](const VirtualCommit* commit) { return commit->id == applied; });
    if (in_force != commits.end()) {
      commits.erase(in_force + 1, commits.end());
    }
  }
  if (IsAtomic(source)) {
    std::erase_if(commits, [](const VirtualCommit* commit) { return !commit->valid(); });
  }
  return commits;
}

// -- At rest.

void GitChecker::OnRest() const {
  for (const auto& [path, source] : world_.model.git_sources) {
    if (source.metadata.IsBeingDeleted()) {
      world_.fail("converges", "GitSource " + path + " is being deleted and stays");
    } else if (!source.spec.suspend) {
      RestSource(source);
    }
  }
}

void GitChecker::RestSource(const api::GitSource& source) const {
  const VirtualRepository& repository = world_.hosting.repositories.at(source.spec.url);
  const VirtualCommit& head = repository.head();
  const std::string identity = IdentityOf(source);
  const std::string attempted = source.status.attempted ? source.status.attempted->revision : "";
  const std::string applied = source.status.applied ? source.status.applied->revision : "";
  if (attempted != head.id) {
    return world_.fail("converges",
                       identity + " has tried " + attempted + ", the head is " + head.id);
  }
  if (!head.valid() && source.status.error_count == 0) {
    world_.fail("converges", identity + " says nothing of the errors of " + head.id);
  }
  const VirtualCommit* in_force = &head;
  if (IsAtomic(source) && !head.valid()) {
    in_force = repository.Find(applied);
  }
  if (in_force == nullptr || HasConflict(*in_force, identity)) {
    return;
  }
  if (head.valid() && applied != head.id) {
    world_.fail("converges", identity + " does not bring " + head.id + " into force");
  }
  MustBeInForce(*in_force, source);
}

/// Whether an object is in the way that the source does not own.
bool GitChecker::HasConflict(const VirtualCommit& commit, const std::string& identity) const {
  return std::any_of(commit.files.begin(), commit.files.end(), [&](const auto& entry) {
    const auto live = world_.model.declarables.find(entry.second.declares);
    return live != world_.model.declarables.end() && live->second.Owner() != identity;
  });
}

void GitChecker::MustBeInForce(const VirtualCommit& commit, const api::GitSource& source) const {
  const std::string identity = IdentityOf(source);
  for (const auto& [path, file] : commit.files) {
    const auto live = world_.model.declarables.find(file.declares);
    if (!file.valid) {
      continue;
    }
    if (live == world_.model.declarables.end()) {
      world_.fail("converges",
                  identity + " declares " + file.declares.ToString() + ", which is not there");
    } else if (live->second.Mark() != file.mark || live->second.says != file.says) {
      world_.fail("converges", file.declares.ToString() + " is not as " + identity + " declares");
    }
  }
  const bool nothing = std::none_of(commit.files.begin(), commit.files.end(),
                                    [](const auto& entry) { return entry.second.valid; });
  if (nothing || !commit.legible()) {
    return;  // Prunes nothing.
  }
  // The labelled objects are the inventory: one whose label was taken away while nobody declared it
  // is let go.
  for (const auto& [key, object] : world_.model.declarables) {
    if (object.Owner() == identity && object.metadata.labels.contains(api::labels::kSource) &&
        commit.Declares(key) == nullptr) {
      world_.fail(
          "converges",
          identity + " no longer declares " + key.ToString() + ", which is still there; it says: " +
              (source.status.conditions.empty() ? std::string()
                                                : source.status.conditions.front().message));
    }
  }
}

}  // namespace midwatch::sim
