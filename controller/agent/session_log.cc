#include "controller/agent/session_log.h"

#include <utility>

#include "controller/base/text.h"

namespace midwatch::agent {
namespace {

// Room for the last line, so that it always fits.
constexpr std::size_t kReserve = 256;

Json ToJson(const SessionRecord& record, WallTime at) {
  Json line = record.data.IsObject() ? record.data : Json::EmptyObject();
  line.Set("at", FormatMicroTime(at));
  line.Set("kind", Json(WordOf(record.kind)));
  if (!record.text.empty()) {
    line.Set("text", record.text);
  }
  return line;
}

/// The record with its text cut so far, and its data dropped, that the line fits.
std::string Shortened(const SessionRecord& record, WallTime at) {
  SessionRecord small{record.kind, record.text, Json::EmptyObject(), false};
  small.data.Set("truncated", true);
  std::size_t keep = SessionLog::kMaxLine / 2;
  for (;;) {
    small.text = std::string(Utf8Prefix(record.text, keep));
    std::string line = ToJson(small, at).Dump();
    if (line.size() < SessionLog::kMaxLine) {
      return line;
    }
    keep /= 2;  // Escapes made it longer than its bytes.
  }
}

}  // namespace

std::string_view WordOf(RecordKind kind) {
  constexpr std::string_view kWords[] = {"reasoning",  "answer", "prompt",     "toolCall",
                                         "toolResult", "plan",   "permission", "usage",
                                         "result",     "system", "diagnostic"};
  return kWords[static_cast<std::size_t>(kind)];
}

void SessionLog::Add(SessionRecord record, Now now) {
  const bool joins = open_ && record.piece && open_->kind == record.kind && record.data.IsNull();
  if (joins) {
    open_->text += record.text;
  } else {
    Flush(now, true);
    open_ = std::move(record);
    open_since_ = now;
  }
  if (!open_->piece) return Flush(now, true);
  if (open_->text.size() >= kMaxPiece) WriteSoFar(now);
}

void SessionLog::Flush(Now now, bool all) {
  if (!open_) return;
  if (all) return WriteLine(*std::exchange(open_, std::nullopt), open_since_.wall);
  if (now.mono >= open_since_.mono + kMaxDelay) WriteSoFar(now);
}

void SessionLog::WriteSoFar(Now now) {
  const std::size_t whole = open_->text.size() - mask_.Unfinished(open_->text);
  SessionRecord rest{open_->kind, open_->text.substr(whole), {}, true};
  const WallTime since = std::exchange(open_since_, now).wall;
  if (whole == 0 && !rest.text.empty()) return;
  open_->text.resize(whole);
  WriteLine(*std::exchange(open_, std::nullopt), since);
  if (!rest.text.empty()) open_ = std::move(rest);
}

std::optional<MonoTime> SessionLog::NextFlush() const {
  return open_ ? std::optional(open_since_.mono + kMaxDelay) : std::nullopt;
}

void SessionLog::WriteLine(const SessionRecord& record, WallTime at) {
  if (full_) {
    return;
  }
  std::string line = mask_(ToJson(record, at).Dump());
  if (line.size() >= kMaxLine) {
    line = Shortened({record.kind, mask_(record.text), {}, false}, at);
  }
  if (size_ + line.size() + kReserve > max_bytes_) {
    full_ = true;
    line = ToJson({RecordKind::kSystem, "the session log is full; the rest is left out", {}, false},
                  at)
               .Dump();
  }
  line.push_back('\n');
  hash_.Update(line);
  size_ += line.size();
  lines_ += line;
}

std::string SessionLog::Take() { return std::exchange(lines_, {}); }

}  // namespace midwatch::agent
