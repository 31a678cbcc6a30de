#include "controller/cmd/front.h"

#include <utility>

#include "controller/artifacts/artifact_route.h"

namespace midwatch::cmd {

HttpHandler& Front::For(const HttpRequest& request) const {
  return request.target.starts_with(artifacts::kArtifactPaths) ? parts_.artifacts : parts_.api;
}

std::string Front::Caller(const HttpRequest& head) {
  const auto identity = parts_.tokens.Authenticate(head.Header("Authorization"));
  const bool known = identity && identity->kind != apiserver::Identity::Kind::kAnonymous;
  return known ? identity->username : std::string();
}

std::optional<BodyPermit> Front::PermitBody(const HttpRequest& head) {
  return For(head).PermitBody(head);
}

void Front::Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) {
  HttpHandler& to = For(request);
  if (request.body.size() <= LargeBodies::kSmall) {
    return to.Handle(std::move(request), std::move(responder));
  }
  const std::string caller = Caller(request);
  parts_.large.Add(caller, {to, std::move(request), std::move(responder)});
}

}  // namespace midwatch::cmd
