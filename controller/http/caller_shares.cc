#include "controller/http/caller_shares.h"

namespace midwatch::http {

std::shared_ptr<CallerShares::Share> CallerShares::Of(const std::string& caller) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<Share>& kept = shares_[caller];
  auto share = kept.lock();
  if (share == nullptr) {
    share = std::make_shared<Share>();
    kept = share;
    std::erase_if(shares_, [](const auto& entry) { return entry.second.expired(); });
  }
  return share;
}

std::size_t CallerShares::Size() const {
  const std::lock_guard lock(mutex_);
  return shares_.size();
}

bool TakeOne(std::atomic<std::size_t>& taken, std::size_t most) {
  if (taken.fetch_add(1) < most) {
    return true;
  }
  taken.fetch_sub(1);
  return false;
}

AnswerHold::Outcome AnswerHold::Take(std::size_t bytes, bool always) {
  const auto take = [bytes, always](std::atomic<std::size_t>& held, std::size_t most) {
    const std::size_t before = held.fetch_add(bytes);
    if (always || before == 0 || before + bytes <= most) {
      return true;
    }
    held.fetch_sub(bytes);
    return false;
  };
  if (share_ != nullptr && !take(share_->answer_bytes, limits_.per_caller)) {
    return Outcome::kCallerUsedUp;
  }
  if (!take(*all_, limits_.all)) {
    if (share_ != nullptr) {
      share_->answer_bytes.fetch_sub(bytes);
    }
    return Outcome::kUsedUp;
  }
  bytes_ += bytes;
  return Outcome::kTaken;
}

void AnswerHold::Give(std::size_t bytes) {
  bytes_ -= bytes;
  *all_ -= bytes;
  if (share_ != nullptr) {
    share_->answer_bytes -= bytes;
  }
}

}  // namespace midwatch::http
