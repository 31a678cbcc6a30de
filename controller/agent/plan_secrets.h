#pragma once

#include <string>
#include <vector>

#include "controller/object/json.h"

namespace midwatch::agent {

/// The texts that a plan in the JSON of OpenTofu or Terraform marks as sensitive: of changes,
/// drift, outputs and variables, and of the states before and after. Each once, without those that
/// are too short to be masked.
std::vector<std::string> SecretsOfPlan(const Json& plan);

}  // namespace midwatch::agent
