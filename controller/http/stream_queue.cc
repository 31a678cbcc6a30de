#include "controller/http/stream_queue.h"

#include <utility>

namespace midwatch::http {

StreamQueue::Outcome StreamQueue::Push(std::string bytes) {
  const std::lock_guard lock(mutex_);
  if (closed_ || ended_) {
    return Outcome::kClosed;
  }
  if (bytes.empty()) {
    return Outcome::kQueued;
  }
  if (held_ == 0) {
    allowed_ = bytes.size() + limit_;
  }
  if (held_ + bytes.size() > allowed_ || !Hold(bytes.size())) {
    DropAll();
    return Outcome::kOverflow;
  }
  held_ += bytes.size();
  pieces_.push_back(std::move(bytes));
  return std::exchange(woken_, true) ? Outcome::kQueued : Outcome::kQueuedWake;
}

bool StreamQueue::Hold(std::size_t bytes) {
  const bool always = held_ == 0 && bytes <= kSmallPiece;
  return hold_ == nullptr || hold_->Take(bytes, always) == AnswerHold::Outcome::kTaken;
}

void StreamQueue::DropAll() {
  closed_ = true;
  if (hold_ != nullptr) {
    hold_->Give(held_ + taken_);
  }
  pieces_.clear();
  held_ = 0;
  taken_ = 0;
}

bool StreamQueue::HasRoom(const std::function<void()>& again) {
  const std::lock_guard lock(mutex_);
  if (closed_ || held_ <= limit_ / 2) {
    return true;
  }
  on_room_ = again;
  return false;
}

bool StreamQueue::End() {
  const std::lock_guard lock(mutex_);
  if (closed_ || ended_) {
    return false;
  }
  ended_ = true;
  return !std::exchange(woken_, true);
}

void StreamQueue::Close() {
  std::function<void()> on_room;
  {
    const std::lock_guard lock(mutex_);
    DropAll();
    on_room = std::exchange(on_room_, nullptr);
  }
  if (on_room) {
    on_room();
  }
}

StreamQueue::Taken StreamQueue::Take(std::size_t most) {
  std::function<void()> on_room;
  Taken taken = TakeLocked(most, on_room);
  if (on_room) {
    on_room();
  }
  return taken;
}

StreamQueue::Taken StreamQueue::TakeLocked(std::size_t most, std::function<void()>& on_room) {
  const std::lock_guard lock(mutex_);
  Taken taken;
  if (hold_ != nullptr) {
    hold_->Give(taken_);
  }
  while (!pieces_.empty() &&
         (taken.bytes.empty() || taken.bytes.size() + pieces_[0].size() <= most)) {
    held_ -= pieces_[0].size();
    if (taken.bytes.empty()) {
      taken.bytes = std::move(pieces_[0]);
    } else {
      taken.bytes += pieces_[0];
    }
    pieces_.pop_front();
  }
  taken_ = taken.bytes.size();
  // While pieces are left the connection comes back by itself.
  woken_ = !pieces_.empty();
  taken.ended = ended_ && pieces_.empty();
  if (held_ <= limit_ / 2) {
    on_room = std::exchange(on_room_, nullptr);
  }
  return taken;
}

}  // namespace midwatch::http
