#pragma once

#include <string>
#include <string_view>

namespace midwatch {

/// Which collection of the API an object belongs to.
struct ResourceType {
  std::string group;    ///< Empty for the core group.
  std::string version;  ///< `v1alpha1`
  std::string kind;     ///< `ModuleJob`
  std::string plural;   ///< `modulejobs`
  bool namespaced = true;

  std::string ApiVersion() const { return group.empty() ? version : group + "/" + version; }
  /// `modulejobs.midwatch.dev`, or `secrets`: how messages name it.
  std::string Resource() const { return group.empty() ? plural : plural + "." + group; }

  friend bool operator==(const ResourceType&, const ResourceType&) = default;
};

}  // namespace midwatch
