#pragma once

#include <map>
#include <string>
#include <string_view>

#include "controller/apiserver/resource_registry.h"

namespace midwatch::apiserver {

/// The OpenAPI v3 documents of what is served, one for each group version. Clients take from them
/// what they validate and explain by, and that the server checks fields itself. Made from the
/// definitions; immutable.
class OpenApi {
 public:
  explicit OpenApi(const ResourceRegistry& registry);

  struct Document {
    std::string body;
    std::string hash;  ///< Changes whenever the body does; clients cache by it.
  };
  /// By `api/v1` or `apis/<group>/<version>`; nullptr if there is none.
  const Document* Find(std::string_view name) const;
  const std::string& index() const { return index_; }
  const std::string& index_hash() const { return index_hash_; }

 private:
  std::map<std::string, Document, std::less<>> documents_;
  std::string index_;
  std::string index_hash_;
};

}  // namespace midwatch::apiserver
