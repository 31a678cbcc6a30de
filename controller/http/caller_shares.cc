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

}  // namespace midwatch::http
