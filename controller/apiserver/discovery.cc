#include "controller/apiserver/discovery.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "controller/apiserver/http_route.h"
#include "controller/base/digest.h"
#include "controller/base/encoding.h"
#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

struct Entry {
  ResourceType type;
  std::string singular;
  std::vector<std::string> verbs;
  std::vector<std::string> short_names = {};
  std::vector<std::string> categories = {};
  bool has_status = false;
};

/// Group, then version, then entries by plural. The core group is the empty name.
using Groups = std::map<std::string, std::map<std::string, std::vector<Entry>>>;

const std::vector<std::string> kEverything = {"create", "delete", "deletecollection", "get",
                                              "list",   "patch",  "update",           "watch"};
const std::vector<std::string> kStatusVerbs = {"get", "patch", "update"};

Groups Collect(const ResourceRegistry& registry) {
  Groups groups;
  for (const auto& info : registry.All()) {
    Entry entry{info->type,        info->singular,   kEverything,
                info->short_names, info->categories, info->has_status};
    groups[info->type.group][info->type.version].push_back(std::move(entry));
  }
  for (const ReviewKind& review : ReviewKinds()) {
    const ResourceType type{std::string(review.group), "v1", std::string(review.kind),
                            std::string(review.plural), false};
    groups[type.group]["v1"].push_back({type, ToLower(review.kind), {"create"}});
  }
  const ResourceType definitions{std::string(kExtensionsGroup), "v1", "CustomResourceDefinition",
                                 "customresourcedefinitions", false};
  groups[definitions.group]["v1"].push_back(
      {definitions, "customresourcedefinition", {"get", "list", "watch"}, {"crd", "crds"}});
  for (auto& [group, versions] : groups) {
    for (auto& [version, entries] : versions) {
      std::sort(entries.begin(), entries.end(),
                [](const Entry& a, const Entry& b) { return a.type.plural < b.type.plural; });
    }
  }
  return groups;
}

Json Texts(const std::vector<std::string>& texts) {
  Json array = Json::EmptyArray();
  for (const std::string& text : texts) {
    array.Append(text);
  }
  return array;
}

void SetIfAny(Json& object, std::string_view name, const std::vector<std::string>& texts) {
  if (!texts.empty()) {
    object.Set(name, Texts(texts));
  }
}

FixedDocument Fixed(const Json& document) {
  FixedDocument fixed;
  fixed.body = document.Dump() + "\n";
  fixed.etag = "\"" + Sha256Hex(fixed.body) + "\"";
  return fixed;
}

// ---- legacy ----

Json ResourceListOf(const std::string& group_version, const std::vector<Entry>& entries) {
  Json resources = Json::EmptyArray();
  for (const Entry& entry : entries) {
    Json resource = Json::Of({{"name", entry.type.plural},
                              {"singularName", entry.singular},
                              {"namespaced", entry.type.namespaced},
                              {"kind", entry.type.kind},
                              {"verbs", Texts(entry.verbs)}});
    SetIfAny(resource, "shortNames", entry.short_names);
    SetIfAny(resource, "categories", entry.categories);
    if (entry.verbs.size() > 1) {
      const std::string hash = Sha256Hex(group_version + "/" + entry.type.kind);
      resource.Set("storageVersionHash", Base64Encode(hash.substr(0, 8)));
    }
    resources.Append(std::move(resource));
    if (entry.has_status) {
      resources.Append(Json::Of({{"name", entry.type.plural + "/status"},
                                 {"singularName", ""},
                                 {"namespaced", entry.type.namespaced},
                                 {"kind", entry.type.kind},
                                 {"verbs", Texts(kStatusVerbs)}}));
    }
  }
  return Json::Of({{"kind", "APIResourceList"},
                   {"apiVersion", "v1"},
                   {"groupVersion", group_version},
                   {"resources", std::move(resources)}});
}

template <typename Versions>
Json LegacyGroup(const std::string& name, const Versions& versions) {
  Json list = Json::EmptyArray();
  for (const auto& [version, entries] : versions) {
    list.Append(Json::Of({{"groupVersion", name + "/" + version}, {"version", version}}));
  }
  Json preferred = list.Items()[0];
  return Json::Of(
      {{"name", name}, {"versions", std::move(list)}, {"preferredVersion", std::move(preferred)}});
}

// ---- aggregated ----

Json AggregatedResource(const Entry& entry) {
  const Json kind = Json::Of(
      {{"group", entry.type.group}, {"version", entry.type.version}, {"kind", entry.type.kind}});
  Json resource = Json::Of({{"resource", entry.type.plural},
                            {"responseKind", kind},
                            {"scope", entry.type.namespaced ? "Namespaced" : "Cluster"},
                            {"singularResource", entry.singular},
                            {"verbs", Texts(entry.verbs)}});
  SetIfAny(resource, "shortNames", entry.short_names);
  SetIfAny(resource, "categories", entry.categories);
  if (entry.has_status) {
    resource["subresources"].Append(Json::Of(
        {{"subresource", "status"}, {"responseKind", kind}, {"verbs", Texts(kStatusVerbs)}}));
  }
  return resource;
}

template <typename Versions>
Json AggregatedGroup(const std::string& name, const Versions& versions) {
  Json list = Json::EmptyArray();
  for (const auto& [version, entries] : versions) {
    Json resources = Json::EmptyArray();
    for (const Entry& entry : entries) {
      resources.Append(AggregatedResource(entry));
    }
    list.Append(Json::Of(
        {{"version", version}, {"freshness", "Current"}, {"resources", std::move(resources)}}));
  }
  Json metadata = Json::Of({{"creationTimestamp", nullptr}});
  if (!name.empty()) {
    metadata.Set("name", name);
  }
  return Json::Of({{"metadata", std::move(metadata)}, {"versions", std::move(list)}});
}

Json AggregatedList(std::string_view version, Json items) {
  return Json::Of({{"kind", "APIGroupDiscoveryList"},
                   {"apiVersion", "apidiscovery.k8s.io/" + std::string(version)},
                   {"metadata", Json::EmptyObject()},
                   {"items", std::move(items)}});
}

}  // namespace

Discovery::Discovery(const ResourceRegistry& registry) {
  Json core = Json::EmptyArray();
  Json aggregated = Json::EmptyArray();
  Json legacy = Json::EmptyArray();
  for (const auto& [group, versions] : Collect(registry)) {
    for (const auto& [version, entries] : versions) {
      const std::string name = group.empty() ? version : group + "/" + version;
      lists_.emplace(name, Fixed(ResourceListOf(name, entries)));
    }
    (group.empty() ? core : aggregated).Append(AggregatedGroup(group, versions));
    if (group.empty()) {
      continue;
    }
    Json one = LegacyGroup(group, versions);
    legacy.Append(one);
    one.Set("kind", "APIGroup");
    one.Set("apiVersion", "v1");
    groups_.emplace(group, Fixed(one));
  }
  core_[0] = Fixed(Json::Of({{"kind", "APIVersions"},
                             {"versions", Json::ArrayOf({"v1"})},
                             {"serverAddressByClientCIDRs", Json::EmptyArray()}}));
  core_[1] = Fixed(AggregatedList("v2", core));
  core_[2] = Fixed(AggregatedList("v2beta1", core));
  all_[0] = Fixed(
      Json::Of({{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(legacy)}}));
  all_[1] = Fixed(AggregatedList("v2", aggregated));
  all_[2] = Fixed(AggregatedList("v2beta1", aggregated));
}

const FixedDocument& Discovery::CoreVersions(DiscoveryForm form) const {
  return core_[static_cast<std::size_t>(form)];
}

const FixedDocument& Discovery::Groups(DiscoveryForm form) const {
  return all_[static_cast<std::size_t>(form)];
}

const FixedDocument* Discovery::Group(std::string_view group) const {
  const auto found = groups_.find(std::string(group));
  return found == groups_.end() ? nullptr : &found->second;
}

const FixedDocument* Discovery::ResourceList(std::string_view group_version) const {
  const auto found = lists_.find(std::string(group_version));
  return found == lists_.end() ? nullptr : &found->second;
}

}  // namespace midwatch::apiserver
