#include "controller/agent/log_writer.h"

#include <algorithm>

namespace midwatch::agent {

LogWriter::LogWriter(ArtifactStore& store, std::string name, SecretMask mask, PostEvent post)
    : store_(store), name_(std::move(name)), post_(std::move(post)), log_(std::move(mask)) {}

void LogWriter::Pump(Now now, bool all) {
  log_.Flush(now, all);
  rest_ += log_.Take();
  if (broken_) rest_.clear();
  if (busy_ || (retry_at_ && now.mono < *retry_at_)) return;
  retry_at_.reset();
  if (piece_.empty()) {
    if (rest_.empty()) return;
    piece_ = rest_.substr(0, kMaxPiece);
    rest_.erase(0, piece_.size());
    retried_ = false;
  }
  busy_ = true;
  store_.Append(name_, written_, piece_,
                [post = post_](Result<std::uint64_t> size) { post(LogAppended{std::move(size)}); });
}

void LogWriter::OnAppended(const LogAppended& answer, Now now) {
  busy_ = false;
  const bool was_there =
      !answer.size && answer.size.error().code == ErrorCode::kConflict && retried_;
  if (answer.size || was_there) {
    written_ += piece_.size();
    piece_.clear();
    return;
  }
  const ErrorCode code = answer.size.error().code;
  const bool hopeless = code == ErrorCode::kConflict || code == ErrorCode::kTooLarge ||
                        code == ErrorCode::kForbidden || code == ErrorCode::kUnauthorized ||
                        code == ErrorCode::kInvalid;
  if (hopeless) {
    broken_ = true;
    piece_.clear();
    rest_.clear();
    return;
  }
  retried_ = true;
  retry_at_ = now.mono + kRetryAfter;
}

std::optional<MonoTime> LogWriter::NextWake() const {
  if (retry_at_) return retry_at_;
  return log_.NextFlush();
}

}  // namespace midwatch::agent
