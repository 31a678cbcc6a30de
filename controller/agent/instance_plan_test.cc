#include "controller/agent/instance_plan.h"

#include <gtest/gtest.h>

#include <chrono>

#include "controller/agent/secret_mask.h"

namespace midwatch::agent {
namespace {

constexpr MonoTime kZero{1'000'000'000};
Now After(std::int64_t seconds) { return {WallTime{0}, kZero + std::chrono::seconds(seconds)}; }

InstanceState Registered() {
  InstanceState state;
  state.name = "a-1";
  state.uid = "u";
  return state;
}
InstanceState Renewed() {
  InstanceState state = Registered();
  state.lease_version = "7";
  state.sent = kZero;
  state.acknowledged = kZero;
  return state;
}
template <typename Change>
InstanceState With(InstanceState state, Change change) {
  change(state);
  return state;
}

struct InstanceCase {
  const char* name;
  InstanceState state;
  std::int64_t seconds;
  InstanceAction want;
  std::optional<std::int64_t> wake;  // Seconds.
};
class PlanOwnInstanceTest : public testing::TestWithParam<InstanceCase> {};

TEST_P(PlanOwnInstanceTest, Decides) {
  const InstanceCase& c = GetParam();
  const InstanceDecision decision = PlanOwnInstance(c.state, After(c.seconds));
  EXPECT_EQ(decision.action, c.want);
  if (c.wake) {
    EXPECT_EQ(decision.wake_at, After(*c.wake).mono);
  }
}

using State = InstanceState;
INSTANTIATE_TEST_SUITE_P(
    Rules, PlanOwnInstanceTest,
    testing::Values(
        InstanceCase{"RegistersFirst", State{}, 0, InstanceAction::kRegister, {}},
        InstanceCase{"ThenTheLease", Registered(), 0, InstanceAction::kCreateLease, {}},
        InstanceCase{"WaitsForAnAnswer",
                     With(Renewed(), [](State& s) { s.busy = true; }),
                     25,
                     InstanceAction::kNothing,
                     {}},
        InstanceCase{"NotYetDue", Renewed(), 9, InstanceAction::kNothing, 10},
        InstanceCase{"RenewsEveryTenSeconds", Renewed(), 10, InstanceAction::kRenew, {}},
        InstanceCase{"AShorterLeaseIsRenewedMoreOften",
                     With(Renewed(), [](State& s) { s.lease = std::chrono::seconds(6); }),
                     2,
                     InstanceAction::kRenew,
                     {}},
        InstanceCase{"AndIsLostSooner",
                     With(Renewed(), [](State& s) { s.lease = std::chrono::seconds(6); }),
                     16,
                     InstanceAction::kStartOver,
                     {}},
        InstanceCase{"AFailedRenewalIsTriedAgain",
                     With(Renewed(), [](State& s) { s.sent = kZero + std::chrono::seconds(10); }),
                     12,
                     InstanceAction::kRenew,
                     {}},
        InstanceCase{"ButNotAtOnce", With(Renewed(), [](State& s) { s.retry_at = After(14).mono; }),
                     12, InstanceAction::kNothing, 14},
        InstanceCase{"ReadsALeaseThatItDoesNotKnow",
                     With(Renewed(), [](State& s) { s.lease_unknown = true; }),
                     3,
                     InstanceAction::kReadLease,
                     {}},
        InstanceCase{"StillTriesAfterTheDuration",
                     With(Renewed(), [](State& s) { s.sent = After(28).mono; }),
                     39,
                     InstanceAction::kRenew,
                     {}},
        InstanceCase{"IsLostAfterTheGrace", Renewed(), 40, InstanceAction::kStartOver, {}},
        InstanceCase{"IsLostThoughItMayNotRetryYet",
                     With(Renewed(), [](State& s) { s.retry_at = After(41).mono; }),
                     40,
                     InstanceAction::kStartOver,
                     {}},
        InstanceCase{"WakesForTheGrace",
                     With(Renewed(), [](State& s) { s.retry_at = After(41).mono; }), 39,
                     InstanceAction::kNothing, 40},
        InstanceCase{"IsLostWhenTheControllerSaysSo",
                     With(Renewed(), [](State& s) { s.lost = true; }),
                     1,
                     InstanceAction::kStartOver,
                     {}},
        InstanceCase{"SaysThatItDrains",
                     With(Renewed(), [](State& s) { s.drain = true; }),
                     1,
                     InstanceAction::kSayDraining,
                     {}},
        InstanceCase{"RenewsBeforeThat",
                     With(Renewed(), [](State& s) { s.drain = true; }),
                     10,
                     InstanceAction::kRenew,
                     {}},
        InstanceCase{"Leaves",
                     With(Renewed(), [](State& s) { s.leave = true; }),
                     1,
                     InstanceAction::kLeave,
                     {}},
        InstanceCase{"LeavesThoughLost",
                     With(Renewed(), [](State& s) { s.leave = s.lost = true; }),
                     1,
                     InstanceAction::kLeave,
                     {}},
        InstanceCase{"Gone",
                     With(Renewed(), [](State& s) { s.gone = true; }),
                     50,
                     InstanceAction::kNothing,
                     {}}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(AliveUntilTest, CountsFromWhenTheAcknowledgedRenewalWasSent) {
  EXPECT_FALSE(AliveUntil(Registered()));
  InstanceState state = Renewed();
  state.sent = After(20).mono;
  EXPECT_EQ(AliveUntil(state), After(30).mono);
  state.lease = std::chrono::seconds(6);
  EXPECT_EQ(AliveUntil(state), After(6).mono);
}

struct MaskCase {
  const char* name;
  const char* text;
  const char* want;
};
class SecretMaskTest : public testing::TestWithParam<MaskCase> {};

TEST_P(SecretMaskTest, Masks) {
  const SecretMask mask({"hunter2x", "say \"hi\"", "short", "hunter2xyz", "a&b<c>\"d"});
  EXPECT_EQ(mask(GetParam().text), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, SecretMaskTest,
    testing::Values(MaskCase{"Nothing", "all is well", "all is well"},
                    MaskCase{"EachOccurrence", "hunter2x and hunter2x", "*** and ***"},
                    MaskCase{"LongestFirst", "hunter2xyz", "***"},
                    MaskCase{"AsJsonWritesIt", "{\"a\":\"say \\\"hi\\\"\"}", "{\"a\":\"***\"}"},
                    MaskCase{"AsGoWritesIt", R"({"a":"a\u0026b\u003cc\u003e\"d"})",
                             R"({"a":"***"})"},
                    MaskCase{"TooShortIsLeft", "short", "short"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(SecretMaskOverlapTest, NothingOfEitherIsLeft) {
  const SecretMask mask({"abcdefgh", "efghijkl"});
  EXPECT_EQ(mask("1abcdefghijkl2abcdefghabcdefgh3"), "1***2******3");
}

TEST(SecretMaskTimeTest, ManySecretsCostNoMoreThanFew) {
  std::vector<std::string> secrets;
  std::string text(8'000'000, 'x');
  for (int i = 0; i < 20'000; ++i) secrets.push_back("secret-" + std::to_string(1'000'000 + i));
  text += secrets.back();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(SecretMask(secrets)(std::move(text)).ends_with("x***"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST(SecretMaskTimeTest, GivesUpWhereAllBeginsAlike) {
  const std::string alike(10'000'000, 'a');
  const SecretMask mask({alike.substr(0, 200'000) + "b"});
  std::size_t left = 100'000'000;
  EXPECT_FALSE(mask.Within(alike, left));
  left = 100'000'000;
  EXPECT_EQ(mask.Within("aaaaaaa", left), "aaaaaaa");
}

TEST(SecretsOfTest, GoesByTheNames) {
  EXPECT_EQ(SecretsOf({{"API_KEY", "a"}, {"GITHUB_TOKEN", "b"}, {"PATH", "c"}}),
            (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace midwatch::agent
