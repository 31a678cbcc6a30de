#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/api/codec.h"
#include "controller/runtime/plan.h"
#include "controller/runtime/view.h"

namespace midwatch {

/// The key of an object of kind T; `namespace_name` is ignored for cluster-scoped kinds.
template <typename T>
ObjectKey TypedKey(std::string_view namespace_name, std::string_view name) {
  const ResourceType& type = T::Type();
  return {type.Resource(), type.namespaced ? std::string(namespace_name) : std::string(),
          std::string(name)};
}

/// The object as a struct, or nothing if it is not seen. What the schema let into the store
/// decodes; should a stored object not, it counts as not seen.
template <typename T>
std::optional<T> Typed(const Object& object) {
  const T* typed = object ? api::PeekObject<T>(object) : nullptr;
  return typed != nullptr ? std::optional<T>(*typed) : std::nullopt;
}

template <typename T>
std::optional<T> FindTyped(const View& view, std::string_view namespace_name,
                           std::string_view name) {
  return Typed<T>(view.Find(TypedKey<T>(namespace_name, name)));
}

template <typename T>
std::vector<T> DecodeAll(const std::vector<Object>& objects) {
  std::vector<T> out;
  out.reserve(objects.size());
  for (const Object& object : objects) {
    if (const T* typed = api::PeekObject<T>(object)) {
      out.push_back(*typed);
    }
  }
  return out;
}

/// Replaces the status of a stored object, if the store still holds this version of it. The rest of
/// the object stays as it is stored: a status subresource takes nothing else from a request.
template <typename T>
UpdateRequest StatusUpdate(const Object& stored, const decltype(T::status)& wanted) {
  Json meta = Json::EmptyObject();
  meta.Set("name", stored.name());
  if (!stored.namespace_name().empty()) {
    meta.Set("namespace", stored.namespace_name());
  }
  meta.Set("resourceVersion", stored.resource_version());
  meta.Set("uid", stored.uid());
  Json body = Json::EmptyObject();
  body.Set("apiVersion", stored.api_version());
  body.Set("kind", stored.kind());
  body.Set("metadata", std::move(meta));
  body.Set("status", api::Encode(wanted));
  return {
      .type = T::Type(), .object = std::move(body), .subresource = "status", .field_manager = {}};
}

/// A merge patch that holds only for this version of the stored object.
template <typename T>
PatchRequest GuardedPatch(const ObjectMeta& stored, Json patch) {
  patch["metadata"].Set("uid", stored.uid);
  patch["metadata"].Set("resourceVersion", stored.resource_version);
  return {.type = T::Type(),
          .namespace_name = stored.namespace_name,
          .name = stored.name,
          .subresource = {},
          .patch_type = PatchType::kMerge,
          .patch = std::move(patch),
          .field_manager = {}};
}

/// The metadata patch that adds or removes one finalizer.
template <typename T>
PatchRequest FinalizerPatch(const ObjectMeta& stored, std::string_view finalizer, bool present) {
  Json finalizers = Json::EmptyArray();
  for (const std::string& other : stored.finalizers) {
    if (other != finalizer) {
      finalizers.Append(other);
    }
  }
  if (present) {
    finalizers.Append(finalizer);
  }
  Json patch = Json::EmptyObject();
  patch["metadata"].Set("finalizers", std::move(finalizers));
  return GuardedPatch<T>(stored, std::move(patch));
}

/// What ends with its owner names it so.
template <typename T>
OwnerReference OwnedBy(const T& owner) {
  return {.api_version = T::Type().ApiVersion(),
          .kind = T::Type().kind,
          .name = owner.metadata.name,
          .uid = owner.metadata.uid,
          .controller = true};
}

template <typename T>
DeleteRequest GuardedDelete(const ObjectMeta& stored) {
  return {.type = T::Type(),
          .namespace_name = stored.namespace_name,
          .name = stored.name,
          .preconditions = {.uid = stored.uid, .resource_version = stored.resource_version},
          .propagation_policy = {}};
}

}  // namespace midwatch
