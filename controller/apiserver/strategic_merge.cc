#include "controller/apiserver/strategic_merge.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kElementOrder = "$setElementOrder/";
constexpr std::string_view kDeleteFrom = "$deleteFromPrimitiveList/";

/// A list whose items are merged: by a member, or as a set of texts if `key` is empty.
struct MergedList {
  std::string_view path;
  std::string_view key;
};
constexpr MergedList kMergedLists[] = {
    {"metadata.ownerReferences", "uid"},
    {"metadata.finalizers", ""},
    {"status.conditions", "type"},
};

const MergedList* FindMergedList(std::string_view path) {
  for (const MergedList& list : kMergedLists) {
    if (list.path == path) {
      return &list;
    }
  }
  return nullptr;
}

bool IsDirective(std::string_view name) {
  return name == kDirective || name == kRetainKeys || name.starts_with(kElementOrder) ||
         name.starts_with(kDeleteFrom);
}

void DeleteValues(Json& list, const Json& values) {
  std::unordered_set<std::string> gone;
  for (const Json& value : values.Items()) {
    gone.insert(value.Dump());
  }
  std::erase_if(list.MutableItems(), [&](const Json& item) { return gone.contains(item.Dump()); });
}

/// What is left of an added value once its directives are taken out.
Json WithoutDirectives(const Json& value) {
  if (value.IsArray()) {
    Json out = Json::EmptyArray();
    for (const Json& item : value.Items()) {
      if (item.At(kDirective).AsString() != "delete") {
        out.Append(WithoutDirectives(item));
      }
    }
    return out;
  }
  if (!value.IsObject()) {
    return value;
  }
  Json out = Json::EmptyObject();
  for (const Json::Member& member : value.Members()) {
    if (!IsDirective(member.name) && !member.value.IsNull()) {
      out.Set(member.name, WithoutDirectives(member.value));
    }
  }
  return out;
}

Result<Json> MergeMap(Json target, const Json& patch, const std::string& path);

/// By what the items of a merged list are told apart.
std::string IdentityOf(const MergedList& list, const Json& item) {
  return (list.key.empty() ? item : item.At(list.key)).Dump();
}

/// Each item is found by its identity: a patch may have hundreds of thousands.
Result<Json> MergeItems(const Json& target, const Json& patch, const MergedList& list) {
  const auto is_replace = [](const Json& item) {
    return item.At(kDirective).AsString() == "replace";
  };
  const bool anew = std::any_of(patch.Items().begin(), patch.Items().end(), is_replace);
  Json::Array items = anew ? Json::Array() : target.Items();
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < items.size(); ++i) {
    places.try_emplace(IdentityOf(list, items[i]), i);
  }
  std::vector<bool> gone(items.size() + patch.Items().size(), false);
  for (const Json& item : patch.Items()) {
    if (is_replace(item) && item.Members().size() == 1) {
      continue;
    }
    const bool deletes = item.At(kDirective).AsString() == "delete";
    const auto [same, is_new] = places.try_emplace(IdentityOf(list, item), items.size());
    if (deletes) {
      gone[same->second] = !is_new;
      places.erase(same);
    } else if (is_new) {
      items.push_back(WithoutDirectives(item));
    } else if (!list.key.empty()) {
      Json& old = items[same->second];
      MIDWATCH_ASSIGN(old, MergeMap(std::move(old), item, std::string(list.path) + "[]"));
    }
  }
  Json::Array kept;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!gone[i]) {
      kept.push_back(std::move(items[i]));
    }
  }
  return Json(std::move(kept));
}

Result<Json> MergeValue(const Json& old, const Json& patch, const std::string& path) {
  if (patch.IsObject()) {
    return MergeMap(old, patch, path);
  }
  const MergedList* list = patch.IsArray() ? FindMergedList(path) : nullptr;
  if (list != nullptr && old.IsArray()) {
    return MergeItems(old, patch, *list);
  }
  return WithoutDirectives(patch);
}

/// Applies the directive of a map, if it has one that decides about the whole of it.
Result<bool> ReplaceWhole(Json& target, const Json& patch, const std::string& path) {
  const Json* directive = patch.Find(kDirective);
  if (directive == nullptr || directive->AsString() == "merge") {
    return false;
  }
  if (directive->AsString() == "replace") {
    target = WithoutDirectives(patch);
    return true;
  }
  if (directive->AsString() == "delete") {
    target = Json();
    return true;
  }
  return Fail(ErrorCode::kBadRequest, path + "[$patch]: unrecognized patch type " +
                                          Quote(directive->AsString()) +
                                          ", expected replace, delete or merge");
}

void Retain(Json& target, const Json& keys) {
  std::unordered_set<std::string_view> kept;
  for (const Json& key : keys.Items()) {
    kept.insert(key.AsString());
  }
  std::erase_if(target.MutableMembers(),
                [&](const Json::Member& member) { return !kept.contains(member.name); });
}

/// Where a member is. What is longer than any list that is merged is cut: members of one with a
/// name of a megabyte do not have a path of a megabyte each.
std::string Below(const std::string& path, const std::string& name) {
  constexpr std::size_t kLongest = 64;
  return path.empty() ? name : path.size() + name.size() > kLongest ? "..." : path + "." + name;
}

Result<Json> MergeMap(Json target, const Json& patch, const std::string& path) {
  MIDWATCH_ASSIGN(const bool done, ReplaceWhole(target, patch, path));
  if (done) {
    return target;
  }
  for (const Json::Member& member : patch.Members()) {
    if (member.name.starts_with(kDeleteFrom)) {
      if (Json* list = target.FindMutable(member.name.substr(kDeleteFrom.size()))) {
        DeleteValues(*list, member.value);
      }
    }
  }
  Json::Object& old = target.MutableMembers();  // A target that is no object becomes an empty one.
  Json::Object merged;
  merged.reserve(old.size() + patch.Members().size());
  auto at = old.begin();
  for (const auto& [name, value] : patch.Members()) {
    if (IsDirective(name)) {
      continue;
    }
    for (; at != old.end() && at->name < name; ++at) {
      merged.push_back(std::move(*at));
    }
    const bool exists = at != old.end() && at->name == name;
    if (!value.IsNull()) {
      MIDWATCH_ASSIGN(Json now, MergeValue(exists ? at->value : Json(), value, Below(path, name)));
      if (!now.IsNull()) {
        merged.push_back({name, std::move(now)});
      }
    }
    at += exists ? 1 : 0;
  }
  std::move(at, old.end(), std::back_inserter(merged));
  old = std::move(merged);
  if (const Json* keys = patch.Find(kRetainKeys)) {
    Retain(target, *keys);
  }
  return target;
}

}  // namespace

Result<Json> ApplyStrategicMerge(Json target, const Json& patch) {
  if (!patch.IsObject()) {
    return Fail(ErrorCode::kBadRequest,
                "error decoding patch: expected an object, found " + std::string(patch.TypeName()));
  }
  return MergeMap(std::move(target), patch, "");
}

}  // namespace midwatch::apiserver
