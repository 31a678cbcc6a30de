#include "controller/apiserver/http_route.h"

#include <array>
#include <vector>

#include "controller/base/encoding.h"
#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

using Segments = std::vector<std::string>;

constexpr std::array kReviews = {
    ReviewKind{kAuthenticationGroup, "selfsubjectreviews", "SelfSubjectReview"},
    ReviewKind{kAuthorizationGroup, "selfsubjectaccessreviews", "SelfSubjectAccessReview"},
    ReviewKind{kAuthorizationGroup, "selfsubjectrulesreviews", "SelfSubjectRulesReview"},
};

Result<Segments> Decode(std::string_view path) {
  Segments segments;
  for (const std::string_view part : Split(path, '/')) {
    MIDWATCH_ASSIGN(std::string segment, PercentDecode(part, false));
    if (!segment.empty()) {
      segments.push_back(std::move(segment));
    }
  }
  return segments;
}

Route Plain(Endpoint endpoint, std::string name = {}) {
  Route route;
  route.endpoint = endpoint;
  route.name = std::move(name);
  return route;
}

Route OpenApi(const Segments& path) {
  if (path.size() == 2 && path[1] == "v2") {
    return Plain(Endpoint::kOpenApiV2);
  }
  if (path.size() < 2 || path[1] != "v3") {
    return {};
  }
  if (path.size() == 2) {
    return Plain(Endpoint::kOpenApiV3Index);
  }
  return Plain(Endpoint::kOpenApiV3, Join(Segments(path.begin() + 2, path.end()), "/"));
}

/// The part of a path behind its version: `namespaces/x/widgets/w/status`.
class ResourcePath {
 public:
  ResourcePath(const ResourceRegistry& registry, Route route, Segments rest)
      : registry_(registry), route_(std::move(route)), rest_(std::move(rest)) {}

  Route Read() {
    if (rest_.size() > 1 && rest_[0] == "watch") {
      route_.watch = true;
      rest_.erase(rest_.begin());
    }
    if (rest_.empty()) {
      route_.endpoint = Endpoint::kResourceList;
      return route_;
    }
    if (Special()) {
      return route_;
    }
    // `/api/v1/namespaces/x/status` is about the Namespace itself.
    const bool in_namespace = rest_.size() >= 3 && rest_[0] == "namespaces" &&
                              !(route_.group.empty() && rest_.size() == 3 &&
                                (rest_[2] == "status" || rest_[2] == "finalize"));
    if (in_namespace) {
      route_.target.namespace_name = rest_[1];
      rest_.erase(rest_.begin(), rest_.begin() + 2);
    }
    return Object(in_namespace);
  }

 private:
  bool Special() {
    if (route_.group == kExtensionsGroup && rest_[0] == "customresourcedefinitions" &&
        rest_.size() <= 2) {
      route_.endpoint = Endpoint::kDefinitions;
      route_.name = rest_.size() == 2 ? rest_[1] : "";
      return true;
    }
    for (const ReviewKind& review : kReviews) {
      if (rest_.size() == 1 && route_.group == review.group && rest_[0] == review.plural) {
        route_.endpoint = Endpoint::kReview;
        route_.name = rest_[0];
        return true;
      }
    }
    return false;
  }

  Route Object(bool in_namespace) {
    const ResourceInfo* resource = registry_.Find(route_.group, route_.version, rest_[0]);
    const bool names_one = rest_.size() > 1;
    if (resource == nullptr || rest_.size() > 3 || (in_namespace && !resource->type.namespaced) ||
        (!in_namespace && names_one && resource->type.namespaced)) {
      return {};
    }
    route_.target.resource = resource;
    route_.endpoint = names_one ? Endpoint::kItem : Endpoint::kCollection;
    route_.target.name = names_one ? rest_[1] : "";
    route_.target.subresource = rest_.size() == 3 ? rest_[2] : "";
    return route_;
  }

  const ResourceRegistry& registry_;
  Route route_;
  Segments rest_;
};

Route InGroup(const ResourceRegistry& registry, const Segments& path) {
  const bool core = path[0] == "api";
  if (path.size() == 1) {
    return Plain(core ? Endpoint::kCoreVersions : Endpoint::kGroups);
  }
  Route route;
  std::size_t next = 1;
  if (!core) {
    route.group = path[next++];
  }
  if (path.size() == next) {
    route.endpoint = Endpoint::kGroup;
    return route;
  }
  route.version = path[next++];
  Segments rest(path.begin() + static_cast<std::ptrdiff_t>(next), path.end());
  return ResourcePath(registry, std::move(route), std::move(rest)).Read();
}

}  // namespace

std::span<const ReviewKind> ReviewKinds() { return kReviews; }

Result<Route> FindRoute(const ResourceRegistry& registry, std::string_view path) {
  MIDWATCH_ASSIGN(const Segments segments, Decode(path));
  if (segments.empty()) {
    return Plain(Endpoint::kRoot);
  }
  const std::string& first = segments[0];
  if (first == "api" || first == "apis") {
    return InGroup(registry, segments);
  }
  if (first == "openapi") {
    return OpenApi(segments);
  }
  if (first == "healthz" || first == "livez" || first == "readyz") {
    return Plain(Endpoint::kHealth, first);
  }
  if (segments.size() == 1 && first == "version") {
    return Plain(Endpoint::kVersion);
  }
  if (segments.size() == 1 && first == "metrics") {
    return Plain(Endpoint::kMetrics);
  }
  return Route{};
}

}  // namespace midwatch::apiserver
