#pragma once

#include "controller/apiserver/api.h"
#include "controller/apiserver/token_authenticator.h"
#include "controller/artifacts/artifact_service.h"
#include "controller/artifacts/directory_store.h"
#include "controller/artifacts/upload_budget.h"

namespace midwatch::cmd {

/// Who may do what at the artifact service, by the same tokens as the API: the administrator
/// everything; an Agent reads the inputs of its Runs and what it has uploaded, uploads while a Run
/// of its is under way, within the budget of those Runs, and reads and writes the session logs of
/// its Runs. What an Agent writes about artifacts into a Run's status gives no right. Thread-safe;
/// what it is made of outlives it.
class ArtifactRights {
 public:
  ArtifactRights(const apiserver::Api& api, const apiserver::TokenAuthenticator& tokens,
                 const artifacts::DirectoryStore& store)
      : api_(api), tokens_(tokens), store_(store) {}

  /// kUnauthorized, kForbidden, or nothing. An upload with its bytes is counted.
  Result<void> Check(const artifacts::ArtifactAccess& access) const;
  /// Whose content it is, once it is stored.
  void NoteUpload(const artifacts::ArtifactAccess& access) const;

 private:
  Result<void> CheckAgent(const apiserver::Identity& identity,
                          const artifacts::ArtifactAccess& access) const;
  Result<void> CheckLog(const apiserver::Identity& identity,
                        const artifacts::ArtifactAccess& access) const;
  Result<void> CheckUpload(const apiserver::Identity& identity,
                           const artifacts::ArtifactAccess& access) const;
  std::vector<apiserver::VersionPtr> RunsOf(const apiserver::Identity& identity,
                                            const std::string& selected) const;
  template <typename Predicate>
  bool AnyRun(const apiserver::Identity& identity, Predicate fits) const;

  const apiserver::Api& api_;
  const apiserver::TokenAuthenticator& tokens_;
  const artifacts::DirectoryStore& store_;
  mutable artifacts::UploadBudget uploads_;
};

}  // namespace midwatch::cmd
