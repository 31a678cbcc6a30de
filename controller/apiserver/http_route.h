#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "controller/apiserver/requests.h"
#include "controller/apiserver/resource_registry.h"

namespace midwatch::apiserver {

/// What a path leads to.
enum class Endpoint : std::uint8_t {
  kNothing,
  kRoot,  ///< `/`
  kVersion,
  kHealth,  ///< `/healthz`, `/livez`, `/readyz`; `name` says which.
  kMetrics,
  kCoreVersions,  ///< `/api`
  kGroups,        ///< `/apis`
  kGroup,         ///< `/apis/<group>`
  kResourceList,  ///< `/api/v1`, `/apis/<group>/<version>`
  kOpenApiV2,
  kOpenApiV3Index,
  kOpenApiV3,    ///< `name` is `apis/<group>/<version>` or `api/v1`.
  kCollection,   ///< `target` without a name.
  kItem,         ///< `target` with a name, maybe with a subresource.
  kReview,       ///< A question about the caller; `name` is the plural.
  kDefinitions,  ///< CustomResourceDefinitions; `name` may be empty.
};

struct Route {
  Endpoint endpoint = Endpoint::kNothing;
  std::string group;
  std::string version;
  std::string name;
  Target target;
  bool watch = false;  ///< A path below the old `/watch/`.
};

/// The route of a path (without its query), decoded. kBadRequest: an escape is broken.
Result<Route> FindRoute(const ResourceRegistry& registry, std::string_view path);

/// The groups that are served beside the registry's.
inline constexpr std::string_view kAuthenticationGroup = "authentication.k8s.io";
inline constexpr std::string_view kAuthorizationGroup = "authorization.k8s.io";
inline constexpr std::string_view kExtensionsGroup = "apiextensions.k8s.io";

/// The questions that a caller may ask about itself, all in version v1.
struct ReviewKind {
  std::string_view group;
  std::string_view plural;
  std::string_view kind;
};
std::span<const ReviewKind> ReviewKinds();

}  // namespace midwatch::apiserver
