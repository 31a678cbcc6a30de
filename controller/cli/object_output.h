#pragma once

#include <string>
#include <vector>

#include "controller/cli/options.h"
#include "controller/object/json.h"

namespace midwatch::cli {

/// The value as JSON (indented by four, as kubectl does) or YAML.
std::string FormatValue(const Json& value, OutputFormat format);

/// Objects as JSON or YAML, without managedFields: one as it is if `single`, else a v1 List.
std::string FormatObjects(std::vector<Json> objects, bool single, OutputFormat format);

}  // namespace midwatch::cli
