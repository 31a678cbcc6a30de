#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/cli/resource_catalogue.h"
#include "controller/manifest/manifest_error.h"

namespace midwatch::cli {

/// An object of a manifest that shall be written or deleted.
struct DeclaredObject {
  const CatalogueEntry* entry = nullptr;
  std::string namespace_name;  ///< Empty if cluster-scoped.
  std::string name;
  Json body;
  std::string path;
  manifest::Position at;
};

/// Reads manifests for a server that may know more kinds than this program: syntax, names and kinds
/// are checked here, the rest by the server. In the order in which they are to be written. Nothing
/// if there was an error; all of them were said.
std::optional<std::vector<DeclaredObject>> ReadDeclared(Context& context,
                                                        const ResourceCatalogue& catalogue,
                                                        const std::string& default_namespace,
                                                        const std::vector<std::string>& paths);

}  // namespace midwatch::cli
