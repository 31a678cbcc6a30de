#pragma once

#include <memory>
#include <string>

#include "controller/apiserver/token_authenticator.h"
#include "controller/cmd/large_bodies.h"
#include "controller/env/http_handler.h"

namespace midwatch::cmd {

/// One port for the two endpoints: paths of the artifact service go there, everything else to the
/// API. Large bodies on a thread of their own.
class Front final : public HttpHandler {
 public:
  struct Parts {
    const apiserver::TokenAuthenticator& tokens;
    HttpHandler& api;
    HttpHandler& artifacts;
    LargeBodies& large;
  };
  /// All outlive it.
  explicit Front(const Parts& parts) : parts_(parts) {}

  /// The user's name, whichever of its tokens it shows.
  std::string Caller(const HttpRequest& head) override;
  std::optional<BodyPermit> PermitBody(const HttpRequest& head) override;
  void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) override;

 private:
  HttpHandler& For(const HttpRequest& request) const;

  const Parts parts_;
};

}  // namespace midwatch::cmd
