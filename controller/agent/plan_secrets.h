#pragma once

#include <string>
#include <vector>

#include "controller/object/json.h"

namespace midwatch::agent {

/// The texts that a plan in the JSON of OpenTofu or Terraform marks as sensitive: of changes,
/// drift, outputs and variables, and of the states before and after. Each once, at most
/// kMaxPlanSecrets.
std::vector<std::string> SecretsOfPlan(const Json& plan);

inline constexpr std::size_t kMaxPlanSecrets = 1000;

}  // namespace midwatch::agent
