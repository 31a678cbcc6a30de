#include "controller/cli/declared_objects.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "controller/api/names.h"
#include "controller/base/text.h"
#include "controller/cli/manifest_files.h"
#include "controller/manifest/loader.h"
#include "controller/manifest/ordering.h"

namespace midwatch::cli {
namespace {

using manifest::ManifestError;
using manifest::ManifestErrorCode;

class Reader {
 public:
  Reader(const ResourceCatalogue& catalogue, const std::string& default_namespace)
      : catalogue_(catalogue), default_namespace_(default_namespace) {}

  /// All that `midwatch validate` finds. Kinds that only the server knows it shall judge itself.
  void Check(const std::vector<ManifestFile>& files) {
    const manifest::DeclaredSet set =
        CheckFiles(files, {.default_namespace = default_namespace_, .everywhere = true});
    for (const manifest::Manifest* one : set.manifests) {
      const CatalogueEntry* entry = catalogue_.FindKind(one->type.ApiVersion(), one->type.kind);
      if (entry == nullptr) {
        errors.push_back({.code = ManifestErrorCode::kUnknownKind,
                          .path = one->path,
                          .at = one->at,
                          .key = {},
                          .object = {},
                          .field = "kind",
                          .message = NotServed(one->type.ApiVersion(), one->type.kind)});
        continue;
      }
      objects.push_back({.entry = entry,
                         .namespace_name = one->key.namespace_name,
                         .name = one->key.name,
                         .body = one->object.Body(),
                         .path = one->path,
                         .at = one->at});
    }
    const auto unknown_here = [](const ManifestError& error) {
      return error.code == ManifestErrorCode::kUnknownKind ||
             error.code == ManifestErrorCode::kUnknownVersion;
    };
    if (std::any_of(set.errors.begin(), set.errors.end(), unknown_here)) {
      std::for_each(files.begin(), files.end(), [this](const auto& file) { Read(file, true); });
    }
    std::copy_if(set.errors.begin(), set.errors.end(), std::back_inserter(errors),
                 [&](const ManifestError& error) {
                   return !unknown_here(error) || foreign_.count({error.path, error.at}) == 0;
                 });
  }

  /// Names alone. `foreign`: of kinds that only the server knows.
  void Read(const ManifestFile& file, bool foreign = false) {
    manifest::LoadedFile loaded = manifest::LoadManifests(file.path, file.bytes);
    if (!foreign) {
      std::move(loaded.errors.begin(), loaded.errors.end(), std::back_inserter(errors));
    }
    for (manifest::Document& document : loaded.documents) {
      const Json& version = document.body.At("apiVersion");
      const Json& kind = document.body.At("kind");
      const bool known_here = KnownSchemas().Find(version.AsString(), kind.AsString()) != nullptr;
      const bool served = catalogue_.FindKind(version.AsString(), kind.AsString()) != nullptr;
      if (!foreign) {
        Add(file.path, std::move(document));
      } else if (!known_here && served) {
        foreign_.emplace(file.path, document.places.Find("kind"));
        foreign_.emplace(file.path, document.places.Find("apiVersion"));
        Add(file.path, std::move(document));
      }
    }
  }

  std::vector<DeclaredObject> objects;
  std::vector<ManifestError> errors;

 private:
  static std::string NotServed(const std::string& version, const std::string& kind) {
    return "the server has no kind " + Quote(kind) + " in " + Quote(version);
  }

  void Add(const std::string& path, manifest::Document document) {
    const std::string& version = document.body.At("apiVersion").AsString();
    const std::string& kind = document.body.At("kind").AsString();
    const std::string name = document.body.At("metadata", "name").AsString();
    if (version.empty() || kind.empty() || name.empty()) {
      return Refuse(ManifestErrorCode::kNotAnObject, path, document, "",
                    "an object needs apiVersion, kind and metadata.name");
    }
    const CatalogueEntry* entry = catalogue_.FindKind(version, kind);
    if (entry == nullptr) {
      return Refuse(ManifestErrorCode::kUnknownKind, path, document, "kind",
                    NotServed(version, kind));
    }
    std::string space = document.body.At("metadata", "namespace").AsString();
    if (!entry->type.namespaced && !space.empty()) {
      return Refuse(ManifestErrorCode::kInvalidScope, path, document, "metadata.namespace",
                    kind + " is cluster-scoped and has no namespace");
    }
    if (entry->type.namespaced && space.empty()) {
      space = default_namespace_;
      document.body["metadata"].Set("namespace", space);
    }
    document.body.Erase("status");
    objects.push_back({.entry = entry,
                       .namespace_name = std::move(space),
                       .name = name,
                       .body = std::move(document.body),
                       .path = path,
                       .at = document.places.root()});
  }

  void Refuse(ManifestErrorCode code, const std::string& path, const manifest::Document& document,
              std::string field, std::string message) {
    errors.push_back({.code = code,
                      .path = path,
                      .at = field.empty() ? document.places.root() : document.places.Find(field),
                      .key = {},
                      .object = {},
                      .field = std::move(field),
                      .message = std::move(message)});
  }

  const ResourceCatalogue& catalogue_;
  const std::string& default_namespace_;
  std::set<std::pair<std::string, manifest::Position>> foreign_;  // Where their kinds stand.
};

}  // namespace

PatchRequest ApplyOf(const DeclaredObject& object, bool dry_run) {
  return {.type = object.entry->type,
          .namespace_name = object.namespace_name,
          .name = object.name,
          .subresource = {},
          .patch_type = PatchType::kApply,
          .patch = object.body,
          .field_manager = std::string(api::field_managers::kCli),
          .force = false,
          .dry_run = dry_run};
}

std::optional<std::vector<DeclaredObject>> ReadDeclared(Context& context,
                                                        const ResourceCatalogue& catalogue,
                                                        const std::string& default_namespace,
                                                        const std::vector<std::string>& paths,
                                                        ManifestCheck check) {
  const auto files = ReadManifestFiles(context, paths);
  if (!files) {
    context.Refuse(files.error());
    return std::nullopt;
  }
  Reader reader(catalogue, default_namespace);
  if (check == ManifestCheck::kAll) {
    reader.Check(*files);
  } else {
    std::for_each(files->begin(), files->end(), [&](const auto& file) { reader.Read(file); });
  }
  if (!reader.errors.empty()) {
    manifest::SortErrors(reader.errors);
    for (const ManifestError& error : reader.errors) {
      context.Note(ShowError(error, context.err));
    }
    context.Refuse(kExitFailed, Count(reader.errors.size(), "error") + " in the manifests",
                   "nothing was sent; mend them first");
    return std::nullopt;
  }
  if (reader.objects.empty()) {
    context.Refuse(kExitFailed, "no objects in " + Join(paths, ", "));
    return std::nullopt;
  }
  std::stable_sort(reader.objects.begin(), reader.objects.end(),
                   [](const DeclaredObject& a, const DeclaredObject& b) {
                     return manifest::WriteStep(a.entry->type) < manifest::WriteStep(b.entry->type);
                   });
  return std::move(reader.objects);
}

}  // namespace midwatch::cli
