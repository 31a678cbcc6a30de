#include "controller/apiserver/strategic_merge.h"

#include <algorithm>
#include <string>

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
  auto& items = list.MutableItems();
  std::erase_if(items, [&](const Json& item) {
    return std::find(values.Items().begin(), values.Items().end(), item) != values.Items().end();
  });
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

Result<Json> MergeItems(Json target, const Json& patch, const MergedList& list) {
  const auto is_replace = [](const Json& item) {
    return item.At(kDirective).AsString() == "replace";
  };
  if (std::any_of(patch.Items().begin(), patch.Items().end(), is_replace)) {
    target = Json::EmptyArray();
  }
  for (const Json& item : patch.Items()) {
    if (is_replace(item) && item.Members().size() == 1) {
      continue;
    }
    auto& items = target.MutableItems();
    const auto same = std::find_if(items.begin(), items.end(), [&](const Json& old) {
      return list.key.empty() ? old == item : old.At(list.key) == item.At(list.key);
    });
    if (item.At(kDirective).AsString() == "delete") {
      if (same != items.end()) {
        items.erase(same);
      }
    } else if (same == items.end()) {
      items.push_back(WithoutDirectives(item));
    } else if (!list.key.empty()) {
      MIDWATCH_ASSIGN(*same, MergeMap(*same, item, std::string(list.path) + "[]"));
    }
  }
  return target;
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
  std::erase_if(target.MutableMembers(), [&](const Json::Member& member) {
    return std::none_of(keys.Items().begin(), keys.Items().end(),
                        [&](const Json& key) { return key.AsString() == member.name; });
  });
}

Result<Json> MergeMap(Json target, const Json& patch, const std::string& path) {
  MIDWATCH_ASSIGN(const bool done, ReplaceWhole(target, patch, path));
  if (done) {
    return target;
  }
  if (!target.IsObject()) {
    target = Json::EmptyObject();
  }
  for (const Json::Member& member : patch.Members()) {
    if (member.name.starts_with(kDeleteFrom)) {
      if (Json* list = target.FindMutable(member.name.substr(kDeleteFrom.size()))) {
        DeleteValues(*list, member.value);
      }
    } else if (member.value.IsNull()) {
      target.Erase(member.name);
    } else if (!IsDirective(member.name)) {
      const std::string child = path.empty() ? member.name : path + "." + member.name;
      MIDWATCH_ASSIGN(Json merged, MergeValue(target.At(member.name), member.value, child));
      if (merged.IsNull()) {
        target.Erase(member.name);
      } else {
        target.Set(member.name, std::move(merged));
      }
    }
  }
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
