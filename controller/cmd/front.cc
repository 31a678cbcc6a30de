#include "controller/cmd/front.h"

#include <utility>

#include "controller/artifacts/artifact_route.h"

namespace midwatch::cmd {

void Front::Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) {
  HttpHandler& next = request.target.starts_with(artifacts::kArtifactPaths) ? artifacts_ : api_;
  next.Handle(std::move(request), std::move(responder));
}

}  // namespace midwatch::cmd
