#include "controller/artifacts/fair_turns.h"

#include <utility>

namespace midwatch::artifacts {

/// What waits alone may be of any size.
bool FairTurns::HasRoom(const std::string& caller, std::size_t bytes) const {
  const auto found = lines_.find(caller);
  const std::size_t of_one = found == lines_.end() ? 0 : found->second.bytes;
  const std::size_t calls = found == lines_.end() ? 0 : found->second.calls.size();
  return calls < kWaitingCallsOfOne && waiting_ < kWaitingCalls &&
         (of_one == 0 || of_one + bytes <= kWaitingBytesOfOne) &&
         (bytes_ == 0 || bytes_ + bytes <= kWaitingBytes);
}

bool FairTurns::Enter(const std::string& caller, std::size_t bytes, Call call) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_) {
      return false;
    }
    if (under_way_ >= at_once_) {
      if (!HasRoom(caller, bytes)) {
        return false;
      }
      Line& line = lines_[caller];
      if (line.calls.empty()) {
        order_.push_back(caller);
      }
      line.calls.push_back({bytes, std::move(call)});
      line.bytes += bytes;
      bytes_ += bytes;
      ++waiting_;
      return true;
    }
    ++under_way_;
  }
  Make(call);
  return true;
}

void FairTurns::Stop() {
  std::map<std::string, Line> forgotten;
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  order_.clear();
  forgotten.swap(lines_);
}

void FairTurns::Make(const Call& call) {
  call(Turn(this, [self = shared_from_this()](void*) { self->Leave(); }));
}

/// Takes the call whose turn it is out of its line. Under the lock.
FairTurns::Call FairTurns::Next() {
  const std::string caller = std::move(order_.front());
  order_.pop_front();
  const auto found = lines_.find(caller);
  Line& line = found->second;
  Waiting next = std::move(line.calls.front());
  line.calls.pop_front();
  line.bytes -= next.bytes;
  bytes_ -= next.bytes;
  --waiting_;
  if (line.calls.empty()) {
    lines_.erase(found);
  } else {
    order_.push_back(caller);
  }
  return std::move(next.call);
}

void FairTurns::Leave() {
  Call next;
  {
    const std::scoped_lock lock(mutex_);
    if (order_.empty()) {
      --under_way_;
      return;
    }
    next = Next();
  }
  Make(next);
}

}  // namespace midwatch::artifacts
