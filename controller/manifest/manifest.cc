#include "controller/manifest/manifest.h"

#include <algorithm>
#include <utility>

#include "controller/base/text.h"
#include "controller/manifest/server_fields.h"
#include "controller/schema/field_error.h"
#include "controller/schema/metadata.h"

namespace midwatch::manifest {
namespace {

bool IsSecretData(const ResourceType& type, std::string_view field) {
  return type.group.empty() && type.kind == "Secret" &&
         (field.starts_with("data") || field.starts_with("stringData"));
}

/// Checks one document.
class Checker {
 public:
  Checker(const ManifestSchemas& schemas, const ManifestScope& scope, std::string_view path,
          const LoadLimits& limits, DeclaredFile& out)
      : schemas_(schemas), scope_(scope), path_(path), limits_(limits), out_(out) {}

  void Check(Document document) {
    document_ = &document;
    first_error_ = out_.errors.size();
    key_.reset();
    object_.clear();
    const ManifestKind* kind = FindKind();
    if (kind == nullptr) {
      return;
    }
    DropServerFields(document.body, kind->has_status);
    if (document.body.At("metadata").IsNull()) {
      document.body.Set("metadata", Json::EmptyObject());
    }
    const Result<ObjectMeta> meta = ParseObjectMeta(document.body.At("metadata"));
    if (!meta) {
      return AddMetadataError(meta.error().message);
    }
    ObjectMeta complete = *meta;
    if (!Place(*kind, complete)) {
      return;
    }
    CheckFields(*kind, complete);
    if (out_.errors.size() == first_error_) {
      Accept(*kind);
    }
  }

 private:
  void Add(ManifestErrorCode code, std::string_view field, std::string message) {
    if (out_.errors.size() < first_error_ + limits_.errors) {
      out_.errors.push_back({code, std::string(path_), document_->places.Find(field), key_, object_,
                             std::string(field), std::move(message)});
    }
  }

  /// ParseObjectMeta names the field in front.
  void AddMetadataError(const std::string& message) {
    const std::size_t end = message.find(": ");
    const bool named = message.starts_with("metadata") && end != message.npos;
    Add(ManifestErrorCode::kInvalidField, named ? message.substr(0, end) : "metadata",
        named ? message.substr(end + 2) : message);
  }

  const ManifestKind* FindKind() {
    const Json& body = document_->body;
    const std::string& api_version = body.At("apiVersion").AsString();
    const std::string& kind = body.At("kind").AsString();
    for (const std::string_view field : {"apiVersion", "kind"}) {
      if (body.At(field).AsString().empty()) {
        const bool there = body.Find(field) != nullptr;
        Add(ManifestErrorCode::kNotAnObject, field,
            there ? "expected a string that is not empty" : "required value");
      }
    }
    if (api_version.empty() || kind.empty()) {
      return nullptr;
    }
    const ManifestKind* found = schemas_.Find(api_version, kind);
    if (found == nullptr) {
      ExplainUnknown(api_version, kind);
    }
    return found;
  }

  void ExplainUnknown(const std::string& api_version, const std::string& kind) {
    const std::string group = api_version.substr(0, api_version.find('/'));
    std::vector<std::string_view> names;
    for (const ManifestKind& one : schemas_.kinds()) {
      if (one.type.kind == kind && one.type.group == (api_version == group ? "" : group)) {
        return Add(ManifestErrorCode::kUnknownVersion, "apiVersion",
                   "unknown version " + Quote(api_version) + " of " + kind + ", expected " +
                       Quote(one.type.ApiVersion()));
      }
      if (one.type.kind == kind) {
        return Add(ManifestErrorCode::kUnknownKind, "apiVersion",
                   "no kind " + Quote(kind) + " in " + Quote(api_version) + ", did you mean " +
                       Quote(one.type.ApiVersion()) + "?");
      }
      names.push_back(one.type.kind);
    }
    const auto near = NearestWord(kind, names);
    Add(ManifestErrorCode::kUnknownKind, "kind",
        "unknown kind " + Quote(kind) + (near ? ", did you mean " + Quote(*near) + "?" : ""));
  }

  /// Settles namespace, key and right. False: the object cannot be told.
  bool Place(const ManifestKind& kind, ObjectMeta& meta) {
    if (meta.name.empty()) {
      Add(ManifestErrorCode::kNotAnObject, "metadata.name",
          meta.generate_name.empty() ? "required value"
                                     : "required value, generateName makes a new object each time");
      return false;
    }
    const bool named = !meta.namespace_name.empty();
    if (kind.type.namespaced && !named) {
      meta.namespace_name = scope_.default_namespace;
      document_->body["metadata"].Set("namespace", meta.namespace_name);
    }
    const std::string key_namespace = kind.type.namespaced ? meta.namespace_name : "";
    key_ = ObjectKey{kind.type.Resource(), key_namespace, meta.name};
    object_ = ShowObject(kind.type, key_namespace, meta.name);
    if (kind.type.namespaced && meta.namespace_name.empty()) {
      Add(ManifestErrorCode::kInvalidScope, "metadata.namespace", "required value");
      return false;
    }
    if (!kind.type.namespaced && named) {
      Add(ManifestErrorCode::kInvalidScope, "metadata.namespace",
          kind.type.kind + " is cluster-scoped and takes no namespace");
    }
    CheckRight(kind, meta);
    return true;
  }

  void CheckRight(const ManifestKind& kind, const ObjectMeta& meta) {
    if (scope_.everywhere) {
      return;
    }
    const std::string home =
        "this source may write into namespace " + Quote(scope_.default_namespace) + " alone";
    if (!kind.type.namespaced) {
      Add(ManifestErrorCode::kNotAllowed, "kind", kind.type.kind + " is cluster-scoped, " + home);
    } else if (meta.namespace_name != scope_.default_namespace) {
      Add(ManifestErrorCode::kNotAllowed, "metadata.namespace",
          Quote(meta.namespace_name) + " is out of reach, " + home);
    }
  }

  void CheckFields(const ManifestKind& kind, const ObjectMeta& meta) {
    Json full = document_->body;
    for (const schema::UnknownField& unknown : kind.schema.Prune(full)) {
      const bool near = !unknown.suggestion.empty();
      Add(ManifestErrorCode::kUnknownField, unknown.path,
          near ? "unknown field, did you mean " + Quote(unknown.suggestion) + "?"
               : "unknown field");
    }
    kind.schema.ApplyDefaults(full);
    // A namespace too many has been reported.
    ObjectMeta checked = meta;
    checked.namespace_name = kind.type.namespaced ? meta.namespace_name : "";
    std::vector<schema::FieldError> errors = kind.schema.Validate(
        full, nullptr, schema::ValidateMetadata(checked, kind.type.namespaced));
    for (schema::FieldError& error : errors) {
      AddFieldError(kind.type, std::move(error), errors.size() > 1);
    }
  }

  void AddFieldError(const ResourceType& type, schema::FieldError error, bool among_others) {
    const bool about_no_field = error.field == "<nil>";
    if (about_no_field && among_others) {
      return;  // "some validation rules were not checked"
    }
    if (IsSecretData(type, error.field)) {
      error.message = "the value does not fit its field (it is not shown)";
    }
    Add(ManifestErrorCode::kInvalidField, about_no_field ? "" : error.field,
        std::move(error.message));
  }

  void Accept(const ManifestKind& kind) {
    Result<Object> object = Object::FromJson(document_->body);
    if (!object) {
      return AddMetadataError(object.error().message);
    }
    out_.manifests.push_back(
        {*key_, kind.type, *std::move(object), std::string(path_), document_->places.root()});
  }

  const ManifestSchemas& schemas_;
  const ManifestScope& scope_;
  std::string_view path_;
  const LoadLimits& limits_;
  DeclaredFile& out_;
  Document* document_ = nullptr;
  std::size_t first_error_ = 0;
  std::optional<ObjectKey> key_;
  std::string object_;
};

}  // namespace

std::string ShowObject(const ResourceType& type, std::string_view namespace_name,
                       std::string_view name) {
  std::string out = type.kind + " ";
  if (!namespace_name.empty()) {
    out += std::string(namespace_name) + "/";
  }
  return out + std::string(name);
}

DeclaredFile CheckFile(const ManifestSchemas& schemas, const ManifestScope& scope,
                       std::string_view path, std::string_view bytes, const LoadLimits& limits) {
  LoadedFile loaded = LoadManifests(path, bytes, limits);
  DeclaredFile out;
  out.errors = std::move(loaded.errors);
  Checker checker(schemas, scope, path, limits, out);
  for (Document& document : loaded.documents) {
    checker.Check(std::move(document));
  }
  SortErrors(out.errors);
  return out;
}

}  // namespace midwatch::manifest
