#include "controller/apiserver/creation_quota.h"

namespace midwatch::apiserver {

std::shared_ptr<void> CreationQuota::Take(const std::string& whose, std::size_t most,
                                          const std::function<std::size_t()>& count) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->under_way.find(whose);
  const std::size_t under_way = found == state_->under_way.end() ? 0 : found->second;
  if (under_way + count() >= most) {
    return nullptr;
  }
  ++state_->under_way[whose];
  return {state_.get(), [state = state_, whose](void*) {
            const std::lock_guard inner(state->mutex);
            if (const auto mine = state->under_way.find(whose); --mine->second == 0) {
              state->under_way.erase(mine);
            }
          }};
}

}  // namespace midwatch::apiserver
