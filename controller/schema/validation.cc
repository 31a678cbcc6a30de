#include "controller/schema/validation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "controller/base/text.h"
#include "controller/schema/field_path.h"
#include "controller/schema/format.h"

namespace midwatch::schema {
namespace {

std::int64_t CharacterCount(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

bool IsWhole(const Json& value) {
  return value.IsInt() ||
         (value.IsNumber() && std::nearbyint(value.AsDouble()) == value.AsDouble());
}

bool HasType(NodeType type, const Json& value) {
  switch (type) {
    case NodeType::kAny:
      return true;
    case NodeType::kObject:
      return value.IsObject();
    case NodeType::kArray:
      return value.IsArray();
    case NodeType::kString:
      return value.IsString();
    case NodeType::kInteger:
      return IsWhole(value);
    case NodeType::kNumber:
      return value.IsNumber();
    case NodeType::kBoolean:
      return value.IsBool();
    case NodeType::kIntOrString:
      return value.IsString() || IsWhole(value);
  }
  return false;
}

/// One pass over a value and its schema side by side.
class Validator {
 public:
  explicit Validator(std::vector<FieldError>& errors) : errors_(errors) {}

  void Check(const SchemaNode& node, const Json& value, const Json* old, const FieldPath& path) {
    if (errors_.size() >= kMostFieldErrors || (old != nullptr && *old == value)) {
      return;
    }
    if (value.IsNull() && (node.nullable || node.type == NodeType::kAny)) {
      return;
    }
    if (!HasType(node.type, value)) {
      Add(TypeInvalid(path.ToString(), Json(value.TypeName()),
                      InBody(path, "must be of type " + std::string(NameOf(node.type)) + ": " +
                                       Quote(value.TypeName()))));
      return;
    }
    CheckEnum(node.values, value, path);
    if (value.IsString()) {
      CheckText(node.values, value, path);
    } else if (value.IsNumber()) {
      CheckNumber(node.values, value, path);
    } else if (value.IsArray()) {
      CheckArray(node, value, old, path);
    } else if (value.IsObject()) {
      CheckObject(node, value, old, path);
    }
    CheckLogic(node.values, value, old, path);
  }

 private:
  void Add(FieldError error) {
    if (errors_.size() < kMostFieldErrors) {
      errors_.push_back(std::move(error));
    }
  }
  static std::string InBody(const FieldPath& path, const std::string& text) {
    return path.ToString() + " in body " + text;
  }
  void AddInvalid(const FieldPath& path, const Json& value, const std::string& text) {
    Add(Invalid(path.ToString(), value, InBody(path, text)));
  }

  void CheckEnum(const ValueRules& rules, const Json& value, const FieldPath& path) {
    if (rules.allowed.empty() ||
        std::find(rules.allowed.begin(), rules.allowed.end(), value) != rules.allowed.end()) {
      return;
    }
    std::vector<std::string> supported;
    for (const Json& allowed : rules.allowed) {
      supported.push_back(allowed.IsString() ? allowed.AsString() : allowed.Dump());
    }
    Add(NotSupported(path.ToString(), value, supported));
  }

  void CheckText(const ValueRules& rules, const Json& value, const FieldPath& path) {
    const std::string& text = value.AsString();
    if (rules.max_length && CharacterCount(text) > *rules.max_length) {
      Add(TooLong(path.ToString(), *rules.max_length));
    }
    if (rules.min_length && CharacterCount(text) < *rules.min_length) {
      AddInvalid(path, value,
                 "should be at least " + std::to_string(*rules.min_length) + " chars long");
    }
    if (rules.pattern && !rules.pattern->FoundIn(text)) {
      AddInvalid(path, value, "should match '" + rules.pattern_text + "'");
    }
    if (!rules.format.empty() && !HasFormat(rules.format, text)) {
      Add(TypeInvalid(
          path.ToString(), value,
          InBody(path, "must be of type " + rules.format + ": " + Quote(Utf8Prefix(text, 256)))));
    }
  }

  void CheckNumber(const ValueRules& rules, const Json& value, const FieldPath& path) {
    const double number = value.AsDouble();
    const auto shown = [](double limit) { return Json(limit).Dump(); };
    if (rules.minimum &&
        (rules.exclusive_minimum ? number <= *rules.minimum : number < *rules.minimum)) {
      AddInvalid(path, value,
                 std::string("should be greater than ") +
                     (rules.exclusive_minimum ? "" : "or equal to ") + shown(*rules.minimum));
    }
    if (rules.maximum &&
        (rules.exclusive_maximum ? number >= *rules.maximum : number > *rules.maximum)) {
      AddInvalid(path, value,
                 std::string("should be less than ") +
                     (rules.exclusive_maximum ? "" : "or equal to ") + shown(*rules.maximum));
    }
    if (rules.multiple_of && *rules.multiple_of > 0) {
      const double quotient = number / *rules.multiple_of;
      if (std::nearbyint(quotient) != quotient) {
        AddInvalid(path, value, "should be a multiple of " + shown(*rules.multiple_of));
      }
    }
    if (rules.format == "int32" && (number < std::numeric_limits<std::int32_t>::min() ||
                                    number > std::numeric_limits<std::int32_t>::max())) {
      AddInvalid(path, value, "must be an integer with format int32");
    }
  }

  void CheckArray(const SchemaNode& node, const Json& value, const Json* old,
                  const FieldPath& path) {
    const Json::Array& items = value.Items();
    const auto count = static_cast<std::int64_t>(items.size());
    if (node.values.max_items && count > *node.values.max_items) {
      Add(TooMany(path.ToString(), count, *node.values.max_items));
      return;  // Not worth looking at each of them.
    }
    if (node.values.min_items && count < *node.values.min_items) {
      AddInvalid(path, Json(count),
                 "should have at least " + std::to_string(*node.values.min_items) + " items");
    }
    if (node.items == nullptr) {
      return;
    }
    const ListCorrelation correlation(node, old);
    for (std::size_t i = 0; i < items.size(); ++i) {
      Check(*node.items, items[i], correlation.OldOf(items[i]), path.Index(i));
    }
    CheckDuplicates(node, items, path);
  }

  void CheckDuplicates(const SchemaNode& node, const Json::Array& items, const FieldPath& path) {
    if (node.list_type == ListType::kAtomic || items.size() < 2) {
      return;
    }
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Json identity = node.list_type == ListType::kMap ? KeysOf(node, items[i]) : items[i];
      if (!seen.insert(identity.Dump()).second) {
        Add(Duplicate(path.Index(i).ToString(), identity));
      }
    }
  }

  void CheckObject(const SchemaNode& node, const Json& value, const Json* old,
                   const FieldPath& path) {
    const Json::Object& members = value.Members();
    const auto count = static_cast<std::int64_t>(members.size());
    if (node.values.max_properties && count > *node.values.max_properties) {
      Add(TooMany(path.ToString(), count, *node.values.max_properties));
    }
    if (node.values.min_properties && count < *node.values.min_properties) {
      AddInvalid(
          path, Json(count),
          "should have at least " + std::to_string(*node.values.min_properties) + " properties");
    }
    for (const std::string& name : node.values.required) {
      if (value.Find(name) == nullptr) {
        Add(Required(path.Field(name).ToString(), ""));
      }
    }
    if (node.embedded_resource) {
      for (const std::string_view name : {"apiVersion", "kind"}) {
        if (value.At(name).AsString().empty()) {
          Add(Required(path.Field(name).ToString(), "must not be empty"));
        }
      }
    }
    ForEachMember(node, members, [&](const Json::Member& member, const auto* property) {
      const SchemaNode* schema = property == nullptr ? node.additional.get() : property->node.get();
      if (schema != nullptr) {
        Check(*schema, member.value, old == nullptr ? nullptr : old->Find(member.name),
              path.Field(member.name));
      }
    });
  }

  /// The errors of one branch of allOf and its like.
  static std::vector<FieldError> Try(const SchemaNode& branch, const Json& value, const Json* old,
                                     const FieldPath& path) {
    std::vector<FieldError> errors;
    Validator(errors).Check(branch, value, old, path);
    return errors;
  }

  void CheckLogic(const ValueRules& rules, const Json& value, const Json* old,
                  const FieldPath& path) {
    const auto must = [&](const std::string& text) {
      Add(Invalid(path.ToString(), Json(""), Quote(path.ToString()) + " must " + text));
    };
    for (const SchemaNodePtr& branch : rules.all_of) {
      Check(*branch, value, old, path);
    }
    const auto valid = [&](const SchemaNodePtr& branch) {
      return Try(*branch, value, nullptr, path).empty();
    };
    if (!rules.any_of.empty() && std::none_of(rules.any_of.begin(), rules.any_of.end(), valid)) {
      must("validate at least one schema (anyOf)");
      const auto closest = Try(*rules.any_of.front(), value, nullptr, path);
      std::for_each(closest.begin(), closest.end(), [&](const FieldError& e) { Add(e); });
    }
    if (!rules.one_of.empty()) {
      const auto count = std::count_if(rules.one_of.begin(), rules.one_of.end(), valid);
      if (count != 1) {
        must("validate one and only one schema (oneOf). Found " +
             (count == 0 ? std::string("none valid")
                         : std::to_string(count) + " valid alternatives"));
      }
    }
    if (rules.none_of != nullptr && valid(rules.none_of)) {
      must("not validate the schema (not)");
    }
  }

  std::vector<FieldError>& errors_;
};

}  // namespace

Json KeysOf(const SchemaNode& list, const Json& item) {
  Json keys = Json::EmptyObject();
  for (const std::string& name : list.list_keys) {
    const Json* value = item.Find(name);
    const SchemaNode* property = list.items->FindProperty(name);
    if (value == nullptr && property != nullptr && property->default_value) {
      value = &*property->default_value;
    }
    if (value != nullptr) {
      keys.Set(name, *value);
    }
  }
  return keys;
}

ListCorrelation::ListCorrelation(const SchemaNode& list, const Json* old) : list_(list) {
  if (old == nullptr || list.list_type != ListType::kMap) {
    return;
  }
  for (const Json& item : old->Items()) {
    old_.emplace_back(KeysOf(list, item).Dump(), &item);
  }
  std::stable_sort(old_.begin(), old_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
}

const Json* ListCorrelation::OldOf(const Json& item) const {
  if (old_.empty()) {
    return nullptr;
  }
  const std::string key = KeysOf(list_, item).Dump();
  const auto found =
      std::lower_bound(old_.begin(), old_.end(), key,
                       [](const auto& o, const std::string& k) { return o.first < k; });
  return found != old_.end() && found->first == key ? found->second : nullptr;
}

void ValidateStructure(const SchemaNode& node, const Json& value, const Json* old,
                       std::vector<FieldError>& errors) {
  Validator(errors).Check(node, value, old, FieldPath());
}

}  // namespace midwatch::schema
