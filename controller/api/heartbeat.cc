#include "controller/api/heartbeat.h"

#include <algorithm>

namespace midwatch::api {

bool IsLost(const AgentInstanceStatus& status) {
  return std::any_of(status.conditions.begin(), status.conditions.end(), [](const Condition& it) {
    return it.type == kConnected && it.status == ConditionStatus::kFalse;
  });
}

}  // namespace midwatch::api
