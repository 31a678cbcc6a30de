#pragma once

#include <memory>
#include <string>

#include "controller/apiserver/http_query.h"
#include "controller/apiserver/http_route.h"
#include "controller/apiserver/identity.h"
#include "controller/env/http_handler.h"

namespace midwatch::apiserver {

/// One request that is being answered: who asks for what, and the way back.
struct HttpExchange {
  HttpRequest request;
  HttpQuery query;
  Route route;
  Identity identity;
  std::shared_ptr<HttpResponder>
      responder;  // Owned by whoever answers; shared only to fit into callbacks.

  void Answer(HttpResponse response) const { responder->Respond(std::move(response)); }
};

}  // namespace midwatch::apiserver
