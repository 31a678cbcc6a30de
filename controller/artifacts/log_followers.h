#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "controller/env/artifact_store.h"
#include "controller/env/http_handler.h"

namespace midwatch::artifacts {

/// What may lie between the offset of a follower and the end of its log: more is read in pieces
/// first, or the stream's queue would overflow.
inline constexpr std::size_t kMaxFollowBacklog = std::size_t{1} << 20;

/// Sends what is appended to session logs to those who follow them. Held by shared_ptr: reads of
/// the store outlive what asked for them. Thread-safe.
class LogFollowers : public std::enable_shared_from_this<LogFollowers> {
 public:
  explicit LogFollowers(ArtifactStore& store) : store_(store) {}

  /// Decides, now or later, from any thread, whether somebody may read still.
  using Authorize = std::function<void(std::function<void(const Result<void>&)> done)>;

  /// Answers with a stream of the log from `offset`, or with `refuse`. A log that does not exist
  /// yet is waited for. `authorize` is asked again before more is sent: no stream outlives what its
  /// reader may do.
  void Follow(std::string log, std::uint64_t offset, std::unique_ptr<HttpResponder> responder,
              std::function<HttpResponse(const Error&)> refuse, Authorize authorize);
  /// Something was appended.
  void Appended(const std::string& log);
  /// Ends all streams.
  void Stop();
  std::size_t size() const;

 private:
  struct Follower {
    std::string log;
    std::uint64_t offset = 0;
    Authorize authorize;
    std::shared_ptr<HttpStream> stream;  // Shared with the server.
    bool reading = false;
    bool again = false;  // Appended to while reading.
  };

  void Begin(Follower follower, std::string backlog, HttpResponder& responder,
             const std::function<HttpResponse(const Error&)>& refuse);
  void Read(std::uint64_t id);
  void OnRead(std::uint64_t id, const Result<std::string>& bytes);
  void Send(std::uint64_t id, const std::string& bytes);
  void End(std::uint64_t id);
  void Remove(std::uint64_t id);

  ArtifactStore& store_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Follower> followers_;
  std::uint64_t next_id_ = 1;
  bool stopped_ = false;
};

}  // namespace midwatch::artifacts
