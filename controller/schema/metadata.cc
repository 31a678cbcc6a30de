#include "controller/schema/metadata.h"

#include <set>
#include <string_view>

#include "controller/base/text.h"
#include "controller/object/name_rules.h"

namespace midwatch::schema {
namespace {

constexpr std::size_t kAnnotationBytes = std::size_t{256} << 10;

bool IsEnough(const std::vector<FieldError>& errors) { return errors.size() >= kMostFieldErrors; }

void CheckName(const ObjectMeta& meta, std::vector<FieldError>& errors) {
  if (meta.name.empty() && meta.generate_name.empty()) {
    errors.push_back(Required("metadata.name", "name or generateName is required"));
  }
  if (const auto problem = CheckDnsSubdomain(meta.name); problem && !meta.name.empty()) {
    errors.push_back(Invalid("metadata.name", Json(meta.name), *problem));
  }
  // A random suffix follows, so the prefix may end where a name may not.
  const std::string sample = meta.generate_name + "x";
  if (const auto problem = CheckDnsSubdomain(sample); problem && !meta.generate_name.empty()) {
    errors.push_back(Invalid("metadata.generateName", Json(meta.generate_name), *problem));
  }
}

void CheckNamespace(const ObjectMeta& meta, bool namespaced, std::vector<FieldError>& errors) {
  if (!namespaced) {
    if (!meta.namespace_name.empty()) {
      errors.push_back(Forbidden("metadata.namespace", "not allowed on this type"));
    }
  } else if (meta.namespace_name.empty()) {
    errors.push_back(Required("metadata.namespace", ""));
  } else if (const auto problem = CheckDnsLabel(meta.namespace_name)) {
    errors.push_back(Invalid("metadata.namespace", Json(meta.namespace_name), *problem));
  }
}

void CheckLabels(const ObjectMeta& meta, std::vector<FieldError>& errors) {
  for (const auto& [key, value] : meta.labels) {
    if (const auto problem = CheckQualifiedName(key); problem && !IsEnough(errors)) {
      errors.push_back(Invalid("metadata.labels", Json(key), *problem));
    }
    if (const auto problem = CheckLabelValue(value); problem && !IsEnough(errors)) {
      errors.push_back(Invalid("metadata.labels", Json(value), *problem));
    }
  }
}

void CheckAnnotations(const ObjectMeta& meta, std::vector<FieldError>& errors) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : meta.annotations) {
    bytes += key.size() + value.size();
    if (const auto problem = CheckQualifiedName(ToLower(key)); problem && !IsEnough(errors)) {
      errors.push_back(Invalid("metadata.annotations", Json(key), *problem));
    }
  }
  if (bytes > kAnnotationBytes) {
    errors.push_back(TooLong("metadata.annotations", static_cast<std::int64_t>(kAnnotationBytes)));
  }
}

void CheckOwners(const ObjectMeta& meta, std::vector<FieldError>& errors) {
  int controllers = 0;
  for (std::size_t i = 0; i < meta.owner_references.size(); ++i) {
    const OwnerReference& owner = meta.owner_references[i];
    struct Part {
      std::string_view name;
      const std::string& value;
    };
    for (const Part& part : {Part{"apiVersion", owner.api_version}, Part{"kind", owner.kind},
                             Part{"name", owner.name}, Part{"uid", owner.uid}}) {
      if (part.value.empty() && !IsEnough(errors)) {
        errors.push_back(Required(
            "metadata.ownerReferences[" + std::to_string(i) + "]." + std::string(part.name),
            "must not be empty"));
      }
    }
    controllers += owner.controller ? 1 : 0;
  }
  if (controllers > 1) {
    errors.push_back(Invalid("metadata.ownerReferences", Json(controllers),
                             "Only one reference can have Controller set to true"));
  }
}

void CheckFinalizers(const ObjectMeta& meta, std::vector<FieldError>& errors) {
  for (const std::string& finalizer : meta.finalizers) {
    if (const auto problem = CheckQualifiedName(finalizer); problem && !IsEnough(errors)) {
      errors.push_back(Invalid("metadata.finalizers", Json(finalizer), *problem));
    }
  }
}

}  // namespace

std::vector<FieldError> ValidateMetadata(const ObjectMeta& meta, bool namespaced) {
  std::vector<FieldError> errors;
  CheckName(meta, errors);
  CheckNamespace(meta, namespaced, errors);
  CheckLabels(meta, errors);
  CheckAnnotations(meta, errors);
  CheckOwners(meta, errors);
  CheckFinalizers(meta, errors);
  return errors;
}

std::vector<FieldError> ValidateMetadataUpdate(const ObjectMeta& meta, const ObjectMeta& old) {
  std::vector<FieldError> errors;
  const auto frozen = [&](const char* field, const std::string& now, const std::string& before) {
    if (now != before) {
      errors.push_back(Invalid(field, Json(now), "field is immutable"));
    }
  };
  frozen("metadata.name", meta.name, old.name);
  frozen("metadata.namespace", meta.namespace_name, old.namespace_name);
  frozen("metadata.uid", meta.uid, old.uid);
  frozen("metadata.creationTimestamp", meta.creation_timestamp, old.creation_timestamp);
  frozen("metadata.deletionTimestamp", meta.deletion_timestamp, old.deletion_timestamp);
  if (old.IsBeingDeleted()) {
    const std::set<std::string_view> had(old.finalizers.begin(), old.finalizers.end());
    for (const std::string& finalizer : meta.finalizers) {
      if (!had.contains(finalizer) && !IsEnough(errors)) {
        errors.push_back(Forbidden("metadata.finalizers",
                                   "no new finalizers can be added if the object is being deleted, "
                                   "found new finalizer " +
                                       Quote(finalizer)));
      }
    }
  }
  return errors;
}

}  // namespace midwatch::schema
