#include "controller/cmd/front.h"

#include "controller/apiserver/http_test_world.h"

namespace midwatch::cmd {
namespace {

/// Remembers who came.
class Visited final : public HttpHandler {
 public:
  void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) override {
    targets += request.target + " ";
    responder->Respond({});
  }
  std::string targets;
};

class FrontTest : public apiserver::HttpTestWorld {
 protected:
  struct Deaf final : HttpResponder {
    void Respond(HttpResponse) override {}
    std::shared_ptr<HttpStream> Stream(HttpResponse, std::function<void()>) override {
      return nullptr;
    }
  };
  void Send(std::string target, std::size_t bytes) {
    HttpRequest request;
    request.target = std::move(target);
    request.headers = {{"Authorization", "Bearer secret"}};
    request.body.assign(bytes, 'x');
    front_.Handle(std::move(request), std::make_unique<Deaf>());
  }

  Visited api_;
  Visited artifacts_;
  LargeBodies large_{waker_};
  Front front_{Front::Parts{tokens_, api_, artifacts_, large_}};
};

TEST_F(FrontTest, PathsLeadToTheApiOrToTheArtifacts) {
  Send("/api/v1/namespaces", LargeBodies::kSmall);
  Send("/artifacts/v1/blobs/x", LargeBodies::kSmall);
  EXPECT_EQ(api_.targets, "/api/v1/namespaces ");
  EXPECT_EQ(artifacts_.targets, "/artifacts/v1/blobs/x ");
}

TEST_F(FrontTest, LargeBodiesAreNotReadOnTheServersThreads) {
  Send("/api/v1/namespaces", LargeBodies::kSmall + 1);
  Send("/artifacts/v1/blobs/x", LargeBodies::kSmall + 1);
  EXPECT_EQ(api_.targets + artifacts_.targets, "");
  while (large_.Step({})) {
  }
  EXPECT_EQ(api_.targets, "/api/v1/namespaces ");
  EXPECT_EQ(artifacts_.targets, "/artifacts/v1/blobs/x ");
}

}  // namespace
}  // namespace midwatch::cmd
