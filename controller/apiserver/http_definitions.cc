#include "controller/apiserver/http_definitions.h"

#include <algorithm>

#include "controller/apiserver/http_route.h"
#include "controller/base/check.h"
#include "controller/base/digest.h"
#include "controller/object/selector.h"

namespace midwatch::apiserver {
namespace {

Json Condition(std::string_view type, std::string_view reason, std::string_view message,
               const std::string& at) {
  return Json::Of({{"type", type},
                   {"status", "True"},
                   {"lastTransitionTime", at},
                   {"reason", reason},
                   {"message", message}});
}

std::string UidOf(const std::string& name) {
  const std::string hash = Sha256Hex(name);
  return hash.substr(0, 8) + "-" + hash.substr(8, 4) + "-4" + hash.substr(13, 3) + "-a" +
         hash.substr(17, 3) + "-" + hash.substr(20, 12);
}

Object Established(const std::string& document, const std::string& at) {
  auto parsed = ParseJson(document);
  MIDWATCH_CHECK(parsed.has_value());
  Json definition = *std::move(parsed);
  Json& metadata = definition["metadata"];
  metadata.Set("uid", UidOf(metadata.At("name").AsString()));
  metadata.Set("resourceVersion", Definitions::kVersion);
  metadata.Set("generation", 1);
  metadata.Set("creationTimestamp", at);
  Json stored = Json::EmptyArray();
  for (const Json& version : definition.At("spec", "versions").Items()) {
    if (version.At("storage").AsBool()) {
      stored.Append(version.At("name"));
    }
  }
  definition["spec"].Set("conversion", Json::Of({{"strategy", "None"}}));
  Json names = definition.At("spec", "names");
  definition.Set(
      "status",
      Json::Of({{"acceptedNames", std::move(names)},
                {"storedVersions", std::move(stored)},
                {"conditions",
                 Json::ArrayOf({Condition("NamesAccepted", "NoConflicts", "no conflicts found", at),
                                Condition("Established", "InitialNamesAccepted",
                                          "the initial names have been accepted", at)})}}));
  auto object = Object::FromJson(definition);
  MIDWATCH_CHECK(object.has_value());
  return *std::move(object);
}

ResourceInfo DefinitionResource() {
  auto schema = schema::CompiledSchema::Compile(Json::Of({{"type", "object"}}));
  auto created = JsonPath::Parse(".metadata.creationTimestamp");
  MIDWATCH_CHECK(schema.has_value() && created.has_value());
  return {
      .type = {std::string(kExtensionsGroup), "v1", "CustomResourceDefinition",
               "customresourcedefinitions", false},
      .singular = "customresourcedefinition",
      .list_kind = "CustomResourceDefinitionList",
      .short_names = {"crd", "crds"},
      .categories = {"api-extensions"},
      .schema = *std::move(schema),
      .columns = {{"Created At", "string", "", "When the server started.", 0, *std::move(created)}},
      .selectable = {},
      .document = {}};
}

}  // namespace

Definitions::Definitions(const ResourceRegistry& registry, WallTime established)
    : resource_(DefinitionResource()) {
  const std::string at = FormatTime(established);
  for (const auto& resource : registry.All()) {
    if (!resource->builtin) {
      objects_.push_back(Established(resource->document, at));
    }
  }
  std::sort(objects_.begin(), objects_.end(),
            [](const Object& a, const Object& b) { return a.name() < b.name(); });
}

Result<std::vector<Object>> Definitions::Select(std::string_view label_selector,
                                                std::string_view field_selector) const {
  MIDWATCH_ASSIGN(const LabelSelector labels, LabelSelector::Parse(label_selector));
  MIDWATCH_ASSIGN(const FieldSelector fields, FieldSelector::Parse(field_selector));
  for (const FieldSelector::Requirement& requirement : fields.requirements()) {
    if (requirement.field != "metadata.name") {
      return Fail(ErrorCode::kBadRequest, "field label not supported: " + requirement.field);
    }
  }
  std::vector<Object> selected;
  for (const Object& object : objects_) {
    if (labels.Matches(object.meta().labels) &&
        fields.Matches([&](std::string_view) { return object.name(); })) {
      selected.push_back(object);
    }
  }
  return selected;
}

const Object* Definitions::Find(const std::string& name) const {
  for (const Object& object : objects_) {
    if (object.name() == name) {
      return &object;
    }
  }
  return nullptr;
}

}  // namespace midwatch::apiserver
