#include "controller/manifest/manifest_schemas.h"

#include <algorithm>
#include <utility>

namespace midwatch::manifest {

Result<ManifestSchemas> ManifestSchemas::FromCrds(const std::vector<Json>& crds) {
  ManifestSchemas out;
  for (const Json& crd : crds) {
    const Json& spec = crd.At("spec");
    const std::string& name = crd.At("metadata", "name").AsString();
    for (const Json& version : spec.At("versions").Items()) {
      if (version.Find("served") != nullptr && !version.At("served").AsBool()) {
        continue;
      }
      auto compiled = schema::CompiledSchema::Compile(version.At("schema", "openAPIV3Schema"));
      if (!compiled) {
        return Fail(compiled.error().code, name + ": " + compiled.error().message);
      }
      ResourceType type{.group = spec.At("group").AsString(),
                        .version = version.At("name").AsString(),
                        .kind = spec.At("names", "kind").AsString(),
                        .plural = spec.At("names", "plural").AsString(),
                        .namespaced = spec.At("scope").AsString() == "Namespaced"};
      out.kinds_.push_back({std::move(type), *std::move(compiled),
                            version.At("subresources").Find("status") != nullptr});
    }
  }
  return out;
}

const ManifestKind* ManifestSchemas::Find(std::string_view api_version,
                                          std::string_view kind) const {
  const auto found = std::find_if(kinds_.begin(), kinds_.end(), [&](const ManifestKind& one) {
    return one.type.kind == kind && one.type.ApiVersion() == api_version;
  });
  return found == kinds_.end() ? nullptr : &*found;
}

const ManifestKind* ManifestSchemas::FindResource(std::string_view resource) const {
  const auto found = std::find_if(kinds_.begin(), kinds_.end(), [&](const ManifestKind& one) {
    return one.type.Resource() == resource;
  });
  return found == kinds_.end() ? nullptr : &*found;
}

}  // namespace midwatch::manifest
