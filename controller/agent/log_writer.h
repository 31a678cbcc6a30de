#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/agent/session_events.h"
#include "controller/agent/session_log.h"
#include "controller/env/artifact_store.h"

namespace midwatch::agent {

/// Brings the lines of a SessionLog into the artifact store, one append at a time, again after
/// failures: a piece whose answer was lost is not written twice.
class LogWriter {
 public:
  static constexpr std::size_t kMaxPiece = std::size_t{1} << 20;
  static constexpr Duration kRetryAfter = std::chrono::seconds(1);

  /// The store outlives the writer.
  LogWriter(ArtifactStore& store, std::string name, SecretMask mask, PostEvent post);

  void Add(SessionRecord record, Now now) { log_.Add(std::move(record), now); }
  /// Starts an append if there are lines and none is on its way. `all`: pieces of text as well.
  void Pump(Now now, bool all);
  void OnAppended(const LogAppended& answer, Now now);
  std::optional<MonoTime> NextWake() const;

  /// Nothing waits to be written.
  bool idle() const { return !busy_ && piece_.empty() && rest_.empty() && !log_.NextFlush(); }
  bool broken() const { return broken_; }  ///< The store refuses the log: the rest of it is lost.
  const std::string& name() const { return name_; }
  std::uint64_t size() const { return log_.size(); }
  std::string FinishDigest() { return log_.FinishDigest(); }

 private:
  ArtifactStore& store_;
  const std::string name_;
  const PostEvent post_;
  SessionLog log_;
  std::string rest_;   // Lines that wait.
  std::string piece_;  // The append that is on its way or must be tried again.
  std::uint64_t written_ = 0;
  bool busy_ = false;
  bool retried_ = false;
  bool broken_ = false;
  std::optional<MonoTime> retry_at_;
};

}  // namespace midwatch::agent
