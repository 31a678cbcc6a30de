#include "controller/reconcilers/scope/conditions.h"

#include <algorithm>

namespace midwatch {

void SetCondition(std::vector<api::Condition>& conditions, const Aspect& aspect, WallTime now) {
  const auto wanted = !aspect.holds   ? api::ConditionStatus::kUnknown
                      : *aspect.holds ? api::ConditionStatus::kTrue
                                      : api::ConditionStatus::kFalse;
  auto found = std::find_if(conditions.begin(), conditions.end(),
                            [&](const api::Condition& c) { return c.type == aspect.type; });
  if (found == conditions.end()) {
    found = conditions.insert(conditions.end(), api::Condition{});
    found->type = aspect.type;
    found->last_transition_time = now;
  } else if (found->status != wanted) {
    found->last_transition_time = now;
  }
  found->status = wanted;
  found->reason = aspect.reason;
  found->message = aspect.message;
}

}  // namespace midwatch
