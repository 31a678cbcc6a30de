#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/artifacts/limits.h"
#include "controller/env/artifact_store.h"

namespace midwatch::artifacts {

/// Calls that may wait for a thread; one more is kTooManyRequests.
inline constexpr std::size_t kMaxWaitingCalls = 1'024;

/// A line of a session log that contains what was searched for.
struct LogMatch {
  std::string log;
  std::uint64_t offset = 0;  ///< Of the line.
  std::string line;
};

/// Artifacts and session logs as files below a directory (README.md has the layout). What was
/// answered is durable: a crash leaves the whole of an artifact, and a log up to its last answered
/// append, maybe with a piece of the next, which then conflicts. Threads of its own; calls about
/// one log are done in their order. One store per directory.
class DirectoryStore final : public ArtifactStore {
 public:
  /// Makes the directory; removes what a crash has left half-written.
  static Result<std::unique_ptr<DirectoryStore>> Open(std::string directory,
                                                      std::size_t threads = 2);
  /// Finishes what waits.
  ~DirectoryStore() override;

  void Put(std::string bytes, std::function<void(Result<std::string>)> done) override;
  void Get(std::string digest, std::function<void(Result<std::string>)> done) override;
  void Append(std::string log, std::uint64_t offset, std::string bytes,
              std::function<void(Result<std::uint64_t>)> done) override;
  void Read(std::string log, std::uint64_t offset, std::size_t limit,
            std::function<void(Result<std::string>)> done) override;

  /// Lines that contain `text`, of the logs whose name starts with `prefix`, in the order of their
  /// names; at most `limit`.
  void Search(std::string prefix, std::string text, std::size_t limit,
              std::function<void(Result<std::vector<LogMatch>>)> done);

  /// Notes that `owner` has uploaded the content, for HasUploaded. A note that a power cut takes is
  /// made again by the next upload. Touches one file.
  Result<void> NoteUpload(const std::string& owner, const std::string& digest) const;
  bool HasUploaded(const std::string& owner, const std::string& digest) const;

 private:
  class Lanes;
  DirectoryStore(std::string directory, std::size_t threads);

  Result<std::string> PutNow(const std::string& bytes, std::uint64_t number) const;
  Result<std::string> GetNow(const std::string& digest) const;
  Result<std::uint64_t> AppendNow(const std::string& log, std::uint64_t offset,
                                  const std::string& bytes) const;
  Result<std::string> ReadNow(const std::string& log, std::uint64_t offset,
                              std::size_t limit) const;
  Result<std::vector<LogMatch>> SearchNow(const std::string& prefix, const std::string& text,
                                          std::size_t limit) const;
  std::string BlobPath(const std::string& hex) const;
  std::string LogPath(const std::string& log) const;
  std::string NotePath(const std::string& owner, const std::string& digest) const;

  const std::string directory_;
  std::unique_ptr<Lanes> lanes_;
};

}  // namespace midwatch::artifacts
