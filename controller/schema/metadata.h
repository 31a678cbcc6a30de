#pragma once

#include <vector>

#include "controller/object/object.h"
#include "controller/schema/field_error.h"

namespace midwatch::schema {

/// What metadata of a new or updated object must satisfy (apimachinery ValidateObjectMeta): name or
/// generateName, namespace, label keys and values, annotation keys and total size (256 KiB),
/// finalizers, owner references.
std::vector<FieldError> ValidateMetadata(const ObjectMeta& meta, bool namespaced);

/// What may not change on an update: name, namespace, uid, creationTimestamp, deletionTimestamp; no
/// new finalizers while the object is being deleted.
std::vector<FieldError> ValidateMetadataUpdate(const ObjectMeta& meta, const ObjectMeta& old);

}  // namespace midwatch::schema
