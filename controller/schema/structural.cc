#include "controller/schema/structural.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/base/check.h"
#include "controller/base/text.h"
#include "controller/schema/validation.h"

namespace midwatch::schema {
namespace {

tl::unexpected<Error> Bad(const std::string& where, const std::string& what) {
  return Fail(ErrorCode::kInvalid, where + ": " + what);
}

/// `properties` as shown in errors of a schema: `openAPIV3Schema.properties[spec].items`.
std::string PropertyPath(const std::string& where, std::string_view name) {
  return where + ".properties[" + std::string(name) + "]";
}

void ReadLimit(const Json& source, std::string_view name, std::optional<double>& out) {
  if (const Json* value = source.Find(name); value != nullptr && value->IsNumber()) {
    out = value->AsDouble();
  }
}
void ReadLimit(const Json& source, std::string_view name, std::optional<std::int64_t>& out) {
  if (const Json* value = source.Find(name); value != nullptr && value->IsNumber()) {
    out = static_cast<std::int64_t>(value->AsDouble());
  }
}

/// Where in the tree a schema stands decides what it must say.
enum class Place : std::uint8_t {
  kRoot,
  kNode,
  kLogical,  ///< Inside allOf, anyOf, oneOf or not: checks values only.
};

class Compiler {
 public:
  Result<SchemaNodePtr> Compile(const Json& source, const std::string& where, Place place) {
    if (!source.IsObject()) {
      return Bad(where, "expected object, found " + std::string(source.TypeName()));
    }
    if (++depth_ > kMaxSchemaDepth) {
      return Bad(where, "nested deeper than " + std::to_string(kMaxSchemaDepth) + " levels");
    }
    auto node = std::make_shared<SchemaNode>();
    MIDWATCH_TRY(ReadKind(source, where, place, *node));
    MIDWATCH_TRY(ReadChildren(source, where, place, *node));
    MIDWATCH_TRY(ReadValues(source, where, *node));
    MIDWATCH_TRY(ReadListType(source, where, *node));
    MIDWATCH_ASSIGN(node->rules, CompileRules(source.At("x-kubernetes-validations"),
                                              where + ".x-kubernetes-validations"));
    if (place == Place::kRoot || node->embedded_resource) {
      AddResourceProperties(*node);
    }
    NoteRules(*node);
    MIDWATCH_TRY(ReadDefault(source, where, *node));
    --depth_;
    return SchemaNodePtr(std::move(node));
  }

 private:
  static Result<bool> ReadKind(const Json& source, const std::string& where, Place place,
                               SchemaNode& node) {
    node.nullable = source.At("nullable").AsBool();
    node.preserve_unknown = source.At("x-kubernetes-preserve-unknown-fields").AsBool();
    node.embedded_resource = source.At("x-kubernetes-embedded-resource").AsBool();
    node.atomic_map = source.At("x-kubernetes-map-type").AsString() == "atomic";
    if (source.Find("$ref") != nullptr) {
      return Bad(where + ".$ref", "Forbidden: references are not structural");
    }
    if (source.At("x-kubernetes-int-or-string").AsBool()) {
      node.type = NodeType::kIntOrString;
      return true;
    }
    const std::string& type = source.At("type").AsString();
    for (const NodeType known : {NodeType::kObject, NodeType::kArray, NodeType::kString,
                                 NodeType::kInteger, NodeType::kNumber, NodeType::kBoolean}) {
      if (type == NameOf(known)) {
        node.type = known;
        return true;
      }
    }
    if (!type.empty()) {
      return Bad(where + ".type", "Unsupported value: " + Quote(type) +
                                      ": supported values: \"array\", \"boolean\", \"integer\", "
                                      "\"number\", \"object\", \"string\"");
    }
    if (place == Place::kRoot) {
      return Bad(where + ".type", "Required value: must not be empty at the root");
    }
    if (place == Place::kNode && !node.preserve_unknown) {
      return Bad(where + ".type", "Required value: must not be empty for specified object fields");
    }
    return true;
  }

  Result<bool> ReadChildren(const Json& source, const std::string& where, Place place,
                            SchemaNode& node) {
    const Place below = place == Place::kLogical ? Place::kLogical : Place::kNode;
    for (const auto& [name, child] : source.At("properties").Members()) {
      if (place == Place::kRoot && name == "metadata") {
        MIDWATCH_ASSIGN(SchemaNodePtr metadata, CompileMetadata(child, where));
        node.properties.push_back({name, std::move(metadata)});
        continue;
      }
      MIDWATCH_ASSIGN(SchemaNodePtr compiled, Compile(child, PropertyPath(where, name), below));
      node.properties.push_back({name, std::move(compiled)});
    }
    if (const Json* additional = source.Find("additionalProperties"); additional != nullptr) {
      MIDWATCH_TRY(ReadAdditional(*additional, where + ".additionalProperties", below, node));
    }
    if (const Json* items = source.Find("items"); items != nullptr) {
      MIDWATCH_ASSIGN(node.items, Compile(*items, where + ".items", below));
    } else if (node.type == NodeType::kArray && below == Place::kNode && !node.preserve_unknown) {
      return Bad(where + ".items", "Required value: must be specified");
    }
    return true;
  }

  Result<bool> ReadAdditional(const Json& source, const std::string& where, Place place,
                              SchemaNode& node) {
    if (source.IsBool()) {
      auto anything = std::make_shared<SchemaNode>();
      anything->preserve_unknown = true;
      anything->nullable = true;
      node.additional = source.AsBool() ? std::move(anything) : nullptr;
      return true;
    }
    if (!node.properties.empty() && place == Place::kNode) {
      return Bad(where, "Forbidden: must not be used together with properties");
    }
    MIDWATCH_ASSIGN(node.additional, Compile(source, where, place));
    return true;
  }

  Result<bool> ReadValues(const Json& source, const std::string& where, SchemaNode& node) {
    ValueRules& values = node.values;
    values.allowed = source.At("enum").Items();
    ReadLimit(source, "minimum", values.minimum);
    ReadLimit(source, "maximum", values.maximum);
    ReadLimit(source, "multipleOf", values.multiple_of);
    ReadLimit(source, "minLength", values.min_length);
    ReadLimit(source, "maxLength", values.max_length);
    ReadLimit(source, "minItems", values.min_items);
    ReadLimit(source, "maxItems", values.max_items);
    ReadLimit(source, "minProperties", values.min_properties);
    ReadLimit(source, "maxProperties", values.max_properties);
    values.exclusive_minimum = source.At("exclusiveMinimum").AsBool();
    values.exclusive_maximum = source.At("exclusiveMaximum").AsBool();
    values.format = source.At("format").AsString();
    for (const Json& name : source.At("required").Items()) {
      values.required.push_back(name.AsString());
    }
    std::sort(values.required.begin(), values.required.end());
    if (source.At("uniqueItems").AsBool()) {
      return Bad(where + ".uniqueItems",
                 "Forbidden: uniqueItems cannot be set to true, use "
                 "x-kubernetes-list-type: set");
    }
    values.pattern_text = source.At("pattern").AsString();
    if (!values.pattern_text.empty()) {
      auto pattern = Pattern::Compile(values.pattern_text);
      if (!pattern) {
        return Bad(where + ".pattern", pattern.error().message);
      }
      values.pattern = *std::move(pattern);
    }
    return ReadLogic(source, where, values);
  }

  Result<bool> ReadLogic(const Json& source, const std::string& where, ValueRules& values) {
    struct Branch {
      std::string_view name;
      std::vector<SchemaNodePtr>& out;
    };
    for (const Branch& branch : {Branch{"allOf", values.all_of}, Branch{"anyOf", values.any_of},
                                 Branch{"oneOf", values.one_of}}) {
      const Json::Array& items = source.At(branch.name).Items();
      for (std::size_t i = 0; i < items.size(); ++i) {
        const std::string at =
            where + "." + std::string(branch.name) + "[" + std::to_string(i) + "]";
        MIDWATCH_ASSIGN(SchemaNodePtr compiled, Compile(items[i], at, Place::kLogical));
        branch.out.push_back(std::move(compiled));
      }
    }
    if (const Json* negated = source.Find("not"); negated != nullptr) {
      MIDWATCH_ASSIGN(values.none_of, Compile(*negated, where + ".not", Place::kLogical));
    }
    return true;
  }

  static Result<bool> ReadListType(const Json& source, const std::string& where, SchemaNode& node) {
    const std::string& type = source.At("x-kubernetes-list-type").AsString();
    const std::string at = where + ".x-kubernetes-list-type";
    if (type.empty() || type == "atomic") {
      return true;
    }
    if (node.items == nullptr) {
      return Bad(at, "Forbidden: only arrays have a list type");
    }
    if (type == "set") {
      node.list_type = ListType::kSet;
      const SchemaNode& items = *node.items;
      const bool whole = items.type == NodeType::kObject  ? items.atomic_map
                         : items.type == NodeType::kArray ? items.list_type == ListType::kAtomic
                                                          : items.type != NodeType::kAny;
      return whole ? Result<bool>(true)
                   : Bad(at, "Invalid value: \"set\": items must be scalars or atomic");
    }
    if (type != "map") {
      return Bad(at, "Unsupported value: " + Quote(type) +
                         ": supported values: \"atomic\", \"map\", \"set\"");
    }
    node.list_type = ListType::kMap;
    return ReadListKeys(source, where + ".x-kubernetes-list-map-keys", node);
  }

  static Result<bool> ReadListKeys(const Json& source, const std::string& where, SchemaNode& node) {
    for (const Json& key : source.At("x-kubernetes-list-map-keys").Items()) {
      node.list_keys.push_back(key.AsString());
    }
    std::sort(node.list_keys.begin(), node.list_keys.end());
    if (node.list_keys.empty()) {
      return Bad(where, "Required value: must not be empty if x-kubernetes-list-type is map");
    }
    const std::vector<std::string>& required = node.items->values.required;
    for (const std::string& key : node.list_keys) {
      const SchemaNode* property = node.items->FindProperty(key);
      if (property == nullptr) {
        return Bad(where, "Invalid value: " + Quote(key) +
                              ": entries must all be names of item properties");
      }
      if (!property->default_value && !std::binary_search(required.begin(), required.end(), key)) {
        return Bad(where, "Invalid value: " + Quote(key) +
                              ": this property is in x-kubernetes-list-map-keys, so it must have a "
                              "default or be a required property");
      }
    }
    return true;
  }

  /// At the root only name and generateName may be restricted; the rest is metav1.ObjectMeta.
  Result<SchemaNodePtr> CompileMetadata(const Json& source, const std::string& where) {
    auto node = std::make_shared<SchemaNode>(*ObjectMetaSchema());
    for (const auto& [name, child] : source.At("properties").Members()) {
      if (name != "name" && name != "generateName") {
        return Bad(PropertyPath(where, "metadata"),
                   "Forbidden: must not specify anything other than name and generateName");
      }
      const std::string at = PropertyPath(PropertyPath(where, "metadata"), name);
      MIDWATCH_ASSIGN(SchemaNodePtr compiled, Compile(child, at, Place::kNode));
      for (SchemaNode::Property& property : node->properties) {
        property.node = property.name == name ? compiled : property.node;
      }
    }
    return SchemaNodePtr(std::move(node));
  }

  static void AddResourceProperties(SchemaNode& node) {
    auto text = std::make_shared<SchemaNode>();
    text->type = NodeType::kString;
    for (const std::string_view name : {"apiVersion", "kind", "metadata"}) {
      if (node.FindProperty(name) == nullptr) {
        node.properties.push_back(
            {std::string(name), name == "metadata" ? ObjectMetaSchema() : SchemaNodePtr(text)});
        std::sort(node.properties.begin(), node.properties.end(),
                  [](const auto& a, const auto& b) { return a.name < b.name; });
      }
    }
  }

  static void NoteRules(SchemaNode& node) {
    const auto note = [&](const SchemaNodePtr& child) {
      node.has_rules_below |= child != nullptr && child->has_rules_below;
      node.has_transition_below |= child != nullptr && child->has_transition_below;
    };
    for (const SchemaNode::Property& property : node.properties) {
      note(property.node);
    }
    note(node.additional);
    note(node.items);
    for (const Rule& rule : node.rules) {
      node.has_rules_below = true;
      node.has_transition_below |= rule.program.UsesOldSelf();
    }
  }

  static Result<bool> ReadDefault(const Json& source, const std::string& where, SchemaNode& node) {
    const Json* value = source.Find("default");
    if (value == nullptr) {
      return true;
    }
    std::vector<FieldError> errors;
    ValidateStructure(node, *value, nullptr, errors);
    if (!errors.empty()) {
      return Bad(where + ".default", JoinMessages(errors));
    }
    node.default_value = *value;
    return true;
  }

  int depth_ = 0;
};

constexpr const char* kObjectMeta = R"({"type":"object","properties":{
  "name":{"type":"string"},"generateName":{"type":"string"},"namespace":{"type":"string"},
  "selfLink":{"type":"string"},"uid":{"type":"string"},"resourceVersion":{"type":"string"},
  "generation":{"type":"integer"},
  "creationTimestamp":{"type":"string","format":"date-time"},
  "deletionTimestamp":{"type":"string","format":"date-time"},
  "deletionGracePeriodSeconds":{"type":"integer"},
  "labels":{"type":"object","additionalProperties":{"type":"string"}},
  "annotations":{"type":"object","additionalProperties":{"type":"string"}},
  "finalizers":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
  "ownerReferences":{"type":"array","x-kubernetes-list-type":"map",
    "x-kubernetes-list-map-keys":["uid"],"items":{"type":"object","required":["uid"],
      "x-kubernetes-map-type":"atomic","properties":{
        "apiVersion":{"type":"string"},"kind":{"type":"string"},"name":{"type":"string"},
        "uid":{"type":"string"},"controller":{"type":"boolean"},
        "blockOwnerDeletion":{"type":"boolean"}}}},
  "managedFields":{"type":"array","items":{"type":"object","properties":{
    "manager":{"type":"string"},"operation":{"type":"string"},"apiVersion":{"type":"string"},
    "time":{"type":"string","format":"date-time"},"fieldsType":{"type":"string"},
    "fieldsV1":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
    "subresource":{"type":"string"}}}}}})";

}  // namespace

const SchemaNode* SchemaNode::FindProperty(std::string_view name) const {
  const auto found =
      std::lower_bound(properties.begin(), properties.end(), name,
                       [](const Property& p, std::string_view n) { return p.name < n; });
  return found != properties.end() && found->name == name ? found->node.get() : nullptr;
}

const SchemaNode* SchemaNode::MemberSchema(std::string_view name) const {
  const SchemaNode* property = FindProperty(name);
  return property == nullptr ? additional.get() : property;
}

std::string_view NameOf(NodeType type) {
  constexpr std::array<std::string_view, 8> kNames = {
      "any", "object", "array", "string", "integer", "number", "boolean", "integer,string"};
  return kNames.at(static_cast<std::size_t>(type));
}

Result<SchemaNodePtr> CompileStructural(const Json& openapi) {
  return Compiler().Compile(openapi, "openAPIV3Schema", Place::kRoot);
}

const SchemaNodePtr& ObjectMetaSchema() {
  static const SchemaNodePtr kSchema = [] {
    const auto source = ParseJson(kObjectMeta);
    MIDWATCH_CHECK(source.has_value());
    auto compiled = Compiler().Compile(*source, "metadata", Place::kNode);
    MIDWATCH_CHECK(compiled.has_value());
    return *compiled;
  }();
  return kSchema;
}

}  // namespace midwatch::schema
