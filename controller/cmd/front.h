#pragma once

#include <memory>
#include <string>

#include "controller/apiserver/token_authenticator.h"
#include "controller/env/http_handler.h"

namespace midwatch::cmd {

/// One port for the two endpoints: paths of the artifact service go there, everything else to the
/// API.
class Front final : public HttpHandler {
 public:
  /// All outlive it.
  Front(const apiserver::TokenAuthenticator& tokens, HttpHandler& api, HttpHandler& artifacts)
      : tokens_(tokens), api_(api), artifacts_(artifacts) {}

  /// The user's name, whichever of its tokens it shows.
  std::string Caller(const HttpRequest& head) override;
  std::optional<BodyPermit> PermitBody(const HttpRequest& head) override;
  void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) override;

 private:
  HttpHandler& For(const HttpRequest& request) const;

  const apiserver::TokenAuthenticator& tokens_;
  HttpHandler& api_;
  HttpHandler& artifacts_;
};

}  // namespace midwatch::cmd
