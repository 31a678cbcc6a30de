#include "controller/cmd/front.h"

#include <utility>

#include "controller/artifacts/artifact_route.h"

namespace midwatch::cmd {

HttpHandler& Front::For(const HttpRequest& request) const {
  return request.target.starts_with(artifacts::kArtifactPaths) ? artifacts_ : api_;
}

std::string Front::Caller(const HttpRequest& head) {
  const auto identity = tokens_.Authenticate(head.Header("Authorization"));
  const bool known = identity && identity->kind != apiserver::Identity::Kind::kAnonymous;
  return known ? identity->username : std::string();
}

std::optional<BodyPermit> Front::PermitBody(const HttpRequest& head) {
  return For(head).PermitBody(head);
}

void Front::Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) {
  For(request).Handle(std::move(request), std::move(responder));
}

}  // namespace midwatch::cmd
