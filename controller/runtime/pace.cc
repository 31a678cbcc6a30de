#include "controller/runtime/pace.h"

#include <algorithm>

namespace midwatch {

MonoTime Pace::AllowedAt(const ObjectKey& key) const {
  const auto found = full_at_.find(key);
  return found == full_at_.end() ? MonoTime{} : found->second - (kBurst - 1) * kInterval;
}

void Pace::Note(const ObjectKey& key, MonoTime now) {
  if (full_at_.size() >= forget_at_) {
    std::erase_if(full_at_, [&](const auto& entry) { return entry.second <= now; });
    forget_at_ = std::max(kForgetFrom, 2 * full_at_.size());
  }
  MonoTime& full_at = full_at_[key];
  full_at = std::max(full_at, now) + kInterval;
}

}  // namespace midwatch
