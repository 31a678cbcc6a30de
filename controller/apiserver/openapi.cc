#include "controller/apiserver/openapi.h"

#include <algorithm>
#include <vector>

#include "controller/apiserver/openapi_meta.h"
#include "controller/base/check.h"
#include "controller/base/digest.h"
#include "controller/base/text.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.";

Json Ref(std::string_view component) {
  return Json::Of({{"$ref", "#/components/schemas/" + std::string(component)}});
}

Json DescribedRef(std::string_view component, std::string_view description) {
  return Json::Of({{"description", description}, {"allOf", Json::ArrayOf({Ref(component)})}});
}

/// `io.k8s.api.core.v1.ConfigMap` for core kinds, else the group turned round:
/// `dev.midwatch.v1alpha1.Module`.
std::string ComponentOf(const ResourceInfo& resource) {
  const ResourceType& type = resource.type;
  std::string prefix;
  if (resource.builtin) {
    prefix =
        "io.k8s.api." + (type.group.empty() ? "core" : type.group.substr(0, type.group.find('.')));
  } else {
    auto parts = Split(type.group, '.');
    std::reverse(parts.begin(), parts.end());
    prefix = Join({parts.begin(), parts.end()}, ".");
  }
  return prefix + "." + type.version + "." + type.kind;
}

Json KindOf(const ResourceInfo& resource, const std::string& kind) {
  return Json::Of(
      {{"group", resource.type.group}, {"version", resource.type.version}, {"kind", kind}});
}

Json SchemaIn(const Json& definition, const std::string& version) {
  for (const Json& each : definition.At("spec", "versions").Items()) {
    if (each.At("name").AsString() == version) {
      return each.At("schema", "openAPIV3Schema");
    }
  }
  return Json::EmptyObject();
}

Json ObjectSchema(const ResourceInfo& resource, const Json& definition) {
  Json schema = SchemaIn(definition, resource.type.version);
  schema["properties"].Set("metadata", DescribedRef(std::string(kMeta) + "ObjectMeta",
                                                    "Name, labels and what the server keeps."));
  schema.Set("x-kubernetes-group-version-kind",
             Json::ArrayOf({KindOf(resource, resource.type.kind)}));
  return schema;
}

Json ListSchema(const ResourceInfo& resource) {
  const Json text = Json::Of({{"type", "string"}});
  return Json::Of(
      {{"description", resource.list_kind + " is a list of " + resource.type.kind},
       {"type", "object"},
       {"required", Json::ArrayOf({"items"})},
       {"properties",
        Json::Of({{"apiVersion", text},
                  {"kind", text},
                  {"items", Json::Of({{"type", "array"}, {"items", Ref(ComponentOf(resource))}})},
                  {"metadata", DescribedRef(std::string(kMeta) + "ListMeta", "Of the list.")}})},
       {"x-kubernetes-group-version-kind", Json::ArrayOf({KindOf(resource, resource.list_kind)})}});
}

// ---- paths ----

Json Parameter(std::string_view name, std::string_view in, std::string_view type) {
  Json parameter = Json::Of(
      {{"name", name}, {"in", in}, {"schema", Json::Of({{"type", type}, {"uniqueItems", true}})}});
  if (in == "path") {
    parameter.Set("required", true);
  }
  return parameter;
}

Json Content(const std::vector<std::string_view>& types, const std::string& component) {
  Json content = Json::EmptyObject();
  for (const std::string_view type : types) {
    content.Set(type, Json::Of({{"schema", Ref(component)}}));
  }
  return content;
}

/// One operation on one path.
struct Operation {
  std::string_view method;
  std::string_view action;
  std::vector<std::string_view> query;
  std::vector<std::string_view> body_types;
  std::string body;    ///< Component; empty: none.
  std::string answer;  ///< Component.
};

Json OperationOf(const ResourceInfo& resource, const Operation& operation) {
  Json out = Json::Of(
      {{"description", std::string(operation.action) + " " + resource.type.kind},
       {"operationId",
        std::string(operation.action) + resource.type.kind + std::string(operation.method)},
       {"x-kubernetes-action", operation.action},
       {"x-kubernetes-group-version-kind", KindOf(resource, resource.type.kind)},
       {"responses",
        Json::Of(
            {{"200", Json::Of({{"description", "OK"},
                               {"content", Content({"application/json"}, operation.answer)}})}})}});
  for (const std::string_view name : operation.query) {
    const bool flag = name == "force" || name == "watch";
    out["parameters"].Append(Parameter(name, "query", flag ? "boolean" : "string"));
  }
  if (!operation.body.empty()) {
    out.Set("requestBody", Json::Of({{"content", Content(operation.body_types, operation.body)}}));
  }
  return out;
}

Json PathItem(const ResourceInfo& resource, const std::vector<Operation>& operations, bool named) {
  Json item = Json::EmptyObject();
  for (const Operation& operation : operations) {
    item.Set(operation.method, OperationOf(resource, operation));
  }
  if (named) {
    item["parameters"].Append(Parameter("name", "path", "string"));
  }
  if (resource.type.namespaced) {
    item["parameters"].Append(Parameter("namespace", "path", "string"));
  }
  return item;
}

void AddPaths(const ResourceInfo& resource, Json& paths) {
  using Types = std::vector<std::string_view>;
  const std::string object = ComponentOf(resource);
  const std::string meta(kMeta);
  const Types plain = {"application/json", "application/yaml"};
  Types patches = {"application/apply-patch+yaml", "application/json-patch+json",
                   "application/merge-patch+json"};
  if (resource.builtin) {
    patches.emplace_back("application/strategic-merge-patch+json");
  }
  const Types list = {"labelSelector", "fieldSelector",   "limit",
                      "continue",      "resourceVersion", "watch"};
  const Types write = {"dryRun", "fieldManager", "fieldValidation"};
  const Operation get{"get", "get", {"resourceVersion"}, {}, "", object};
  const Operation put{"put", "put", write, plain, object, object};
  const Operation patch{
      "patch", "patch",        {"dryRun", "fieldManager", "fieldValidation", "force"},
      patches, meta + "Patch", object};
  const Operation remove{
      "delete",       "delete", {"dryRun", "propagationPolicy"}, plain, meta + "DeleteOptions",
      meta + "Status"};
  const std::string base =
      (resource.type.group.empty() ? "/api/" : "/apis/" + resource.type.group + "/") +
      resource.type.version + "/";
  const std::string collection =
      base + (resource.type.namespaced ? "namespaces/{namespace}/" : "") + resource.type.plural;
  paths.Set(collection, PathItem(resource,
                                 {{"get", "list", list, {}, "", object + "List"},
                                  {"post", "post", write, plain, object, object},
                                  {"delete", "deletecollection", list, plain,
                                   meta + "DeleteOptions", meta + "Status"}},
                                 false));
  paths.Set(collection + "/{name}", PathItem(resource, {get, put, patch, remove}, true));
  if (resource.has_status) {
    paths.Set(collection + "/{name}/status", PathItem(resource, {get, put, patch}, true));
  }
}

Json ParsedTrusted(std::string_view text) {
  auto parsed = ParseJson(text);
  MIDWATCH_CHECK(parsed.has_value());
  return *std::move(parsed);
}

}  // namespace

OpenApi::OpenApi(const ResourceRegistry& registry) {
  const Json meta = ParsedTrusted(kOpenApiMetaSchemas);
  std::map<std::string, Json> documents;
  for (const auto& resource : registry.All()) {
    const std::string name =
        (resource->type.group.empty() ? "api/" : "apis/") + resource->type.ApiVersion();
    Json& document = documents[name];
    if (document.IsNull()) {
      document = Json::Of({{"openapi", "3.0.0"},
                           {"info", Json::Of({{"title", "Midwatch"}, {"version", "v1"}})},
                           {"paths", Json::EmptyObject()}});
      document["components"].Set("schemas", meta);
    }
    AddPaths(*resource, document["paths"]);
    Json& schemas = document["components"]["schemas"];
    schemas.Set(ComponentOf(*resource), ObjectSchema(*resource, ParsedTrusted(resource->document)));
    schemas.Set(ComponentOf(*resource) + "List", ListSchema(*resource));
  }
  Json paths = Json::EmptyObject();
  for (const auto& [name, document] : documents) {
    std::string body = document.Dump();
    std::string hash = Sha256Hex(body);
    paths.Set(name, Json::Of({{"serverRelativeURL", "/openapi/v3/" + name + "?hash=" + hash}}));
    documents_.emplace(name, Document{std::move(body), std::move(hash)});
  }
  index_ = Json::Of({{"paths", std::move(paths)}}).Dump();
  index_hash_ = Sha256Hex(index_);
}

const OpenApi::Document* OpenApi::Find(std::string_view name) const {
  const auto found = documents_.find(name);
  return found == documents_.end() ? nullptr : &found->second;
}

}  // namespace midwatch::apiserver
