// What the HTTP API takes of an Agent's token, and not.

#include <gtest/gtest.h>

#include "controller/apiserver/http_test_world.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kReviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

class KeepingResponder final : public HttpResponder {
 public:
  explicit KeepingResponder(int& status) : status_(status) {}
  void Respond(HttpResponse response) override { status_ = response.status; }
  std::shared_ptr<HttpStream> Stream(HttpResponse, std::function<void()>) override {
    return nullptr;
  }

 private:
  int& status_;
};

class HttpAgentTest : public HttpTestWorld {
 protected:
  HttpAgentTest()
      : api_([this] {
          HttpApiParts parts = Parts();
          parts.yaml = [](std::string_view) { return ParseJson("{}", JsonLimits{}); };
          return parts;
        }()) {
    const auto agent = world_.Create(
        world_.At("agents.midwatch.dev", "", "default"),
        J(R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"Agent","metadata":{"name":"a"},
              "spec":{}})"));
    const auto issued = IssueAgentToken({"default", "a", agent->object.uid()}, world_.random);
    EXPECT_TRUE(world_.Create(world_.At("secrets", "", kTokenNamespace), issued.secret));
    token_ = issued.token.Reveal();
  }
  static HttpRequest Post(const std::string& token, std::string type, std::string body) {
    return {"POST",
            std::string(kReviews),
            {{"Authorization", "Bearer " + token}, {"Content-Type", std::move(type)}},
            std::move(body),
            "test"};
  }
  int Status(const std::string& token, std::string type, std::string body) {
    int status = 0;
    api_.Handle(Post(token, std::move(type), std::move(body)),
                std::make_unique<KeepingResponder>(status));
    return status;
  }

  HttpApi api_;
  std::string token_;
};

TEST_F(HttpAgentTest, ItsBodiesAreAsLargeAsAnObject) {
  EXPECT_EQ(api_.PermitBody(Post(token_, "application/json", {}))->bytes, kMaxAgentRequestBytes);
  EXPECT_EQ(api_.PermitBody(Post("secret", "application/json", {}))->bytes, kMaxRequestBytes);
}

TEST_F(HttpAgentTest, ItsYamlIsNotRead) {
  EXPECT_EQ(Status("secret", "application/yaml", "a: 1"), 201);
  EXPECT_EQ(Status(token_, "application/yaml", "a: 1"), 400);
  EXPECT_EQ(Status(token_, "application/yaml", R"({"a":1})"), 201) << "JSON under that name";
  EXPECT_EQ(Status(token_, "application/json", R"({"a":1})"), 201);
}

}  // namespace
}  // namespace midwatch::apiserver
