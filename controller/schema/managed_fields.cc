#include "controller/schema/managed_fields.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace midwatch::schema {
namespace {

constexpr std::string_view kAncientChanges = "ancient-changes";

using Entry = ManagedFields::Entries::value_type;

Json EncodeEntry(const Entry& entry) {
  const auto& [key, value] = entry;
  Json out = Json::EmptyObject();
  out.Set("apiVersion", value.api_version);
  out.Set("fieldsType", "FieldsV1");
  out.Set("fieldsV1", value.fields.ToJson());
  out.Set("manager", key.manager);
  out.Set("operation", key.applied ? "Apply" : "Update");
  if (!key.subresource.empty()) {
    out.Set("subresource", key.subresource);
  }
  if (!value.time.empty()) {
    out.Set("time", value.time);
  }
  return out;
}

}  // namespace

ManagedFields ManagedFields::FromJson(const Json& managed_fields) {
  ManagedFields out;
  for (const Json& item : managed_fields.Items()) {
    const std::string& operation = item.At("operation").AsString();
    auto fields = FieldSet::FromJson(item.At("fieldsV1"));
    const bool known = operation == "Apply" || operation == "Update";
    if (!known || !fields || item.At("fieldsType").AsString() != "FieldsV1") {
      return {};
    }
    const bool applied = operation == "Apply";
    const std::string& version = item.At("apiVersion").AsString();
    ManagerKey key{.applied = applied,
                   .manager = item.At("manager").AsString(),
                   .subresource = item.At("subresource").AsString(),
                   .api_version = applied ? "" : version};
    out.entries_[std::move(key)] = {*std::move(fields), version, item.At("time").AsString()};
  }
  return out;
}

Json ManagedFields::ToJson() const {
  Json out;
  for (const Entry& entry : entries_) {
    if (!entry.second.fields.Empty()) {
      out.Append(EncodeEntry(entry));
    }
  }
  Sort(out);
  return out;
}

void ManagedFields::Sort(Json& managed_fields) {
  if (managed_fields.IsNull()) {
    return;
  }
  const auto rank = [](const Json& entry) {
    return std::make_tuple(entry.At("operation").AsString() != "Apply",
                           std::string_view(entry.At("time").AsString()),
                           std::string_view(entry.At("manager").AsString()),
                           std::string_view(entry.At("apiVersion").AsString()),
                           std::string_view(entry.At("subresource").AsString()));
  };
  Json::Array& entries = managed_fields.MutableItems();
  std::sort(entries.begin(), entries.end(),
            [&](const Json& a, const Json& b) { return rank(a) < rank(b); });
}

void ManagedFields::CapUpdates(std::size_t most) {
  std::vector<const Entry*> updates;
  for (const Entry& entry : entries_) {
    if (!entry.first.applied && entry.first.manager != kAncientChanges) {
      updates.push_back(&entry);
    }
  }
  const auto ancient = std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.first.manager == kAncientChanges;
  });
  if (updates.size() + static_cast<std::size_t>(ancient) <= most) {
    return;
  }
  std::sort(updates.begin(), updates.end(), [](const Entry* a, const Entry* b) {
    return std::tie(a->second.time, a->first) < std::tie(b->second.time, b->first);
  });
  const std::size_t surplus = updates.size() - std::min(updates.size(), most - 1);
  for (std::size_t i = 0; i < surplus; ++i) {
    const ManagerKey key = updates[i]->first;
    ManagedEntry old = std::move(entries_[key]);
    entries_.erase(key);
    ManagedEntry& bucket = entries_[{.applied = false,
                                     .manager = std::string(kAncientChanges),
                                     .subresource = "",
                                     .api_version = key.api_version}];
    bucket.fields.Add(old.fields);
    bucket.api_version = old.api_version;
    bucket.time = old.time;
  }
}

}  // namespace midwatch::schema
