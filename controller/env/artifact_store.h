#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace midwatch {

/// Content addressed by its digest (`sha256:…`), and append-only session logs addressed by name.
/// Calls may block on the disk or network: adapters run them on threads of their own and complete
/// from there. Thread-safe.
///
/// Implementations: artifacts::DirectoryStore, artifacts::HttpArtifactStore (the artifact service).
class ArtifactStore {
 public:
  virtual ~ArtifactStore() = default;

  /// Stores the bytes (once, however often it is called) and gives their digest.
  virtual void Put(std::string bytes, std::function<void(Result<std::string>)> done) = 0;
  /// The bytes, verified against the digest when read. kNotFound; kInternal if they were tampered
  /// with.
  virtual void Get(std::string digest, std::function<void(Result<std::string>)> done) = 0;

  /// Appends to a session log at `offset`; kConflict (and nothing written) if the log does not end
  /// there, so a resent piece is not written twice. kTooLarge past the limit of a log.
  virtual void Append(std::string log, std::uint64_t offset, std::string bytes,
                      std::function<void(Result<std::uint64_t>)> done) = 0;
  /// Bytes of a session log from `offset`, at most `limit`; empty at its present end.
  virtual void Read(std::string log, std::uint64_t offset, std::size_t limit,
                    std::function<void(Result<std::string>)> done) = 0;
};

}  // namespace midwatch
