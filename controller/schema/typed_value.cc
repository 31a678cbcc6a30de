#include "controller/schema/typed_value.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "controller/schema/validation.h"

namespace midwatch::schema {
namespace {

/// For what the schema leaves open.
const SchemaNode& OpenNode() {
  static const SchemaNode kOpen = [] {
    SchemaNode node;
    node.preserve_unknown = true;
    return node;
  }();
  return kOpen;
}

/// The schema of a member, or nullptr if the member is not declared.
const SchemaNode* MemberNode(const SchemaNode& node, const std::string& name) {
  const SchemaNode* member = node.MemberSchema(name);
  const bool open = node.preserve_unknown || node.type == NodeType::kAny;
  return member != nullptr ? member : open ? &OpenNode() : nullptr;
}
const SchemaNode& MemberNodeOrOpen(const SchemaNode& node, const std::string& name) {
  const SchemaNode* member = MemberNode(node, name);
  return member == nullptr ? OpenNode() : *member;
}

bool IsGranularMap(const SchemaNode& node, const Json& value) {
  return value.IsObject() && !node.atomic_map;
}
bool IsGranularList(const SchemaNode& node, const Json& value) {
  return value.IsArray() && node.list_type != ListType::kAtomic && node.items != nullptr;
}

/// What an item of a granular list is known by.
PathElement ElementOf(const SchemaNode& list, const Json& item) {
  return list.list_type == ListType::kMap ? PathElement::Key(KeysOf(list, item))
                                          : PathElement::Value(item);
}

bool IsEmptyContainer(const Json& value) {
  return value.IsNull() || (value.IsObject() && value.Members().empty()) ||
         (value.IsArray() && value.Items().empty());
}

std::string_view ExpectedName(NodeType type) {
  switch (type) {
    case NodeType::kObject:
      return "map";
    case NodeType::kArray:
      return "list";
    case NodeType::kInteger:
    case NodeType::kNumber:
      return "numeric (int or float)";
    case NodeType::kIntOrString:
      return "numeric or string";
    default:
      return NameOf(type);
  }
}

bool FitsType(NodeType type, const Json& value) {
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
    case NodeType::kNumber:
      return value.IsNumber();
    case NodeType::kBoolean:
      return value.IsBool();
    case NodeType::kIntOrString:
      return value.IsNumber() || value.IsString();
  }
  return false;
}

tl::unexpected<Error> Bad(const std::string& path, const std::string& what) {
  return Fail(ErrorCode::kInvalid, (path.empty() ? "." : path) + ": " + what);
}

Result<bool> CheckAt(const SchemaNode& node, const Json& value, const std::string& path);

Result<bool> CheckItems(const SchemaNode& list, const Json& value, const std::string& path) {
  std::set<PathElement> seen;
  const Json::Array& items = value.Items();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (list.list_type == ListType::kMap) {
      const Json keys = KeysOf(list, items[i]);
      for (const std::string& key : list.list_keys) {
        if (keys.Find(key) == nullptr) {
          return Bad(path,
                     "element " + std::to_string(i) +
                         ": associative list with keys has an element that omits key field \"" +
                         key + "\" (and doesn't have default value)");
        }
      }
    }
    const PathElement element = ElementOf(list, items[i]);
    if (!seen.insert(element).second) {
      return Bad(path, "duplicate entries for key " + element.Shown());
    }
    MIDWATCH_TRY(CheckAt(*list.items, items[i], path + element.Shown()));
  }
  return true;
}

Result<bool> CheckAt(const SchemaNode& node, const Json& value, const std::string& path) {
  if (value.IsNull()) {
    return true;
  }
  if (!FitsType(node.type, value)) {
    return Bad(path, "expected " + std::string(ExpectedName(node.type)) + ", got " +
                         std::string(value.TypeName()));
  }
  if (value.IsObject()) {
    for (const auto& [name, child] : value.Members()) {
      const SchemaNode* schema = MemberNode(node, name);
      if (schema == nullptr) {
        return Bad(path + "." + name, "field not declared in schema");
      }
      MIDWATCH_TRY(CheckAt(*schema, child, path + "." + name));
    }
  } else if (IsGranularList(node, value)) {
    MIDWATCH_TRY(CheckItems(node, value, path));
  } else if (value.IsArray() && node.items != nullptr) {
    for (std::size_t i = 0; i < value.Items().size(); ++i) {
      MIDWATCH_TRY(CheckAt(*node.items, value.Items()[i], path + "[" + std::to_string(i) + "]"));
    }
  }
  return true;
}

/// Collects the differences of two values along their schema. A side may be missing (nullptr).
class Comparer {
 public:
  using Path = FieldSet::Path;

  void Walk(const SchemaNode& node, const Json* before, const Json* after) {
    if (before != nullptr && after != nullptr && *before == *after) {
      return;
    }
    const Json& shape = after != nullptr ? *after : *before;
    const bool same_shape = before == nullptr || after == nullptr || SameShape(*before, *after);
    const bool empty = (before == nullptr || IsEmptyContainer(*before)) &&
                       (after == nullptr || IsEmptyContainer(*after));
    if (empty || !same_shape || !(IsGranularMap(node, shape) || IsGranularList(node, shape))) {
      Note(before, after);
      return;
    }
    if (shape.IsObject()) {
      WalkMembers(node, before, after);
    } else {
      WalkItems(node, before, after);
    }
    if (before == nullptr || after == nullptr) {
      Note(before, after);
    }
  }

  Comparison Take() { return std::move(out_); }

 private:
  static bool SameShape(const Json& a, const Json& b) {
    return a.IsObject() == b.IsObject() && a.IsArray() == b.IsArray();
  }
  void Note(const Json* before, const Json* after) {
    FieldSet& set = before == nullptr  ? out_.added
                    : after == nullptr ? out_.removed
                                       : out_.modified;
    set.Insert(path_);
  }
  void Step(const PathElement& element, const SchemaNode& node, const Json* before,
            const Json* after) {
    path_.push_back(element);
    Walk(node, before, after);
    path_.pop_back();
  }
  void WalkMembers(const SchemaNode& node, const Json* before, const Json* after) {
    const Json kNone = Json::EmptyObject();
    const Json::Object& old_members = (before == nullptr ? kNone : *before).Members();
    const Json::Object& new_members = (after == nullptr ? kNone : *after).Members();
    auto old_at = old_members.begin();
    auto new_at = new_members.begin();
    while (old_at != old_members.end() || new_at != new_members.end()) {
      const bool has_old = old_at != old_members.end() &&
                           (new_at == new_members.end() || old_at->name <= new_at->name);
      const bool has_new = new_at != new_members.end() &&
                           (old_at == old_members.end() || new_at->name <= old_at->name);
      if (!has_old || !has_new || old_at->value != new_at->value) {
        const std::string& name = has_new ? new_at->name : old_at->name;
        Step(PathElement::Field(name), MemberNodeOrOpen(node, name),
             has_old ? &old_at->value : nullptr, has_new ? &new_at->value : nullptr);
      }
      old_at += has_old ? 1 : 0;
      new_at += has_new ? 1 : 0;
    }
  }
  void WalkItems(const SchemaNode& node, const Json* before, const Json* after) {
    std::map<PathElement, std::pair<const Json*, const Json*>> pairs;
    if (before != nullptr) {
      for (const Json& item : before->Items()) {
        pairs[ElementOf(node, item)].first = &item;
      }
    }
    if (after != nullptr) {
      for (const Json& item : after->Items()) {
        pairs[ElementOf(node, item)].second = &item;
      }
    }
    for (const auto& [element, pair] : pairs) {
      Step(element, *node.items, pair.first, pair.second);
    }
  }

  Comparison out_;
  Path path_;
};

std::vector<PathElement> ElementsOf(const SchemaNode& list, const Json& value) {
  std::vector<PathElement> out;
  for (const Json& item : value.Items()) {
    out.push_back(ElementOf(list, item));
  }
  return out;
}

/// Items of `live` alone keep their place; where an item of both stands in `live` and in `applied`
/// at different places, `applied` decides; new items follow what stands before them in `applied`.
Json MergeItems(const SchemaNode& list, const Json& live, const Json& applied) {
  const std::vector<PathElement> live_elements = ElementsOf(list, live);
  const std::vector<PathElement> applied_elements = ElementsOf(list, applied);
  std::map<PathElement, const Json*> live_items;
  for (std::size_t i = 0; i < live_elements.size(); ++i) {
    live_items.emplace(live_elements[i], &live.Items()[i]);
  }
  const std::set<PathElement> wanted(applied_elements.begin(), applied_elements.end());
  std::vector<const PathElement*> shared;  // In the order of `applied`.
  for (const PathElement& element : applied_elements) {
    if (live_items.contains(element)) {
      shared.push_back(&element);
    }
  }
  Json out = Json::EmptyArray();
  std::size_t next_shared = 0;
  std::size_t l = 0;
  std::size_t r = 0;
  while (l < live_elements.size() || r < applied_elements.size()) {
    if (l < live_elements.size() && !wanted.contains(live_elements[l])) {
      out.Append(live.Items()[l++]);
      continue;
    }
    const bool at_live = l < live_elements.size();
    const bool due =
        next_shared < shared.size() && at_live && *shared[next_shared] == live_elements[l];
    if (r == applied_elements.size() || (at_live && !due && next_shared < shared.size())) {
      ++l;  // Has its place elsewhere.
      continue;
    }
    const auto existing = live_items.find(applied_elements[r]);
    const Json& item = applied.Items()[r];
    if (existing == live_items.end()) {
      out.Append(item);
    } else {
      out.Append(Merge(*list.items, *existing->second, item));
      l += at_live && live_elements[l] == applied_elements[r] ? 1 : 0;
      ++next_shared;
    }
    ++r;
  }
  return out;
}

}  // namespace

Result<bool> CheckTyped(const SchemaNode& node, const Json& value) {
  return CheckAt(node, value, "");
}

FieldSet FieldsOf(const SchemaNode& node, const Json& value) {
  std::vector<PathElement> members;
  std::vector<FieldSet::Child> children;
  if (IsGranularMap(node, value)) {
    for (const auto& [name, child] : value.Members()) {
      const SchemaNode& schema = MemberNodeOrOpen(node, name);
      PathElement element = PathElement::Field(name);
      const bool taken_apart = IsGranularMap(schema, child) || IsGranularList(schema, child);
      const bool empty_map = child.IsObject() && child.Members().empty();
      if (taken_apart) {
        children.push_back({element, FieldsOf(schema, child)});
      }
      if (!taken_apart || empty_map || node.FindProperty(name) == nullptr) {
        members.push_back(std::move(element));
      }
    }
  } else if (IsGranularList(node, value)) {
    for (const Json& item : value.Items()) {
      PathElement element = ElementOf(node, item);
      children.push_back({element, FieldsOf(*node.items, item)});
      members.push_back(std::move(element));
    }
  }
  return FieldSet::From(std::move(members), std::move(children));
}

Comparison Compare(const SchemaNode& node, const Json& before, const Json& after) {
  Comparer comparer;
  comparer.Walk(node, &before, &after);
  return comparer.Take();
}

Json Merge(const SchemaNode& node, const Json& live, const Json& applied) {
  if (IsGranularMap(node, applied) && live.IsObject()) {
    Json out = Json::EmptyObject();
    Json::Object& merged = out.MutableMembers();
    merged.reserve(live.Members().size() + applied.Members().size());
    auto at = live.Members().begin();
    const auto end = live.Members().end();
    for (const auto& [name, child] : applied.Members()) {
      for (; at != end && at->name < name; ++at) {
        merged.push_back(*at);
      }
      if (at != end && at->name == name) {
        merged.push_back({name, Merge(MemberNodeOrOpen(node, name), at->value, child)});
        ++at;
      } else {
        merged.push_back({name, child});
      }
    }
    merged.insert(merged.end(), at, end);
    return out;
  }
  if (IsGranularList(node, applied) && live.IsArray()) {
    return MergeItems(node, live, applied);
  }
  return applied;
}

Json RemoveFields(const SchemaNode& node, const Json& value, const FieldSet& fields) {
  if (fields.Empty()) {
    return value;
  }
  if (IsGranularMap(node, value)) {
    Json out = Json::EmptyObject();
    Json::Object& kept = out.MutableMembers();
    for (const auto& [name, child] : value.Members()) {
      const PathElement element = PathElement::Field(name);
      if (fields.Has(element)) {
        continue;
      }
      const FieldSet* below = fields.Below(element);
      Json rest =
          below == nullptr ? child : RemoveFields(MemberNodeOrOpen(node, name), child, *below);
      if (!IsEmptyContainer(rest) || IsEmptyContainer(child)) {
        kept.push_back({name, std::move(rest)});  // Emptied by us: gone.
      }
    }
    return out;
  }
  if (IsGranularList(node, value)) {
    Json out = Json::EmptyArray();
    for (const Json& item : value.Items()) {
      const PathElement element = ElementOf(node, item);
      if (!fields.Has(element)) {
        const FieldSet* below = fields.Below(element);
        out.Append(below == nullptr ? item : RemoveFields(*node.items, item, *below));
      }
    }
    return out;
  }
  return value;
}

FieldSet WithNamedParents(const SchemaNode& node, const FieldSet& fields) {
  FieldSet out;
  for (const PathElement& member : fields.members()) {
    out.Insert(member);
  }
  for (const auto& [element, child] : fields.children()) {
    const bool field = element.kind == PathElement::Kind::kField;
    if (field && node.FindProperty(element.text) != nullptr) {
      out.Insert(element);
    }
    const SchemaNode& below = field                   ? MemberNodeOrOpen(node, element.text)
                              : node.items != nullptr ? *node.items
                                                      : OpenNode();
    out.SetBelow(element, WithNamedParents(below, child));
  }
  return out;
}

}  // namespace midwatch::schema
