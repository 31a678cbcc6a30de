#include "controller/cli/resource_catalogue.h"

#include <algorithm>
#include <utility>

#include "controller/base/encoding.h"
#include "controller/base/text.h"
#include "controller/cli/object_reference.h"

namespace midwatch::cli {
namespace {

constexpr std::string_view kAccept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

std::vector<std::string> Strings(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list.Items()) {
    out.push_back(item.AsString());
  }
  return out;
}

bool Has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

int RankOf(const CatalogueEntry& entry) {
  return entry.type.group.empty() ? 0 : entry.type.group == "midwatch.dev" ? 1 : 2;
}

/// The resources of a group in its first, preferred version.
Result<void> AddGroups(const Json& document, std::vector<CatalogueEntry>& out) {
  if (document.At("kind").AsString() != "APIGroupDiscoveryList") {
    return Fail(ErrorCode::kNotAcceptable,
                "the server has no aggregated discovery; Kubernetes 1.27 or newer is needed");
  }
  for (const Json& group : document.At("items").Items()) {
    if (group.At("versions").Items().empty()) {
      continue;
    }
    const Json& version = group.At("versions").Items().front();
    for (const Json& resource : version.At("resources").Items()) {
      out.push_back({.type = {.group = group.At("metadata", "name").AsString(),
                              .version = version.At("version").AsString(),
                              .kind = resource.At("responseKind", "kind").AsString(),
                              .plural = resource.At("resource").AsString(),
                              .namespaced = resource.At("scope").AsString() == "Namespaced"},
                     .singular = resource.At("singularResource").AsString(),
                     .short_names = Strings(resource.At("shortNames")),
                     .categories = Strings(resource.At("categories")),
                     .verbs = Strings(resource.At("verbs"))});
    }
  }
  return {};
}

bool IsCalled(const CatalogueEntry& entry, const std::string& word) {
  const std::size_t dot = word.find('.');
  const std::string name = word.substr(0, dot);
  if (dot != std::string::npos && word.substr(dot + 1) != entry.type.group) {
    return false;
  }
  return name == entry.type.plural || name == entry.singular || name == ToLower(entry.type.kind) ||
         Has(entry.short_names, name);
}

std::string NamespaceOf(const CatalogueEntry& entry, const ApiSession& session) {
  return entry.type.namespaced ? session.namespace_name() : std::string();
}

Result<std::vector<Selected>> SelectByReference(const ResourceCatalogue& catalogue,
                                                const std::vector<std::string>& words,
                                                const ApiSession& session) {
  std::vector<Selected> out;
  for (const std::string& word : words) {
    MIDWATCH_ASSIGN(const ObjectReference said, ParseTypedReference(word));
    MIDWATCH_ASSIGN(const CatalogueEntry* entry, catalogue.ResolveOne(said.kind));
    std::string space = NamespaceOf(*entry, session);
    if (!said.namespace_name.empty() && !entry->type.namespaced) {
      return Fail(ErrorCode::kInvalid, Quote(word) + ": " + entry->type.plural +
                                           " are cluster-scoped, expected TYPE/NAME");
    }
    if (!said.namespace_name.empty() && !session.namespace_option().empty() &&
        said.namespace_name != space) {
      return Fail(ErrorCode::kInvalid, Quote(word) + ": two namespaces, -n says " + Quote(space));
    }
    space = said.namespace_name.empty() ? space : said.namespace_name;
    const auto known = std::find_if(out.begin(), out.end(), [&](const Selected& s) {
      return s.entry == entry && s.namespace_name == space;
    });
    Selected& selected = known == out.end() ? out.emplace_back(Selected{entry, space, {}}) : *known;
    selected.names.push_back(said.name);
  }
  return out;
}

}  // namespace

std::string CatalogueEntry::KindName() const {
  const std::string name = singular.empty() ? ToLower(type.kind) : singular;
  return type.group.empty() ? name : name + "." + type.group;
}

Result<ResourceCatalogue> ResourceCatalogue::Load(ApiSession& session) {
  MIDWATCH_ASSIGN(const Json core, session.Fetch("/api", std::string(kAccept)));
  MIDWATCH_ASSIGN(const Json groups, session.Fetch("/apis", std::string(kAccept)));
  return FromDocuments(core, groups);
}

Result<ResourceCatalogue> ResourceCatalogue::FromDocuments(const Json& core, const Json& groups) {
  ResourceCatalogue catalogue;
  MIDWATCH_TRY(AddGroups(core, catalogue.entries_));
  MIDWATCH_TRY(AddGroups(groups, catalogue.entries_));
  std::stable_sort(catalogue.entries_.begin(), catalogue.entries_.end(),
                   [](const auto& a, const auto& b) { return RankOf(a) < RankOf(b); });
  return catalogue;
}

Result<std::vector<const CatalogueEntry*>> ResourceCatalogue::Resolve(
    const std::string& said) const {
  const std::string word = ToLower(said);
  std::vector<const CatalogueEntry*> of_category;
  for (const CatalogueEntry& entry : entries_) {
    if (IsCalled(entry, word)) {
      return std::vector{&entry};
    }
    if (Has(entry.categories, word) && Has(entry.verbs, "list")) {
      of_category.push_back(&entry);
    }
  }
  if (!of_category.empty()) {
    return of_category;
  }
  std::vector<std::string_view> names;
  for (const CatalogueEntry& entry : entries_) {
    names.push_back(entry.type.plural);
    names.push_back(entry.singular);
  }
  const auto near = NearestWord(word, names);
  return Fail(ErrorCode::kNotFound, "the server has no resource type " + Quote(said) +
                                        (near ? ", did you mean " + Quote(*near) + "?" : ""));
}

Result<const CatalogueEntry*> ResourceCatalogue::ResolveOne(const std::string& word) const {
  MIDWATCH_ASSIGN(const auto found, Resolve(word));
  if (found.size() != 1) {
    return Fail(ErrorCode::kInvalid, Quote(word) + " is a category: a single type is needed here");
  }
  return found.front();
}

const CatalogueEntry* ResourceCatalogue::FindKind(std::string_view api_version,
                                                  std::string_view kind) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return entry.type.kind == kind && entry.type.ApiVersion() == api_version;
  });
  return found == entries_.end() ? nullptr : &*found;
}

Result<std::vector<Selected>> SelectObjects(const ResourceCatalogue& catalogue,
                                            const std::vector<std::string>& words,
                                            const ApiSession& session) {
  if (words.empty()) {
    return Fail(ErrorCode::kInvalid, "a type is missing");
  }
  if (words.front().find('/') != std::string::npos) {
    return SelectByReference(catalogue, words, session);
  }
  std::vector<Selected> out;
  for (const std::string_view type : Split(words.front(), ',')) {
    MIDWATCH_ASSIGN(const auto entries, catalogue.Resolve(std::string(type)));
    if (entries.size() > 1 && words.size() > 1) {
      return Fail(ErrorCode::kInvalid, Quote(type) + " is a category: names need a single type");
    }
    for (const CatalogueEntry* entry : entries) {
      out.push_back({entry, NamespaceOf(*entry, session), {words.begin() + 1, words.end()}});
    }
  }
  return out;
}

std::string PathOf(const ResourceType& type, std::string_view namespace_name,
                   std::string_view name) {
  std::string out =
      type.group.empty() ? "/api/" + type.version : "/apis/" + type.group + "/" + type.version;
  if (type.namespaced && !namespace_name.empty()) {
    out += "/namespaces/" + PercentEncode(namespace_name);
  }
  out += "/" + type.plural;
  return name.empty() ? out : out + "/" + PercentEncode(name);
}

}  // namespace midwatch::cli
