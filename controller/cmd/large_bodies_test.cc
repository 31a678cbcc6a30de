#include "controller/cmd/large_bodies.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "controller/runtime/pump.h"

namespace midwatch::cmd {
namespace {

/// Answers with the body.
class Echo final : public HttpHandler {
 public:
  void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) override {
    responder->Respond({200, {}, std::move(request.body)});
  }
};

class LargeBodiesTest : public testing::Test {
 protected:
  struct Recorder final : HttpResponder {
    explicit Recorder(std::vector<HttpResponse>& to) : answers(to) {}
    void Respond(HttpResponse response) override { answers.push_back(std::move(response)); }
    std::shared_ptr<HttpStream> Stream(HttpResponse, std::function<void()>) override {
      return nullptr;
    }
    std::vector<HttpResponse>& answers;
  };

  void Add(const std::string& caller, std::string body) {
    HttpRequest request;
    request.body = std::move(body);
    large_->Add(caller, {echo_, std::move(request), std::make_unique<Recorder>(answers_)});
  }
  void AddMany(const std::string& caller, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) Add(caller, caller);
  }
  std::string Bodies() const {
    std::string bodies;
    for (const HttpResponse& answer : answers_) bodies += answer.body;
    return bodies;
  }

  Signal signal_;
  Echo echo_;
  std::vector<HttpResponse> answers_;
  std::unique_ptr<LargeBodies> large_ = std::make_unique<LargeBodies>(signal_);
};

TEST_F(LargeBodiesTest, NothingIsReadWhereItArrivesAndOneIsReadAtATime) {
  AddMany("a", 2);
  EXPECT_EQ(Bodies(), "");
  EXPECT_TRUE(large_->Step({}));
  EXPECT_EQ(Bodies(), "a");
  EXPECT_TRUE(large_->Step({}));
  EXPECT_FALSE(large_->Step({}));
  EXPECT_EQ(Bodies(), "aa");
}

TEST_F(LargeBodiesTest, WhoSendsManyDoesNotHoldUpWhoSendsOne) {
  AddMany("a", 100);
  AddMany("b", 2);
  for (int i = 0; i < 5; ++i) large_->Step({});
  EXPECT_EQ(Bodies(), "aabab");
}

TEST_F(LargeBodiesTest, WhatWaitsIsBounded) {
  AddMany("a", artifacts::kWaitingCallsOfOne + 1);
  EXPECT_TRUE(answers_.empty());
  Add("a", "one more");
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].status, 429);
  Add("b", "another's");
  EXPECT_EQ(answers_.size(), 1U);
}

TEST_F(LargeBodiesTest, NothingIsHandledAfterItsEnd) {
  AddMany("a", 3);
  large_.reset();
  EXPECT_EQ(Bodies(), "");
}

}  // namespace
}  // namespace midwatch::cmd
