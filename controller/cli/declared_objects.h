#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/resource_catalogue.h"
#include "controller/env/kube_client.h"
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

/// The server-side apply of it as this program's, without force.
PatchRequest ApplyOf(const DeclaredObject& object, bool dry_run);

/// How much is asked of a manifest: to write it, all that `midwatch validate` asks; to delete what
/// it names, that it can be told.
enum class ManifestCheck : std::uint8_t { kAll, kName };

/// Reads manifests for a server that may know other kinds than this program: those are for the
/// server to check. In the order in which they are to be written. Nothing if there was an error in
/// any of them; all of them were said, with their places.
std::optional<std::vector<DeclaredObject>> ReadDeclared(Context& context,
                                                        const ResourceCatalogue& catalogue,
                                                        const std::string& default_namespace,
                                                        const std::vector<std::string>& paths,
                                                        ManifestCheck check);

}  // namespace midwatch::cli
