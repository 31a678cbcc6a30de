#pragma once

#include <cstddef>
#include <string_view>

#include "controller/apiserver/resource_registry.h"
#include "controller/apiserver/version.h"
#include "controller/object/selector.h"

namespace midwatch::apiserver {

/// Requirements of a selection: each is looked at for each object and each watch.
inline constexpr std::size_t kMaxRequirements = 100;

/// Which objects of a resource a list or a watch is about. Immutable value.
struct Selection {
  std::string namespace_name;  ///< Empty: all.
  LabelSelector labels;
  FieldSelector fields;

  /// kBadRequest: a selector does not parse, names a field that is not selectable, or has too many
  /// requirements.
  static Result<Selection> Parse(const ResourceInfo& resource, std::string_view namespace_name,
                                 std::string_view label_selector, std::string_view field_selector);

  bool Matches(const Version& version) const;
  bool HasSelectors() const { return !labels.Empty() || !fields.Empty(); }
  /// The value that the selection demands of a field by `=`, or an empty text.
  std::string_view Required(std::string_view field) const;
};

}  // namespace midwatch::apiserver
