#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "controller/apiserver/resource_registry.h"
#include "controller/base/time.h"
#include "controller/object/json.h"
#include "controller/schema/field_error.h"

namespace midwatch::apiserver {

// What the API machinery knows about core kinds beyond their schemas, because every client relies
// on it: Namespaces hold objects, Secrets take text, Events belong to a namespace and expire.
// Nothing else in this folder names a kind.

inline constexpr std::string_view kNamespaces = "namespaces";
inline constexpr std::string_view kSecrets = "secrets";
inline constexpr std::string_view kEvents = "events";
/// In every Namespace's spec until the storage has emptied it, whatever its creator sent.
inline constexpr std::string_view kNamespaceFinalizer = "kubernetes";

/// Fills in what the server sets: a Namespace's name label and finalizer, a Secret's data from its
/// stringData.
void PrepareCore(const ResourceInfo& resource, bool created, Json& object);
/// What an update does not change: a namespace is held until the storage has emptied it.
void KeepCore(const ResourceInfo& resource, const Json& old, Json& object);
/// Takes the values out of what is said about the content of a Secret.
void HideValues(const ResourceInfo& resource, std::vector<schema::FieldError>& errors);
/// A body of this resource as an error may show it.
Json Showable(const ResourceInfo& resource, Json body);
/// An Event must be in the namespace of what it is about.
std::vector<schema::FieldError> ValidateCore(const ResourceInfo& resource, const Json& object);
/// True while `spec.finalizers` keep a Namespace that is being deleted.
bool HeldBySpec(const ResourceInfo& resource, const Json& object);
/// Marks a Namespace whose deletion has begun.
void BeginDeletion(const ResourceInfo& resource, Json& object);
/// When an Event may be forgotten: `ttl` after it last happened.
std::optional<WallTime> ExpiryOf(const ResourceInfo& resource, const Json& object, Duration ttl);

}  // namespace midwatch::apiserver
