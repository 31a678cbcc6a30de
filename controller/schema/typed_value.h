#pragma once

#include <string>

#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/schema/field_set.h"
#include "controller/schema/structural.h"

namespace midwatch::schema {

// Values seen through their schema, as server-side apply does (structured-merge-diff/typed): maps
// and lists of type set or map are taken apart, scalars and what is atomic are leaves. What the
// schema leaves open is taken apart by its looks: maps are, lists are not.

/// kInvalid if the value does not fit: a field that is not declared, a wrong type, duplicate list
/// items, an item without its keys. Messages start with the path: `.spec.nope: …`.
Result<bool> CheckTyped(const SchemaNode& node, const Json& value);

/// The fields that an apply of this value claims: leaves, list items, and null or empty maps.
FieldSet FieldsOf(const SchemaNode& node, const Json& value);

/// What changed from one value to another. Containers that came or went as a whole are members too.
struct Comparison {
  FieldSet added;
  FieldSet modified;
  FieldSet removed;
};
Comparison Compare(const SchemaNode& node, const Json& before, const Json& after);

/// `live` with everything that `applied` says. List items that both have keep the order that
/// `applied` gives them; others keep their place.
Json Merge(const SchemaNode& node, const Json& live, const Json& applied);

/// The value without the members of the set.
Json RemoveFields(const SchemaNode& node, const Json& value, const FieldSet& fields);

/// The set with every declared field on the way to a member as a member itself.
FieldSet WithNamedParents(const SchemaNode& node, const FieldSet& fields);

}  // namespace midwatch::schema
