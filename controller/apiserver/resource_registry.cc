#include "controller/apiserver/resource_registry.h"

#include <algorithm>
#include <utility>

#include "controller/base/text.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {
namespace {

std::vector<std::string> Texts(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list.Items()) {
    out.push_back(item.AsString());
  }
  return out;
}

Result<const Json*> StorageVersion(const Json& spec) {
  for (const Json& version : spec.At("versions").Items()) {
    if (version.At("storage").AsBool() && version.At("served").AsBool()) {
      return &version;
    }
  }
  return Fail(ErrorCode::kInvalid, "spec.versions: expected one that is stored and served");
}

Result<JsonPath> PathOf(const Json& item, std::string_view where) {
  auto path = JsonPath::Parse(item.At("jsonPath").AsString());
  if (!path) {
    return Fail(ErrorCode::kInvalid, std::string(where) + ".jsonPath: " + path.error().message);
  }
  return path;
}

Result<std::vector<PrinterColumn>> ColumnsOf(const Json& version) {
  std::vector<PrinterColumn> out;
  for (const Json& column : version.At("additionalPrinterColumns").Items()) {
    MIDWATCH_ASSIGN(JsonPath path, PathOf(column, "additionalPrinterColumns"));
    std::vector<std::string> counts;
    for (const Json& member : column.At("x-count").Items()) {
      counts.push_back(member.AsString());
    }
    out.push_back({.name = column.At("name").AsString(),
                   .type = column.At("type").AsString(),
                   .format = column.At("format").AsString(),
                   .description = column.At("description").AsString(),
                   .priority = column.At("priority").AsInt(),
                   .path = std::move(path),
                   .counts = std::move(counts),
                   .reference = column.At("x-reference").AsBool(),
                   .own_name = column.At("x-ownName").AsBool()});
  }
  if (out.empty()) {
    out.push_back({.name = "Age",
                   .type = "date",
                   .format = {},
                   .description = {},
                   .priority = 0,
                   .path = *JsonPath::Parse(".metadata.creationTimestamp")});
  }
  return out;
}

Result<std::vector<SelectableField>> SelectableOf(const Json& version) {
  std::vector<SelectableField> out;
  for (const Json& field : version.At("selectableFields").Items()) {
    MIDWATCH_ASSIGN(JsonPath path, PathOf(field, "selectableFields"));
    const std::string& text = field.At("jsonPath").AsString();
    out.push_back({.name = text.starts_with('.') ? text.substr(1) : text, .path = std::move(path)});
  }
  return out;
}

Result<ResourceInfo> InfoOf(const Json& document) {
  const Json& spec = document.At("spec");
  const Json& names = spec.At("names");
  MIDWATCH_ASSIGN(const Json* const version, StorageVersion(spec));
  const ResourceType type{.group = spec.At("group").AsString(),
                          .version = version->At("name").AsString(),
                          .kind = names.At("kind").AsString(),
                          .plural = names.At("plural").AsString(),
                          .namespaced = spec.At("scope").AsString() == "Namespaced"};
  if (type.version.empty() || type.kind.empty() || type.plural.empty()) {
    return Fail(ErrorCode::kInvalid, "spec: expected kind, plural and a version's name");
  }
  MIDWATCH_ASSIGN(auto schema,
                  schema::CompiledSchema::Compile(version->At("schema", "openAPIV3Schema")));
  MIDWATCH_ASSIGN(auto columns, ColumnsOf(*version));
  MIDWATCH_ASSIGN(auto selectable, SelectableOf(*version));
  const std::string& singular = names.At("singular").AsString();
  const std::string& list_kind = names.At("listKind").AsString();
  return ResourceInfo{
      .type = type,
      .singular = singular.empty() ? ToLower(type.kind) : singular,
      .list_kind = list_kind.empty() ? type.kind + "List" : list_kind,
      .short_names = Texts(names.At("shortNames")),
      .categories = Texts(names.At("categories")),
      .builtin =
          document.At("metadata", "annotations", "midwatch.dev/builtin").AsString() == "true",
      .has_status = version->At("subresources").Find("status") != nullptr,
      .schema = std::move(schema),
      .columns = std::move(columns),
      .selectable = std::move(selectable),
      .document = document.Dump()};
}

template <typename Predicate>
const ResourceInfo* FindIf(const std::vector<std::unique_ptr<const ResourceInfo>>& all,
                           Predicate fits) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& r) { return fits(*r); });
  return found == all.end() ? nullptr : found->get();
}

}  // namespace

Result<ResourceRegistry> ResourceRegistry::Build(std::span<const std::string_view> documents) {
  ResourceRegistry registry;
  for (const std::string_view text : documents) {
    MIDWATCH_ASSIGN(const Json document, ParseJson(text));
    auto info = InfoOf(document);
    if (!info) {
      return Fail(info.error().code, "CustomResourceDefinition " +
                                         Quote(document.At("metadata", "name").AsString()) + ": " +
                                         info.error().message);
    }
    if (registry.FindResource(info->type.Resource()) != nullptr) {
      return Fail(ErrorCode::kInvalid, info->type.Resource() + ": defined twice");
    }
    info->index = registry.resources_.size();
    registry.resources_.push_back(std::make_unique<const ResourceInfo>(*std::move(info)));
  }
  return registry;
}

const ResourceInfo* ResourceRegistry::Find(std::string_view group, std::string_view version,
                                           std::string_view plural) const {
  return FindIf(resources_, [&](const ResourceInfo& r) {
    return r.type.group == group && r.type.version == version && r.type.plural == plural;
  });
}

const ResourceInfo* ResourceRegistry::FindKind(std::string_view api_version,
                                               std::string_view kind) const {
  return FindIf(resources_, [&](const ResourceInfo& r) {
    return r.type.kind == kind && r.type.ApiVersion() == api_version;
  });
}

const ResourceInfo* ResourceRegistry::FindResource(std::string_view resource) const {
  return FindIf(resources_, [&](const ResourceInfo& r) { return r.type.Resource() == resource; });
}

}  // namespace midwatch::apiserver
