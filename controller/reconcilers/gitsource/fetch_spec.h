#pragma once

#include <string>

#include "controller/api/git_source.h"
#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/env/git_client.h"
#include "controller/manifest/manifest.h"
#include "controller/object/json.h"

namespace midwatch::gitsource {

/// The operation's name, as registered with the Worker.
inline constexpr std::string_view kGitFetch = "git-fetch";

/// What the planner asks of the `git-fetch` operation. Holds no secret: the operation reads it.
struct FetchSpec {
  std::string namespace_name;
  std::string name;
  std::string url;
  GitRefKind ref_kind = GitRefKind::kBranch;
  std::string ref;
  std::string path;
  Duration timeout = std::chrono::minutes(1);
  std::string secret;        ///< Name of the Secret with the login, or empty.
  std::string sync_request;  ///< Of midwatch.dev/sync-requested-at, what a status can hold.
  /// The commit in force: read too if the newest one has errors and no valid one is known.
  std::string applied_commit;
  manifest::ManifestScope scope;
  bool forget = false;  ///< The source is gone: drop what is kept for it, fetch nothing.

  /// `namespace/name`: names the source and its operation.
  std::string Source() const { return namespace_name + "/" + name; }
  /// Changes when something else is to be fetched.
  std::string Fingerprint() const;

  friend bool operator==(const FetchSpec&, const FetchSpec&) = default;
};

/// The bound of status.lastHandledSyncRequest.
inline constexpr std::size_t kLongestSyncRequest = 256;
/// Bounds of spec.timeout.
inline constexpr Duration kShortestTimeout = std::chrono::seconds(1);
inline constexpr Duration kLongestTimeout = std::chrono::hours(1);

/// A source writes into its own namespace; one in the installation namespace anywhere.
FetchSpec FetchSpecFor(const api::GitSource& source, const std::string& installation_namespace);

Json ToJson(const FetchSpec& spec);
FetchSpec FetchSpecFromJson(const Json& json);

}  // namespace midwatch::gitsource
