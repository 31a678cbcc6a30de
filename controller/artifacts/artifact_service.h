#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/artifacts/artifact_route.h"
#include "controller/artifacts/directory_store.h"
#include "controller/env/artifact_store.h"
#include "controller/env/http_handler.h"

namespace midwatch::artifacts {

class LogFollowers;

/// The header by which a caller says for which object it acts: `runs.midwatch.dev/agents/fix-1`.
/// Whoever may see that object may see its artifacts; which these are, the authoriser knows.
inline constexpr std::string_view kObjectHeader = "Midwatch-Object";
/// Most lines that a search gives.
inline constexpr std::size_t kMaxMatches = 1'000;

/// What somebody wants to do.
struct ArtifactAccess {
  enum class Verb : std::uint8_t { kRead, kWrite, kSearch };
  Verb verb = Verb::kRead;
  std::string authorization;  ///< The header as it came. Secret: not for logs.
  std::string object;         ///< kObjectHeader, or empty.
  std::string digest;         ///< Of the artifact, or empty.
  std::string log;            ///< Name of the log, prefix of the logs searched, or empty.
  std::size_t bytes = 0;      ///< Of what is written; 0 before it is there.
};

/// Decides, now or later, from any thread. kUnauthorized: who is it; kForbidden: not this one.
using ArtifactAuthorizer =
    std::function<void(const ArtifactAccess& access, std::function<void(Result<void>)> done)>;

/// Searches logs: DirectoryStore::Search, with the same arguments.
using LogSearch = std::function<void(std::string prefix, std::string text, std::size_t limit,
                                     std::function<void(Result<std::vector<LogMatch>>)> done)>;

/// The artifact service on HTTP: artifact_route.h has its paths. Every request is authorised first.
/// Failures are a Kubernetes Status, as those of the API. Thread-safe.
///
/// Follows see what is appended through this service.
class ArtifactService final : public HttpHandler {
 public:
  struct Ports {
    ArtifactStore& store;
    ArtifactAuthorizer authorize;
    LogSearch search = {};  ///< Empty: searching is kNotFound.
    /// As much of `authorize` as is known at once: what it refuses is refused before the body is
    /// read. May be empty.
    std::function<Result<void>(const ArtifactAccess& access)> foresee = {};
    /// Content has been stored for somebody and is not answered yet. On a thread of the store. May
    /// be empty.
    std::function<void(const ArtifactAccess& access)> stored = {};
  };

  explicit ArtifactService(Ports ports);
  /// Ends the streams. The store must outlive what was asked of it, but it alone: of the other
  /// ports none is called any more, however late the store answers.
  ~ArtifactService() override;

  /// As much as the limits of what is written (limits.h).
  std::optional<BodyPermit> PermitBody(const HttpRequest& head) override;
  void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) override;
  std::size_t followers() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // With the answers that are under way.
};

}  // namespace midwatch::artifacts
