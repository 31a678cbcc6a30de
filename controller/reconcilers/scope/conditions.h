#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/conditions.h"
#include "controller/base/time.h"

namespace midwatch {

/// One aspect of an object's state, as it is now.
struct Aspect {
  std::string_view type;              ///< `Ready`
  std::optional<bool> holds = false;  ///< None: nobody can say.
  std::string_view reason;            ///< CamelCase.
  std::string message = {};
};

/// Sets a condition; its transition time moves only if its status changes.
void SetCondition(std::vector<api::Condition>& conditions, const Aspect& aspect, WallTime now);

}  // namespace midwatch
