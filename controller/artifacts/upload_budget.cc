#include "controller/artifacts/upload_budget.h"

#include <algorithm>

namespace midwatch::artifacts {

bool UploadBudget::Take(const std::string& owner, const std::vector<std::string>& runs,
                        const std::string& digest, std::uint64_t bytes) {
  const std::uint64_t price = std::max(bytes, kLeastUploadBytes);
  const std::lock_guard lock(mutex_);
  if (owners_.size() >= kMaxUploaders && !owners_.contains(owner)) ForgetOne();
  auto& [spent, turn] = owners_[owner];
  turn = ++turn_;
  std::erase_if(spent, [&](const auto& entry) {
    return std::find(runs.begin(), runs.end(), entry.first) == runs.end();
  });
  for (const auto& [run, of_run] : spent) {
    const auto found = of_run.uploads.find(digest);
    if (found != of_run.uploads.end() && found->second >= price) {
      return true;
    }
  }
  for (const std::string& run : runs) {
    Spent& of_run = spent[run];
    if (of_run.bytes + price <= kMaxUploadBytesPerRun) {
      of_run.bytes += price;
      of_run.uploads[digest] = price;
      return true;
    }
  }
  return false;
}

void UploadBudget::ForgetOne() {
  owners_.erase(std::min_element(owners_.begin(), owners_.end(), [](const auto& a, const auto& b) {
    return a.second.turn < b.second.turn;
  }));
}

}  // namespace midwatch::artifacts
