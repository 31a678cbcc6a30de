#include "controller/manifest/manifest.h"

#include <algorithm>
#include <set>
#include <utility>

#include "controller/base/text.h"
#include "controller/manifest/field_message.h"
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
    ObjectMeta complete = meta.value_or(ObjectMeta());
    if (!meta) {
      AddMetadataError(meta.error().message);
    }
    const bool placed = meta && Place(*kind, complete);
    CheckFields(*kind, placed ? &complete : nullptr);
    if (out_.errors.size() == first_error_) {
      Accept(*kind);
    } else if (placed) {
      out_.refused.push_back({*key_, kind->type, {}, std::string(path_), document_->places.root()});
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
    if (body.Find("apiVersion") == nullptr && body.Find("kind") == nullptr) {
      Add(ManifestErrorCode::kNotAnObject, "",
          "not a Kubernetes object, expected apiVersion and kind");
      return nullptr;
    }
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
    std::set<std::string> versions;
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
      versions.insert(one.type.ApiVersion());
    }
    const auto near = NearestWord(kind, names);
    Add(ManifestErrorCode::kUnknownKind, "kind",
        "unknown kind " + Quote(kind) +
            (near ? ", did you mean " + Quote(*near) + "?"
                  : ", expected a kind of " + Join({versions.begin(), versions.end()}, ", ")));
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

  /// Without `meta` what depends on it is left out: its mistakes are reported.
  void CheckFields(const ManifestKind& kind, const ObjectMeta* meta) {
    Json full = document_->body;
    const std::vector<schema::UnknownField> unknowns = kind.schema.Prune(full);
    for (const schema::UnknownField& unknown : unknowns) {
      const bool near = !unknown.suggestion.empty();
      Add(ManifestErrorCode::kUnknownField, unknown.path,
          near ? "unknown field, did you mean " + Quote(unknown.suggestion) + "?"
               : "unknown field");
    }
    kind.schema.ApplyDefaults(full);
    std::vector<schema::FieldError> of_metadata;
    if (meta != nullptr) {
      ObjectMeta checked = *meta;
      checked.namespace_name = kind.type.namespaced ? meta->namespace_name : "";  // Reported.
      of_metadata = schema::ValidateMetadata(checked, kind.type.namespaced);
    }
    const std::vector<schema::FieldError> errors =
        kind.schema.Validate(full, nullptr, std::move(of_metadata));
    for (const schema::FieldError& error : errors) {
      const bool reported = meta == nullptr && error.field.starts_with("metadata");
      if (!reported && !FollowsFrom(unknowns, error)) {
        AddFieldError(kind.type, error, meta == nullptr || errors.size() > 1);
      }
    }
  }

  /// A field with a misspelt name is missed under its right one, and by rules that name it.
  static bool FollowsFrom(const std::vector<schema::UnknownField>& unknowns,
                          const schema::FieldError& error) {
    return std::any_of(unknowns.begin(), unknowns.end(), [&](const schema::UnknownField& unknown) {
      const std::size_t dot = unknown.path.rfind('.');
      const std::string parent = dot == unknown.path.npos ? "" : unknown.path.substr(0, dot);
      const std::string meant = (parent.empty() ? "" : parent + ".") + unknown.suggestion;
      const bool missed = error.reason == schema::CauseReason::kRequired && error.field == meant;
      const bool named =
          error.field == parent && error.message.find(unknown.suggestion) != std::string::npos;
      return !unknown.suggestion.empty() && (missed || named);
    });
  }

  void AddFieldError(const ResourceType& type, const schema::FieldError& error, bool among_others) {
    const bool about_no_field = error.field == "<nil>";
    if (about_no_field && among_others) {
      return;  // "some validation rules were not checked"
    }
    Add(ManifestErrorCode::kInvalidField, about_no_field ? "" : error.field,
        IsSecretData(type, error.field) ? "the value does not fit its field (it is not shown)"
                                        : FieldMessage(error));
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
