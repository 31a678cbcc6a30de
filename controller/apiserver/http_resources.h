#pragma once

#include "controller/apiserver/http_api.h"
#include "controller/apiserver/http_exchange.h"

namespace midwatch::apiserver {

/// The verbs on collections and objects: from a request to the Api's calls, and from their answers
/// to bodies.
class HttpResources {
 public:
  /// The parts outlive it.
  explicit HttpResources(const HttpApiParts& parts) : parts_(parts) {}

  void Collection(HttpExchange exchange) const;
  void Item(HttpExchange exchange) const;

 private:
  Result<void> List(HttpExchange& exchange) const;
  Result<void> Get(HttpExchange& exchange) const;
  Result<void> Watch(HttpExchange& exchange) const;
  Result<void> Write(HttpExchange& exchange) const;
  Result<void> DeleteCollection(HttpExchange& exchange) const;

  const HttpApiParts& parts_;
};

}  // namespace midwatch::apiserver
