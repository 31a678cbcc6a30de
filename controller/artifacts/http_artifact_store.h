#pragma once

#include <memory>
#include <string>

#include "controller/base/secret.h"
#include "controller/env/artifact_store.h"
#include "controller/env/http_client.h"

namespace midwatch::artifacts {

struct HttpArtifactOptions {
  Secret<std::string> token;  ///< The bearer token, the same as for the API.
  std::string object = {};    ///< For which object this store acts (kObjectHeader); may be empty.
  Duration deadline = std::chrono::seconds(60);
};

/// The client of an ArtifactService. What is read is verified here too. An answer that was lost is
/// kUnavailable: every call may be made again (an append that had arrived is then kConflict).
/// Thread-safe. `client` must outlive it.
class HttpArtifactStore final : public ArtifactStore {
 public:
  HttpArtifactStore(HttpClient& client, HttpArtifactOptions options);

  void Put(std::string bytes, std::function<void(Result<std::string>)> done) override;
  void Get(std::string digest, std::function<void(Result<std::string>)> done) override;
  void Append(std::string log, std::uint64_t offset, std::string bytes,
              std::function<void(Result<std::uint64_t>)> done) override;
  void Read(std::string log, std::uint64_t offset, std::size_t limit,
            std::function<void(Result<std::string>)> done) override;

  /// Everything that is appended from `offset` on. Read first what lies more than kMaxFollowBacklog
  /// before the end. The status of the head tells whether it works.
  std::unique_ptr<HttpStreamHandle> Follow(std::string log, std::uint64_t offset,
                                           std::shared_ptr<HttpBodySink> sink);

 private:
  HttpCall Call(std::string method, std::string target, std::string body = {}) const;

  HttpClient& client_;
  const HttpArtifactOptions options_;
};

}  // namespace midwatch::artifacts
