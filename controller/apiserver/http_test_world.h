#pragma once

#include <gtest/gtest.h>

#include "controller/apiserver/http_api.h"
#include "controller/apiserver/test_world.h"

namespace midwatch::apiserver {

/// What an HttpApi stands on, with `secret` as the administrator's token. For tests alone.
class HttpTestWorld : public testing::Test {
 protected:
  HttpTestWorld()
      : tokens_(world_.storage(), TestRegistry(), Secret<std::string>("secret")),
        deadlines_(world_.clock, waker_) {}
  HttpApiParts Parts() {
    return {.api = world_.api(), .tokens = tokens_, .clock = world_.clock, .deadlines = deadlines_};
  }

  TestWorld world_;
  TokenAuthenticator tokens_;
  fakes::CountingWaker waker_;
  WatchDeadlines deadlines_;
};

}  // namespace midwatch::apiserver
