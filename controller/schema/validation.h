#pragma once

#include <vector>

#include "controller/object/json.h"
#include "controller/schema/structural.h"

namespace midwatch::schema {

/// Checks a value against the structure: everything but CEL rules. With `old`, parts that have not
/// changed are not looked at (ratcheting). Appends to `errors`, at most kMostFieldErrors in all.
void ValidateStructure(const SchemaNode& node, const Json& value, const Json* old,
                       std::vector<FieldError>& errors);

/// The items of the old list by their keys, to find the one that an item of the new list was. Does
/// nothing for lists that are not of type map.
class ListCorrelation {
 public:
  ListCorrelation(const SchemaNode& list, const Json* old);
  /// The old item with the same keys, or nullptr.
  const Json* OldOf(const Json& item) const;

 private:
  const SchemaNode& list_;
  std::vector<std::pair<std::string, const Json*>> old_;  // Sorted by key.
};

/// The keys of an item of a list of type map, defaults filled in: `{"name":"http"}`.
Json KeysOf(const SchemaNode& list, const Json& item);

}  // namespace midwatch::schema
