#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "controller/apiserver/http_accept.h"
#include "controller/apiserver/resource_registry.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {

/// A document that never changes while the server runs.
struct FixedDocument {
  std::string body;
  std::string etag;  ///< With its quotes.
};

/// What the API serves, told to clients: the legacy documents and the aggregated ones
/// (apidiscovery.k8s.io). Made once; immutable.
class Discovery {
 public:
  explicit Discovery(const ResourceRegistry& registry);

  const FixedDocument& CoreVersions(DiscoveryForm form) const;  ///< `/api`
  const FixedDocument& Groups(DiscoveryForm form) const;        ///< `/apis`
  /// `/apis/<group>`; nullptr if there is no such group.
  const FixedDocument* Group(std::string_view group) const;
  /// `/api/v1` and `/apis/<group>/<version>`, by `v1` or `<group>/<version>`.
  const FixedDocument* ResourceList(std::string_view group_version) const;

 private:
  std::unordered_map<std::string, FixedDocument> groups_;
  std::unordered_map<std::string, FixedDocument> lists_;
  FixedDocument core_[3];  // By DiscoveryForm.
  FixedDocument all_[3];
};

}  // namespace midwatch::apiserver
