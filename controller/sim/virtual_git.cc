#include "controller/sim/virtual_git.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>

#include "controller/base/digest.h"

namespace midwatch::sim {
namespace {

std::string BlobOf(const std::string& bytes) { return Sha256Hex(bytes).substr(0, kBlobIdLength); }

}  // namespace

bool VirtualCommit::valid() const {
  return std::all_of(files.begin(), files.end(),
                     [](const auto& entry) { return entry.second.valid; });
}

bool VirtualCommit::legible() const {
  return std::all_of(files.begin(), files.end(),
                     [](const auto& entry) { return entry.second.legible; });
}

const VirtualFile* VirtualCommit::Declares(const ObjectKey& key) const {
  for (const auto& [path, file] : files) {
    if (file.declares == key) {
      return &file;
    }
  }
  return nullptr;
}

void VirtualRepository::Commit(std::map<std::string, VirtualFile> files) {
  VirtualCommit commit;
  std::string all;
  for (const auto& [path, file] : files) {
    all += path + "\n" + file.bytes + "\n";
  }
  commit.tree = BlobOf(all);
  commit.id = BlobOf(all + std::to_string(commits_.size()));
  commit.files = std::move(files);
  heads_.emplace_back(now_, commit.id);
  commits_.emplace(commit.id, std::move(commit));
}

void VirtualRepository::ForceBack(std::uint64_t draw) {
  constexpr std::uint64_t kFurthest = 6;
  const std::uint64_t back = std::min<std::uint64_t>(1 + draw % kFurthest, heads_.size() - 1);
  heads_.emplace_back(now_, heads_[heads_.size() - 1 - back].second);
}

const VirtualCommit* VirtualRepository::Find(const std::string& id) const {
  const auto found = commits_.find(id);
  return found == commits_.end() ? nullptr : &found->second;
}

std::vector<const VirtualCommit*> VirtualRepository::HeadsSince(SimTime since) const {
  std::vector<const VirtualCommit*> out;
  for (auto head = heads_.rbegin(); head != heads_.rend(); ++head) {
    out.push_back(&commits_.at(head->second));
    if (head->first < since) {
      break;
    }
  }
  return out;
}

void VirtualGit::Fetch(std::string, GitFetchRequest request,
                       std::function<void(Result<GitSnapshot>)> done) {
  const Duration takes =
      hosting_.hangs  ? request.deadline
      : hosting_.down ? Duration(std::chrono::seconds(1))
                      : Duration(random_.Between(3'000, random_.Chance(50) ? 5'000'000 : 200'000));
  const bool hangs = hosting_.hangs;
  scheduler_.After(
      takes, [this, alive = alive_, hangs, request = std::move(request), done = std::move(done)] {
        if (*alive) {
          done(hangs ? Fail(ErrorCode::kTimeout, "the fetch did not end in time") : Read(request));
        }
      });
}

Result<GitSnapshot> VirtualGit::Read(const GitFetchRequest& request) const {
  if (hosting_.down) {
    return Fail(ErrorCode::kUnavailable, "could not connect");
  }
  const auto repository = hosting_.repositories.find(request.remote.url);
  if (hosting_.gone || repository == hosting_.repositories.end()) {
    return Fail(ErrorCode::kNotFound, "repository not found");
  }
  const bool by_commit = request.remote.ref_kind == GitRefKind::kCommit;
  const VirtualCommit* commit =
      by_commit ? repository->second.Find(request.remote.ref) : &repository->second.head();
  if (commit == nullptr) {
    return Fail(ErrorCode::kNotFound, "commit not found");
  }
  GitSnapshot snapshot;
  snapshot.revision = {.commit = commit->id, .tree = commit->tree};
  snapshot.unchanged = commit->tree == request.known_tree;
  if (snapshot.unchanged) {
    return snapshot;
  }
  std::set<std::string_view> known;
  for (std::string_view rest = request.known_blobs; !rest.empty();) {
    known.insert(rest.substr(0, kBlobIdLength));
    rest.remove_prefix(std::min(rest.size(), kBlobIdLength));
  }
  for (const auto& [path, file] : commit->files) {
    GitEntry entry;
    entry.path = path;
    entry.blob = BlobOf(file.bytes);
    if (!known.contains(entry.blob)) {
      entry.bytes = file.bytes;
    }
    snapshot.entries.push_back(std::move(entry));
  }
  return snapshot;
}

}  // namespace midwatch::sim
