#pragma once

#include <string>
#include <vector>

#include "controller/base/time.h"
#include "controller/cli/style.h"
#include "controller/object/json.h"

namespace midwatch::cli {

struct DescriptionStyle {
  Style style;
  std::size_t width = 80;
  WallTime now;
};

/// An object for people: what it is called, then spec and status in words, references as
/// `namespace/name`, conditions as a table, times with their age. Values of Secrets are left out.
/// Ends with a line feed.
std::string DescribeObject(const Json& object, const DescriptionStyle& how);

/// Events as a table, oldest first, under a heading.
std::string DescribeEvents(std::vector<Json> events, const DescriptionStyle& how);

}  // namespace midwatch::cli
