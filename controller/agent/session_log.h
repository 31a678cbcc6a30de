#pragma once

#include <optional>
#include <string>

#include "controller/agent/secret_mask.h"
#include "controller/agent/session_record.h"
#include "controller/base/digest.h"
#include "controller/base/time.h"

namespace midwatch::agent {

/// Turns records into the lines of a session log: `{"at":"…","kind":"reasoning","text":"…"}`.
/// Pieces of one text that come in a row become one line. Everything passes the mask first; the end
/// of a text that goes on waits while it may be the beginning of a secret.
///
/// Bounds: a line over kMaxLine has its text cut and says so; once the log has kMaxBytes a last
/// line says that the rest is left out.
class SessionLog {
 public:
  static constexpr std::size_t kMaxLine = std::size_t{1} << 20;
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
  static constexpr std::size_t kMaxPiece = 4096;  ///< Pieces are joined up to this length,
  static constexpr Duration kMaxDelay =
      std::chrono::milliseconds(250);  ///< and wait no longer than this.

  explicit SessionLog(SecretMask mask, std::size_t max_bytes = kMaxBytes)
      : mask_(std::move(mask)), max_bytes_(max_bytes) {}

  void Add(SessionRecord record, Now now);
  /// Writes out pieces whose time has come, or all of them.
  void Flush(Now now, bool all);
  std::optional<MonoTime> NextFlush() const;

  /// The lines since the last call; they follow each other without a gap.
  std::string Take();
  bool HasLines() const { return !lines_.empty(); }

  /// Of all lines so far.
  std::uint64_t size() const { return size_; }
  /// The digest of the whole log. To be called once, when nothing follows.
  std::string FinishDigest() { return "sha256:" + hash_.FinishHex(); }

 private:
  void WriteSoFar(Now now);
  void WriteLine(const SessionRecord& record, WallTime at);

  SecretMask mask_;
  std::size_t max_bytes_;
  std::string lines_;
  std::uint64_t size_ = 0;
  bool full_ = false;
  Sha256 hash_;
  std::optional<SessionRecord> open_;  // Pieces not yet written.
  Now open_since_;
};

}  // namespace midwatch::agent
