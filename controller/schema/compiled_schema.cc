#include "controller/schema/compiled_schema.h"

#include <algorithm>

#include "controller/base/text.h"
#include "controller/schema/field_path.h"
#include "controller/schema/structural.h"
#include "controller/schema/validation.h"

namespace midwatch::schema {
namespace {

std::string Suggestion(const SchemaNode& node, std::string_view name) {
  std::vector<std::string_view> known;
  for (const SchemaNode::Property& property : node.properties) {
    known.push_back(property.name);
  }
  return std::string(NearestWord(name, known).value_or(""));
}

/// True if everything is declared: most objects are, and need not be walked as if to change them.
bool IsPruned(const SchemaNode& node, const Json& value) {
  if (value.IsObject()) {
    bool pruned = true;
    ForEachMember(node, value.Members(), [&](const Json::Member& member, const auto* property) {
      const SchemaNode* schema = property == nullptr ? node.additional.get() : property->node.get();
      pruned =
          pruned && (schema == nullptr ? node.preserve_unknown : IsPruned(*schema, member.value));
    });
    return pruned;
  }
  return node.items == nullptr ||
         std::all_of(value.Items().begin(), value.Items().end(),
                     [&](const Json& item) { return IsPruned(*node.items, item); });
}

void PruneValue(const SchemaNode& node, Json& value, const FieldPath& path,
                std::vector<UnknownField>& unknown);

void PruneMembers(const SchemaNode& node, Json& value, const FieldPath& path,
                  std::vector<UnknownField>& unknown) {
  Json::Object& members = value.MutableMembers();
  const bool keep = node.preserve_unknown;
  std::vector<std::string_view> dropped;
  ForEachMember(node, members, [&](Json::Member& member, const auto* property) {
    const SchemaNode* schema = property == nullptr ? node.additional.get() : property->node.get();
    if (schema != nullptr) {
      PruneValue(*schema, member.value, path.Field(member.name), unknown);
    } else if (!keep) {
      if (unknown.size() < kMostUnknownFields) {
        unknown.push_back({path.Field(member.name).ToString(), Suggestion(node, member.name)});
      }
      dropped.push_back(member.name);
    }
  });
  if (!dropped.empty()) {
    // The names are compared, not moved: `dropped` looks into the members.
    Json::Object kept;
    auto next = dropped.begin();
    for (Json::Member& member : members) {
      if (next != dropped.end() && *next == member.name) {
        ++next;
      } else {
        kept.push_back(std::move(member));
      }
    }
    members = std::move(kept);
  }
}

void PruneValue(const SchemaNode& node, Json& value, const FieldPath& path,
                std::vector<UnknownField>& unknown) {
  if (value.IsObject()) {
    PruneMembers(node, value, path, unknown);
  } else if (value.IsArray() && node.items != nullptr) {
    Json::Array& items = value.MutableItems();
    for (std::size_t i = 0; i < items.size(); ++i) {
      PruneValue(*node.items, items[i], path.Index(i), unknown);
    }
  }
}

/// True if no null is to be dropped and no default is missing: so it is with what was stored once.
bool HasDefaults(const SchemaNode& node, const Json& value) {
  if (value.IsArray()) {
    return node.items == nullptr ||
           std::all_of(value.Items().begin(), value.Items().end(),
                       [&](const Json& item) { return HasDefaults(*node.items, item); });
  }
  if (!value.IsObject()) {
    return true;
  }
  bool complete = std::all_of(node.properties.begin(), node.properties.end(), [&](const auto& p) {
    return !p.node->default_value || value.Find(p.name) != nullptr;
  });
  ForEachMember(node, value.Members(), [&](const Json::Member& member, const auto* property) {
    const SchemaNode* schema = property == nullptr ? node.additional.get() : property->node.get();
    complete = complete && (schema == nullptr || ((!member.value.IsNull() || schema->nullable) &&
                                                  HasDefaults(*schema, member.value)));
  });
  return complete;
}

void DefaultValue(const SchemaNode& node, Json& value);

void DefaultMembers(const SchemaNode& node, Json& value) {
  Json::Object& members = value.MutableMembers();
  bool drop = false;
  ForEachMember(node, members, [&](Json::Member& member, const auto* property) {
    const SchemaNode* schema = property == nullptr ? node.additional.get() : property->node.get();
    drop |= member.value.IsNull() && schema != nullptr && !schema->nullable;
  });
  if (drop) {
    members.erase(std::remove_if(members.begin(), members.end(),
                                 [&](const Json::Member& member) {
                                   const SchemaNode* schema = node.MemberSchema(member.name);
                                   return member.value.IsNull() && schema != nullptr &&
                                          !schema->nullable;
                                 }),
                  members.end());
  }
  for (const SchemaNode::Property& property : node.properties) {
    if (property.node->default_value && value.Find(property.name) == nullptr) {
      value.Set(property.name, *property.node->default_value);
    }
  }
  ForEachMember(node, value.MutableMembers(), [&](Json::Member& member, const auto* property) {
    const SchemaNode* schema = property == nullptr ? node.additional.get() : property->node.get();
    if (schema != nullptr && !HasDefaults(*schema, member.value)) {
      DefaultValue(*schema, member.value);
    }
  });
}

void DefaultValue(const SchemaNode& node, Json& value) {
  if (value.IsObject()) {
    DefaultMembers(node, value);
  } else if (value.IsArray() && node.items != nullptr) {
    for (Json& item : value.MutableItems()) {
      DefaultValue(*node.items, item);
    }
  }
}

/// An object so broken that rules would judge by what is not there.
bool Blocks(const FieldError& error) {
  switch (error.reason) {
    case CauseReason::kNotSupported:
    case CauseReason::kRequired:
    case CauseReason::kTooLong:
    case CauseReason::kTooMany:
    case CauseReason::kTypeInvalid:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<CompiledSchema> CompiledSchema::Compile(const Json& openapi) {
  MIDWATCH_ASSIGN(SchemaNodePtr root, CompileStructural(openapi));
  return CompiledSchema(std::move(root));
}

std::vector<UnknownField> CompiledSchema::Prune(Json& object) const {
  std::vector<UnknownField> unknown;
  if (object.IsObject() && !IsPruned(*root_, object)) {
    PruneMembers(*root_, object, FieldPath(), unknown);
  }
  std::stable_partition(unknown.begin(), unknown.end(), [](const UnknownField& field) {
    return field.path.starts_with("metadata.");
  });
  return unknown;
}

void CompiledSchema::ApplyDefaults(Json& object) const {
  if (!HasDefaults(*root_, object)) {
    DefaultValue(*root_, object);
  }
}

std::vector<FieldError> CompiledSchema::Validate(const Json& object, const Json* old,
                                                 std::vector<FieldError> found) const {
  ValidateStructure(*root_, object, old, found);
  if (!root_->has_rules_below) {
    return found;
  }
  if (std::any_of(found.begin(), found.end(), Blocks)) {
    found.push_back(
        Invalid("<nil>", Json(),
                "some validation rules were not checked because the object was invalid; "
                "correct the existing errors to complete validation"));
    return found;
  }
  CheckRules(*root_, object, old, found);
  return found;
}

}  // namespace midwatch::schema
