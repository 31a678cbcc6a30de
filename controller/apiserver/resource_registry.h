#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json_path.h"
#include "controller/object/resource_type.h"
#include "controller/schema/compiled_schema.h"

namespace midwatch::apiserver {

/// A column of `kubectl get`, from `additionalPrinterColumns`.
struct PrinterColumn {
  std::string name;
  std::string type;  ///< `string`, `integer`, `number`, `boolean` or `date`.
  std::string format;
  std::string description;
  std::int64_t priority = 0;  ///< Above 0: with `-o wide` only.
  JsonPath path;
  /// `x-count` of a core kind: the cell is how many entries these members have together.
  std::vector<std::string> counts = {};
  /// `x-reference` of a core kind: the cell is `kind/name` of the object that it refers to.
  bool reference = false;
  /// `x-ownName` of a core kind: this is the column of the name, which else comes first.
  bool own_name = false;
};

/// A field that field selectors may name beside metadata.name and metadata.namespace.
struct SelectableField {
  std::string name;  ///< `spec.color`, as selectors write it.
  JsonPath path;
};

/// One collection that the API serves: what its CustomResourceDefinition says. Immutable.
struct ResourceInfo {
  ResourceType type;
  std::string singular;
  std::string list_kind;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  bool builtin = false;     ///< A core kind: it also takes strategic merge patches.
  bool has_status = false;  ///< Has the subresource `status`.
  schema::CompiledSchema schema;
  std::vector<PrinterColumn> columns;
  std::vector<SelectableField> selectable;
  std::string document;   ///< The whole CustomResourceDefinition, compact JSON.
  std::size_t index = 0;  ///< Its place in ResourceRegistry::All().
};

/// What the API serves: fixed once the server runs. It knows no kinds; each comes from a document
/// in the form of a CustomResourceDefinition (apiextensions.k8s.io/v1), the core kinds too, which
/// say so by the annotation `midwatch.dev/builtin: "true"`. Only the storage version is served.
/// Immutable, thread-safe; the infos live as long as the registry.
class ResourceRegistry {
 public:
  /// kInvalid names the document and what is wrong with it.
  static Result<ResourceRegistry> Build(std::span<const std::string_view> documents);

  /// By group, version and plural, as a URL names it; nullptr if it is not served.
  const ResourceInfo* Find(std::string_view group, std::string_view version,
                           std::string_view plural) const;
  /// By apiVersion and kind, as an object names it.
  const ResourceInfo* FindKind(std::string_view api_version, std::string_view kind) const;
  /// By `plural.group`, as an ObjectKey names it.
  const ResourceInfo* FindResource(std::string_view resource) const;
  const ResourceInfo* Find(const ResourceType& type) const {
    return Find(type.group, type.version, type.plural);
  }

  /// In the order of the documents.
  const std::vector<std::unique_ptr<const ResourceInfo>>& All() const { return resources_; }

 private:
  std::vector<std::unique_ptr<const ResourceInfo>> resources_;
};

}  // namespace midwatch::apiserver
