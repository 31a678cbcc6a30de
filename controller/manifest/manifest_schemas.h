#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/object/resource_type.h"
#include "controller/schema/compiled_schema.h"

namespace midwatch::manifest {

/// One version of a kind that manifests may declare.
struct ManifestKind {
  ResourceType type;
  schema::CompiledSchema schema;
  bool has_status =
      false;  ///< `status` is a subresource: what a manifest says about it is ignored.
};

/// The kinds that manifests may declare. Immutable; may be used from several threads.
class ManifestSchemas {
 public:
  /// From CustomResourceDefinitions (apiextensions.k8s.io/v1), all their served versions. kInvalid
  /// names the definition that cannot be used.
  static Result<ManifestSchemas> FromCrds(const std::vector<Json>& crds);

  const ManifestKind* Find(std::string_view api_version, std::string_view kind) const;
  /// The kind of a resource such as `modules.midwatch.dev`, in its first version.
  const ManifestKind* FindResource(std::string_view resource) const;

  const std::vector<ManifestKind>& kinds() const { return kinds_; }

 private:
  std::vector<ManifestKind> kinds_;
};

}  // namespace midwatch::manifest
