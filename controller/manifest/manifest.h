#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/manifest/loader.h"
#include "controller/manifest/manifest_error.h"
#include "controller/manifest/manifest_schemas.h"
#include "controller/object/object.h"
#include "controller/object/object_key.h"

namespace midwatch::manifest {

/// What manifests may declare, and where objects go that name no namespace.
struct ManifestScope {
  std::string default_namespace;  ///< Empty: a namespaced object must name its namespace.
  bool everywhere = true;         ///< False: namespaced objects in `default_namespace` alone.

  friend bool operator==(const ManifestScope&, const ManifestScope&) = default;
};

/// A declared object that has passed its schema.
struct Manifest {
  ObjectKey key;
  ResourceType type;
  Object
      object;  ///< As declared, without defaults; with its namespace; without what servers write.
  std::string path;
  Position at;
};

/// What one file declares. Depends on its path, its bytes, the schemas and the scope alone, so it
/// may be kept by blob.
struct DeclaredFile {
  std::vector<Manifest> manifests;
  std::vector<Manifest> refused;  ///< Declared with errors: without their object.
  std::vector<ManifestError> errors;
  std::size_t bytes = 0;  ///< Of the file.
};

/// Reads and checks one file: syntax, kind and version, scope, metadata, unknown fields, structure
/// and rules of the schema. Finds as many mistakes as it can. `status` and the metadata that a
/// server writes (uid, resourceVersion, …, kubectl's last-applied annotation) are dropped without a
/// word, so that what `kubectl get -o yaml` prints can be committed. Values of Secrets are never
/// shown. Pure.
DeclaredFile CheckFile(const ManifestSchemas& schemas, const ManifestScope& scope,
                       std::string_view path, std::string_view bytes,
                       const LoadLimits& limits = {});

/// `Module payments/database`, `Stack core`: how people are told of an object.
std::string ShowObject(const ResourceType& type, std::string_view namespace_name,
                       std::string_view name);

}  // namespace midwatch::manifest
