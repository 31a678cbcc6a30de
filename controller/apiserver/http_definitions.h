#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/apiserver/resource_registry.h"
#include "controller/base/time.h"
#include "controller/object/object.h"

namespace midwatch::apiserver {

/// The CustomResourceDefinitions of what is served, core kinds left out, as clients want to see
/// them: established, with a version. They cannot be changed while the server runs. Immutable.
class Definitions {
 public:
  Definitions(const ResourceRegistry& registry, WallTime established);

  /// Those that the selectors want, by name. kBadRequest: a selector that does not parse, or a
  /// field other than the name.
  Result<std::vector<Object>> Select(std::string_view label_selector,
                                     std::string_view field_selector) const;
  const Object* Find(const std::string& name) const;
  /// What their tables look like.
  const ResourceInfo& resource() const { return resource_; }
  static constexpr std::string_view kVersion = "1";  ///< Of all of them and of their list.

 private:
  ResourceInfo resource_;
  std::vector<Object> objects_;
};

}  // namespace midwatch::apiserver
