#include "controller/cli/revision_diff.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "controller/base/text.h"
#include "controller/cli/await.h"
#include "controller/cli/captured_command.h"
#include "controller/cli/manifest_files.h"
#include "controller/manifest/diff.h"
#include "controller/manifest/ordering.h"
#include "controller/reconcilers/gitsource/snapshot_loader.h"

namespace midwatch::cli {
namespace {

constexpr Duration kFetchDeadline = std::chrono::seconds(60);
constexpr Duration kResolveDeadline = std::chrono::seconds(5);

bool IsCommit(const std::string& text) {
  constexpr std::size_t kSha1 = 40;
  constexpr std::size_t kSha256 = 64;
  return (text.size() == kSha1 || text.size() == kSha256) &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// What is compared, as git-worker understands it.
struct Where {
  std::string url;
  std::string path;  ///< Below the root of the repository.
};

std::string UrlOf(const std::string& repository, const Context& context) {
  if (repository.find("://") != std::string::npos) {
    return repository;
  }
  std::string path = repository.empty() || repository == "." ? "" : repository;
  if (path.empty() || path.front() != '/') {
    const auto here = context.world.environment.find("PWD");
    const std::string base = here == context.world.environment.end() ? "" : here->second;
    path = path.empty() ? base : base + "/" + path;
  }
  return "file://" + path;
}

/// `HEAD~1`, `origin/main`, a short id: what the program git makes of it in a repository of this
/// machine. None if there is no git, or it does not know better.
std::optional<std::string> Resolve(const std::string& revision, const DiffOptions& options,
                                   Where& where, Context& context) {
  if (revision.starts_with('-') || options.repository.find("://") != std::string::npos) {
    return std::nullopt;
  }
  const auto said = OutputOf(
      {"git", "-C", options.repository.empty() ? "." : options.repository, "rev-parse",
       "--path-format=absolute", "--git-common-dir", "--show-prefix", revision + "^{commit}"},
      kResolveDeadline, context);
  const std::vector<std::string_view> lines =
      said ? Split(*said, '\n') : std::vector<std::string_view>();
  if (lines.size() < 3 || !IsCommit(std::string(lines[2]))) {
    return std::nullopt;
  }
  where.url = "file://" + std::string(lines[0]);
  where.path = std::string(lines[1]) + (options.path == "." ? "" : options.path);
  return std::string(lines[2]);
}

Result<GitSnapshot> FetchAs(GitRefKind kind, const std::string& revision, const Where& where,
                            Context& context) {
  GitFetchRequest request{.remote = {.url = where.url,
                                     .ref_kind = kind,
                                     .ref = revision,
                                     .path = where.path,
                                     .username = {},
                                     .password = {},
                                     .ca_pem = {}},
                          .known_tree = {},
                          .known_blobs = {},
                          .read_suffixes = {".yaml", ".yml", ".json"},
                          .deadline = kFetchDeadline};
  return Await<GitSnapshot>(
      context, kFetchDeadline + std::chrono::seconds(5), request.remote.url,
      [&](auto done) { context.world.git.Fetch("diff", std::move(request), done); });
}

/// What git makes of it; else a commit by its id, a branch, or a tag.
Result<GitSnapshot> Fetch(const std::string& revision, const DiffOptions& options,
                          Context& context) {
  Where where{.url = UrlOf(options.repository, context),
              .path = options.path == "." ? "" : options.path};
  if (const auto commit = Resolve(revision, options, where, context)) {
    return FetchAs(GitRefKind::kCommit, *commit, where, context);
  }
  if (IsCommit(revision)) {
    return FetchAs(GitRefKind::kCommit, revision, where, context);
  }
  auto branch = FetchAs(GitRefKind::kBranch, revision, where, context);
  if (branch || branch.error().code != ErrorCode::kNotFound) {
    return branch;
  }
  auto tag = FetchAs(GitRefKind::kTag, revision, where, context);
  return tag ? std::move(tag) : std::move(branch);
}

manifest::DeclaredSet Check(const GitSnapshot& snapshot, const std::string& default_namespace) {
  const manifest::ManifestScope scope{.default_namespace = default_namespace};
  std::vector<manifest::RepositoryEntry> entries;
  for (const GitEntry& entry : snapshot.entries) {
    entries.push_back({.path = entry.path,
                       .kind = gitsource::EntryKindOf(entry.kind),
                       .bytes = entry.bytes,
                       .too_large = entry.too_large});
  }
  return manifest::CheckRepository(KnownSchemas(), scope, entries);
}

using ByKey = std::map<ObjectKey, const manifest::Manifest*>;

ByKey Index(const manifest::DeclaredSet& set) {
  ByKey out;
  for (const manifest::Manifest* one : set.manifests) {
    out.emplace(one->key, one);
  }
  return out;
}

std::string Show(const manifest::Manifest& one) {
  return manifest::ShowObject(one.type, one.key.namespace_name, one.key.name);
}

std::string PlaceOf(const manifest::Manifest& one) {
  return one.path + ":" + std::to_string(one.at.line);
}

DiffResult Compare(const manifest::DeclaredSet& from, const manifest::DeclaredSet& to) {
  const ByKey before = Index(from);
  const ByKey after = Index(to);
  std::vector<const manifest::Manifest*> written;
  for (const auto& [key, one] : after) {
    written.push_back(one);
  }
  std::sort(written.begin(), written.end(), [](const auto* a, const auto* b) {
    return manifest::WrittenBefore(a->type, a->key, b->type, b->key);
  });
  DiffResult result;
  for (const manifest::Manifest* one : written) {
    const auto known = before.find(one->key);
    if (known == before.end()) {
      result.steps.push_back(
          {DiffVerb::kCreate, Show(*one), PlaceOf(*one), Json(), one->object.Body()});
      continue;
    }
    Json old = known->second->object.Body();
    Json now = one->object.Body();
    if (manifest::DiffFields(old, now).empty()) {
      ++result.unchanged;
    } else {
      result.steps.push_back(
          {DiffVerb::kUpdate, Show(*one), PlaceOf(*one), std::move(old), std::move(now)});
    }
  }
  for (const auto& [key, one] : before) {
    if (after.find(key) == after.end()) {
      result.steps.push_back({DiffVerb::kPrune, Show(*one), "", one->object.Body(), Json(),
                              manifest::DeletionLosesData(one->type)});
    }
  }
  return result;
}

/// A word such as HEAD~1, which git did not know, was tried as the name of a branch.
int RefuseRevision(const std::string& revision, const DiffOptions& options, const Error& error,
                   Context& context) {
  const bool no_name = error.code == ErrorCode::kInvalid;
  const bool remote = options.repository.find("://") != std::string::npos;
  const std::string where = options.repository.empty() ? "this directory" : options.repository;
  const std::string_view hint =
      !no_name && error.code != ErrorCode::kNotFound ? ""
      : no_name && remote
          ? "of a URL give a branch, a tag or a commit; what else git knows it knows of a directory"
          : "give what git knows: a branch, a tag, a commit";
  return context.Refuse(
      ExitCodeOf(error.code),
      revision + ": " + (no_name ? "no such revision in " + where : Harmless(error.message)), hint);
}

}  // namespace

DiffOutcome CompareRevisions(const DiffOptions& options, Context& context) {
  const std::string space =
      options.client.namespace_name.empty() ? "default" : options.client.namespace_name;
  std::vector<manifest::DeclaredSet> sets;
  for (const std::string& revision : {options.from, options.to}) {
    const auto snapshot = Fetch(revision, options, context);
    if (!snapshot) {
      return tl::unexpected(RefuseRevision(revision, options, snapshot.error(), context));
    }
    sets.push_back(Check(*snapshot, space));
  }
  if (!sets.back().errors.empty()) {
    for (const manifest::ManifestError& error : sets.back().errors) {
      context.Note(ShowError(error, context.err));
    }
    return tl::unexpected(context.Refuse(
        kExitFailed, options.to + " has " + Count(sets.back().errors.size(), "error"),
        "a GitSource would refuse this revision"));
  }
  DiffResult result = Compare(sets.front(), sets.back());
  if (!sets.front().errors.empty()) {
    result.notes.push_back(options.from + " has " + Count(sets.front().errors.size(), "error") +
                           "; what is wrong there is not compared.");
  }
  return result;
}

}  // namespace midwatch::cli
