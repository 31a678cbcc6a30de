#include <gmock/gmock.h>

#include "controller/agent/agent_test_world.h"

namespace midwatch::agent {
namespace {

using testing::HasSubstr;

/// A token that is good for nothing.
class RefusalTest : public AgentProcessTest, public testing::WithParamInterface<ErrorCode> {
 protected:
  void Refuse(ErrorCode code) {
    api_.FailNext({.verb = "", .resource = "", .error = {code, "who is that"}, .times = 1'000'000});
  }
};

TEST_P(RefusalTest, AtTheStartIsTheEnd) {
  Refuse(GetParam());
  Settle();
  ASSERT_TRUE(process_->finished());
  EXPECT_EQ(process_->failure()->message, "who is that");
  EXPECT_EQ(api_.calls().size(), 1u) << "it does not ask twice";
}

TEST_F(RefusalTest, LaterDrainsAndSidecarsDieWithTheLease) {
  Play("{\"hang\":true}");
  Settle();
  CreateRun("r");
  Settle();
  Refuse(ErrorCode::kUnauthorized);
  const MonoTime deadline = host_.sidecars.at(0)->kill_at;
  Pass(std::chrono::seconds(15));
  EXPECT_TRUE(host_.sidecars.at(0)->alive);
  EXPECT_FALSE(process_->finished());
  Pass(std::chrono::seconds(20));
  EXPECT_GE(clock_.Read().mono, deadline);
  EXPECT_FALSE(host_.sidecars.at(0)->alive);
  EXPECT_TRUE(process_->finished());
  EXPECT_EQ(process_->failure()->message, "who is that");
  EXPECT_THAT(log_.lines(), testing::Contains(HasSubstr("ERROR the server no longer takes")));
}

TEST_F(RefusalTest, LaterWithNothingToDoIsTheEnd) {
  Settle();
  Refuse(ErrorCode::kUnauthorized);
  Pass(std::chrono::seconds(11));
  EXPECT_TRUE(process_->finished());
}

/// What keeps one that was let in from a single thing says nothing about its token.
class SetbackTest : public AgentProcessTest {
 protected:
  void Fail(std::string verb, std::string resource, ErrorCode code, int times = 1) {
    api_.FailNext({.verb = std::move(verb),
                   .resource = std::move(resource),
                   .error = {code, "not now"},
                   .times = times});
  }
  bool Works() {
    const bool has_lease =
        !!api_.Find({"leases.coordination.k8s.io", "agents", process_->instance()});
    return has_lease && !process_->finished() && !process_->failure();
  }
};

TEST_F(SetbackTest, ALostOneComesBackOnceThereIsAPlace) {
  for (const ErrorCode code : {ErrorCode::kForbidden, ErrorCode::kTooManyRequests}) {
    Settle();
    const std::string lost = process_->instance();
    api_.Remove({"agentinstances.midwatch.dev", "agents", lost});
    api_.Remove({"leases.coordination.k8s.io", "agents", lost});
    Fail("create", "agentinstances.midwatch.dev", code, 5);
    Pass(std::chrono::seconds(60));
    EXPECT_NE(process_->instance(), lost);
    EXPECT_TRUE(Works());
  }
}

TEST_F(SetbackTest, AFirstOneWaitsForAPlace) {
  Fail("create", "agentinstances.midwatch.dev", ErrorCode::kTooManyRequests, 5);
  Pass(std::chrono::seconds(60));
  EXPECT_TRUE(Works());
}

TEST_F(SetbackTest, OneThatIsGoneBeforeItHasALeaseStartsOver) {
  Fail("create", "leases.coordination.k8s.io", ErrorCode::kForbidden);
  const std::string first = process_->instance();
  Pass(std::chrono::seconds(1));
  EXPECT_NE(process_->instance(), first);
  EXPECT_TRUE(Works());
}

TEST_F(SetbackTest, OneThatNeverGetsALeaseRegistersEverLater) {
  Fail("create", "leases.coordination.k8s.io", ErrorCode::kForbidden, 1000);
  Pass(std::chrono::seconds(60));
  EXPECT_GE(Instances().size(), 4U);
  EXPECT_LE(Instances().size(), 20U);
}

TEST_F(SetbackTest, ARenewalThatIsRefusedIsMadeAgain) {
  Settle();
  const std::string instance = process_->instance();
  Fail("update", "leases.coordination.k8s.io", ErrorCode::kForbidden, 3);
  Pass(std::chrono::seconds(30));
  EXPECT_EQ(process_->instance(), instance);
  EXPECT_TRUE(Works());
}

INSTANTIATE_TEST_SUITE_P(Codes, RefusalTest,
                         testing::Values(ErrorCode::kUnauthorized, ErrorCode::kForbidden),
                         [](const auto& suite) {
                           return suite.param == ErrorCode::kForbidden ? "Forbidden"
                                                                       : "Unauthorized";
                         });

}  // namespace
}  // namespace midwatch::agent
