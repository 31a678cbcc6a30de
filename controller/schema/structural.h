#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/pattern.h"
#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/schema/rule.h"

namespace midwatch::schema {

enum class NodeType : std::uint8_t {
  kAny,  ///< Only where unknown fields are preserved, or inside anyOf and its like.
  kObject,
  kArray,
  kString,
  kInteger,
  kNumber,
  kBoolean,
  kIntOrString,
};

enum class ListType : std::uint8_t { kAtomic, kSet, kMap };

struct SchemaNode;
using SchemaNodePtr = std::shared_ptr<const SchemaNode>;

/// What a value must satisfy beyond its type. Absent limits are not checked.
struct ValueRules {
  std::vector<Json> allowed;  ///< `enum`; empty: anything.
  std::optional<double> minimum;
  std::optional<double> maximum;
  bool exclusive_minimum = false;
  bool exclusive_maximum = false;
  std::optional<double> multiple_of;
  std::optional<std::int64_t> min_length;  ///< In characters.
  std::optional<std::int64_t> max_length;
  std::optional<std::int64_t> min_items;
  std::optional<std::int64_t> max_items;
  std::optional<std::int64_t> min_properties;
  std::optional<std::int64_t> max_properties;
  std::optional<Pattern> pattern;
  std::string pattern_text;
  std::string format;
  std::vector<std::string> required;  ///< Sorted.
  std::vector<SchemaNodePtr> all_of;
  std::vector<SchemaNodePtr> any_of;
  std::vector<SchemaNodePtr> one_of;
  SchemaNodePtr none_of;  ///< `not`
};

/// One node of a compiled structural schema (the `Structural` of apiextensions-apiserver).
/// Immutable once compiled.
struct SchemaNode {
  struct Property {
    std::string name;
    SchemaNodePtr node;
  };

  NodeType type = NodeType::kAny;
  bool nullable = false;
  bool preserve_unknown = false;
  bool embedded_resource = false;
  bool atomic_map = false;  ///< `x-kubernetes-map-type: atomic`
  ListType list_type = ListType::kAtomic;
  std::vector<std::string> list_keys;  ///< Of kMap.

  std::vector<Property> properties;  ///< Sorted by name.
  SchemaNodePtr additional;          ///< What members without a property must be; or nullptr.
  SchemaNodePtr items;               ///< Of kArray; or nullptr.
  std::optional<Json> default_value;
  ValueRules values;
  std::vector<Rule> rules;

  bool has_rules_below = false;       ///< Here or further down.
  bool has_transition_below = false;  ///< Likewise, of rules that use oldSelf.

  const SchemaNode* FindProperty(std::string_view name) const;
  /// The schema of a member: its property, else `additional`, else nullptr.
  const SchemaNode* MemberSchema(std::string_view name) const;
};

/// `object`, `integer`, … as messages call a type; `integer,string` for kIntOrString.
std::string_view NameOf(NodeType type);

inline constexpr int kMaxSchemaDepth = 48;  ///< Below what ParseJson accepts.

/// Compiles a whole object's schema; see CompiledSchema::Compile.
Result<SchemaNodePtr> CompileStructural(const Json& openapi);

/// The schema of metav1.ObjectMeta.
const SchemaNodePtr& ObjectMetaSchema();

/// Calls `visit(Json::Member&, const SchemaNode::Property*)` for each member in order, with its
/// property where there is one: both are sorted, so one pass finds them all.
template <typename Members, typename Visit>
void ForEachMember(const SchemaNode& node, Members& members, Visit&& visit) {
  auto property = node.properties.begin();
  for (auto& member : members) {
    while (property != node.properties.end() && property->name < member.name) {
      ++property;
    }
    const bool known = property != node.properties.end() && property->name == member.name;
    visit(member, known ? &*property : nullptr);
  }
}

}  // namespace midwatch::schema
