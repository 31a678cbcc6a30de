#pragma once

#include <memory>

#include "controller/env/http_handler.h"

namespace midwatch::cmd {

/// One port for the two endpoints: paths of the artifact service go there, everything else to the
/// API.
class Front final : public HttpHandler {
 public:
  /// Both outlive it.
  Front(HttpHandler& api, HttpHandler& artifacts) : api_(api), artifacts_(artifacts) {}

  std::optional<BodyPermit> PermitBody(const HttpRequest& head) override;
  void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) override;

 private:
  HttpHandler& For(const HttpRequest& request) const;

  HttpHandler& api_;
  HttpHandler& artifacts_;
};

}  // namespace midwatch::cmd
