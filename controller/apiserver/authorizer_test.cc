#include "controller/apiserver/authorizer.h"

#include <gtest/gtest.h>

#include <chrono>

#include "controller/apiserver/test_world.h"
#include "controller/apiserver/token_authenticator.h"

namespace midwatch::apiserver {
namespace {

/// Two Agents in one namespace and one of the same name elsewhere, each with an instance, a Lease
/// and a Run.
class AuthorizerTest : public testing::Test {
 protected:
  AuthorizerTest() {
    Make("namespaces", "", R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ops"}})");
    Make("namespaces", "", R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"dev"}})");
    for (const auto& [space, agent] :
         {std::pair<std::string, std::string>{"ops", "ada"}, {"ops", "bob"}, {"dev", "ada"}}) {
      Make("agentinstances.midwatch.dev", space, Instance(agent + "-1", agent));
      Make("leases.coordination.k8s.io", space, Lease(agent + "-1"));
      Make("runs.midwatch.dev", space, Run(agent + "-run", agent));
    }
    Make("runs.midwatch.dev", "ops", Run("lock-table-1", "ada"));  // Of a Module so called.
    Make("leases.coordination.k8s.io", "ops", Lease("lock"));
    Make("leases.coordination.k8s.io", "ops", Lease("other"));  // Somebody else holds it,
    Make("agentinstances.midwatch.dev", "ops", Instance("other", "ada"));  // whatever this says.
    Make("secrets", "ops", R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}})");
    Make("modules.midwatch.dev", "ops",
         R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"Module","metadata":{"name":"m"},
             "spec":{}})");
  }
  void Make(std::string_view resource, std::string_view space, const std::string& text) {
    const auto made = world_.Create(world_.At(resource, "", space), J(text));
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
  }
  static std::string Instance(const std::string& name, const std::string& agent) {
    return R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"AgentInstance","metadata":{"name":")" +
           name + R"("},"spec":{"agentRef":{"name":")" + agent +
           R"("},"capacity":1,"protocolVersions":[1]}})";
  }
  static std::string Lease(const std::string& name) {
    return R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":")" + name +
           R"("},"spec":{"holderIdentity":")" + (name == "other" ? "x" : name) + "\"}}";
  }
  static std::string Replace(std::string text, const std::string& what, const std::string& with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what)) {
      text.replace(at, what.size(), with);
    }
    return text;
  }
  static std::string Run(const std::string& name, const std::string& agent) {
    return R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"Run","metadata":{"name":")" + name +
           R"("},"spec":{"agentRef":{"name":")" + agent +
           R"("},"dispatchRef":{"namespace":"ops","name":"d","uid":"u"},"instance":"i",
              "sidecarName":"scripted","missionType":"AutoDiagnose","attempt":1,"ordinal":1,
              "timeoutSeconds":60,"permissions":"DenyAll",
              "module":{"namespace":"ops","name":"m"},
              "job":{"name":"j","jobID":"1","operation":"Apply","state":"Failed"}}})";
  }

  TestWorld world_;
};

/// Who asks for what, and whether it is done.
struct AuthCase {
  std::string verb;    ///< get, list, watch, create, update, patch, delete, deletecollection
  std::string target;  ///< `runs.midwatch.dev/ops/ada-run/status`
  std::string with;    ///< The selector of a list or watch, the body of a write.
  bool agent_may = false;
  ErrorCode refusal = ErrorCode::kForbidden;
};

const std::string kMine = "spec.agentRef.name=ada";
const std::string kRuns = "runs.midwatch.dev/";
const std::string kInstances = "agentinstances.midwatch.dev/";
const std::string kLeases = "leases.coordination.k8s.io/";
constexpr ErrorCode kHidden = ErrorCode::kNotFound;
const std::string kPhase = R"({"status":{"phase":"Running"}})";

/// What the Agent `ada` of `ops` may do; everything in the table an administrator may.
const std::vector<AuthCase>& Cases() {
  static const std::vector<AuthCase> kCases = {
      {"get", kRuns + "ops/ada-run", "", true},
      {"get", kRuns + "ops/ada-run/status", "", true},
      {"get", kRuns + "ops/bob-run", "", false, kHidden},
      {"get", kRuns + "ops/bob-run/status", "", false, kHidden},
      {"get", kRuns + "dev/ada-run", ""},
      {"list", kRuns + "ops/", kMine, true},
      {"list", kRuns + "ops/", kMine + ",status.phase=Pending", true},
      {"list", kRuns + "ops/", ""},
      {"list", kRuns + "ops/", "spec.agentRef.name=bob"},
      {"list", kRuns + "ops/", "spec.agentRef.name!=bob"},
      {"list", kRuns + "dev/", kMine},
      {"list", kRuns + "/", kMine},
      {"watch", kRuns + "ops/", kMine, true},
      {"watch", kRuns + "ops/", ""},
      {"watch", kRuns + "ops/", "spec.agentRef.name=bob"},
      {"watch", kRuns + "ops/ada-run", kMine, true},
      {"patch", kRuns + "ops/ada-run/status", kPhase, true},
      {"patch", kRuns + "ops/lock-table-1/status", kPhase, true},
      {"patch", kRuns + "ops/bob-run/status", kPhase, false, kHidden},
      {"patch", kRuns + "dev/ada-run/status", kPhase},
      {"patch", kRuns + "ops/ada-run", R"({"metadata":{"labels":{"a":"b"}}})"},
      {"patch", kRuns + "ops/ada-run", R"({"metadata":{"finalizers":null}})"},
      {"delete", kRuns + "ops/ada-run", ""},
      {"deletecollection", kRuns + "ops/", kMine},
      {"create", kRuns + "ops/", "run ada"},

      {"get", kInstances + "ops/ada-1", "", true},
      {"get", kInstances + "ops/bob-1", "", false, kHidden},
      {"list", kInstances + "ops/", kMine, true},
      {"list", kInstances + "ops/", ""},
      {"create", kInstances + "ops/", "instance ada", true},
      {"create", kInstances + "ops/", "instance bob"},
      {"create", kInstances + "dev/", "instance ada"},
      {"patch", kInstances + "ops/ada-1", R"({"spec":{"draining":true}})", true},
      {"patch", kInstances + "ops/bob-1", R"({"spec":{"draining":true}})", false, kHidden},
      {"patch", kInstances + "ops/ada-1/status", R"({"status":{"connected":true}})"},
      {"delete", kInstances + "ops/ada-1", "", true},
      {"delete", kInstances + "ops/bob-1", "", false, kHidden},

      {"get", kLeases + "ops/ada-1", "", true},
      {"get", kLeases + "ops/bob-1", "", false, kHidden},
      {"get", kLeases + "ops/lock", "", false, kHidden},
      {"list", kLeases + "ops/", ""},
      {"list", kLeases + "ops/", "metadata.name=ada-1"},
      {"patch", kLeases + "ops/ada-1", R"({"spec":{"leaseDurationSeconds":30}})", true},
      {"patch", kLeases + "ops/ada-1", R"({"spec":{"holderIdentity":"me"}})"},
      {"patch", kLeases + "ops/other", R"({"spec":{"leaseDurationSeconds":30}})", false, kHidden},
      {"get", kLeases + "ops/other", "", false, kHidden},
      {"create", kInstances + "ops/", "instance-lock ada"},
      {"patch", kLeases + "ops/bob-1", R"({"spec":{"holderIdentity":"me"}})", false, kHidden},
      {"patch", kLeases + "ops/lock", R"({"spec":{"holderIdentity":"me"}})", false, kHidden},
      {"create", kLeases + "ops/", "lease new"},
      {"delete", kLeases + "ops/ada-1", "", true},
      {"delete", kLeases + "ops/lock", "", false, kHidden},

      {"get", "secrets/ops/s", ""},
      {"list", "secrets/ops/", ""},
      {"get", "modules.midwatch.dev/ops/m", ""},
      {"list", "modules.midwatch.dev/ops/", ""},
      {"watch", "modulejobs.midwatch.dev/ops/", ""},
      {"get", "namespaces//ops", ""},
      {"list", "namespaces//", ""},
      {"list", "events/ops/", ""},
      {"create", "configmaps/ops/",
       R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}})"},
  };
  return kCases;
}

class AuthorizerCaseTest : public AuthorizerTest, public testing::WithParamInterface<std::size_t> {
 protected:
  Result<void> Do(const AuthCase& c, const Identity& who) {
    const auto parts = Split(c.target);
    const Target target = world_.At(parts[0], parts[2], parts[1], parts[3]);
    if (c.verb == "get") {
      return Outcome(world_.api().Get({.identity = who, .target = target}));
    }
    if (c.verb == "list") {
      return Outcome(
          world_.api().List({.identity = who, .target = target, .field_selector = c.with}));
    }
    if (c.verb == "watch") {
      return Outcome(
          world_.api().Watch({.identity = who, .target = target, .field_selector = c.with},
                             std::make_shared<RecordingSink>()));
    }
    if (c.verb == "deletecollection") {
      std::optional<Result<ListAnswer>> answer;
      world_.api().DeleteCollection({.identity = who, .target = target, .field_selector = c.with},
                                    {}, {},
                                    [&](Result<ListAnswer> result) { answer = std::move(result); });
      world_.Settle();
      return Outcome(*answer);
    }
    WriteCall call{.identity = who, .target = target, .body = DeleteBody{}};
    if (c.verb == "patch") {
      call.body = PatchBody{.type = PatchType::kMerge, .patch = J(c.with)};
    } else if (c.verb == "create") {
      const auto words = Words(c.with);
      call.body = CreateBody{.object = J(words.first == "run"        ? Run("new", words.second)
                                         : words.first == "instance" ? Instance("new", words.second)
                                         : words.first == "instance-lock"
                                             ? Instance("lock-new", words.second)
                                         : words.first == "lease" ? Lease(words.second)
                                                                  : c.with)};
    }
    return Outcome(world_.Write(std::move(call)));
  }
  template <typename T>
  static Result<void> Outcome(const Result<T>& result) {
    return result ? Result<void>() : Fail(result.error());
  }
  static std::vector<std::string> Split(const std::string& text) {
    std::vector<std::string> out(1);
    for (const char c : text) {
      if (c == '/') {
        out.emplace_back();
      } else {
        out.back() += c;
      }
    }
    out.resize(4);
    return out;
  }
  static std::pair<std::string, std::string> Words(const std::string& text) {
    const std::size_t space = text.find(' ');
    return {text.substr(0, space), space == std::string::npos ? "" : text.substr(space + 1)};
  }
};

TEST_P(AuthorizerCaseTest, DecidesWhoMayDoWhat) {
  const AuthCase& c = Cases()[GetParam()];
  SCOPED_TRACE(c.verb + " " + c.target + " " + c.with);
  const auto nobody = Do(c, Identity::Anonymous());
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::kUnauthorized);
  const auto agent = Do(c, Identity::Agent("ops", "ada"));
  EXPECT_EQ(agent.has_value(), c.agent_may) << (agent ? "" : agent.error().message);
  if (!agent) {
    EXPECT_EQ(agent.error().code, c.refusal) << agent.error().message;
    const auto administrator = Do(c, Identity::Administrator());
    EXPECT_TRUE(administrator) << administrator.error().message;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, AuthorizerCaseTest, testing::Range(std::size_t{0}, Cases().size()));

TEST_F(AuthorizerTest, AnAgentCannotTakeOverWhatIsOthers) {
  world_.who = Identity::Agent("ops", "ada");
  const auto stolen = world_.Patch(world_.At("agentinstances.midwatch.dev", "bob-1", "ops"),
                                   R"({"spec":{"agentRef":{"name":"ada"}}})");
  ASSERT_FALSE(stolen);
  EXPECT_EQ(stolen.error().code, ErrorCode::kNotFound);
  const auto given = world_.Patch(world_.At("agentinstances.midwatch.dev", "ada-1", "ops"),
                                  R"({"spec":{"agentRef":{"name":"bob"}}})");
  EXPECT_FALSE(given);
}

TEST_F(AuthorizerTest, AnAgentHoldsNothingButItsLease) {
  world_.who = Identity::Agent("ops", "ada");
  const Target instance = world_.At("agentinstances.midwatch.dev", "ada-1", "ops");
  const Target lease = world_.At("leases.coordination.k8s.io", "ada-1", "ops");
  const auto owned_by = [](const std::string& kind, const std::string& name) {
    return R"({"metadata":{"ownerReferences":[{"apiVersion":"midwatch.dev/v1alpha1","kind":")" +
           kind + R"(","name":")" + name + R"(","uid":"u","blockOwnerDeletion":true}]}})";
  };
  const std::pair<Target, std::string> refused[] = {
      {instance, owned_by("Agent", "bob")},
      {instance, owned_by("AgentInstance", "ada-1")},
      {instance, R"({"metadata":{"finalizers":["example.io/hold"]}})"},
      {instance, R"({"metadata":{"finalizers":["hold"]}})"},
      {lease, owned_by("AgentInstance", "bob-1")},
      {lease, owned_by("Agent", "ada-1")},
  };
  for (const auto& [target, patch] : refused) {
    const auto answer = world_.Patch(target, patch);
    ASSERT_FALSE(answer) << patch;
    EXPECT_EQ(answer.error().code, ErrorCode::kForbidden) << answer.error().message;
  }
  EXPECT_TRUE(world_.Patch(lease, owned_by("AgentInstance", "ada-1")));
  // What others have set stays, and is no reason to refuse.
  const Identity ada = std::exchange(world_.who, Identity::Administrator());
  EXPECT_TRUE(world_.Patch(instance, R"({"metadata":{"finalizers":["example.io/hold"]}})"));
  world_.who = ada;
  EXPECT_TRUE(world_.Patch(instance, R"({"spec":{"draining":true}})"));
}

TEST(MayBeHeldTest, ManyFinalizersAreJudgedInAMoment) {
  Json many = Json::EmptyArray();
  for (int i = 0; i < 50'000; ++i) {
    many.Append("midwatch.dev/" + std::to_string(i));
  }
  const Json object = Json::Of({{"metadata", Json::Of({{"finalizers", std::move(many)}})}});
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(MayBeHeld(nullptr, &object, object));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
}

TEST_F(AuthorizerTest, ErrorsTellNothingOfWhatIsOthers) {
  world_.who = Identity::Agent("ops", "ada");
  const Target run = world_.At("runs.midwatch.dev", "bob-run", "ops", "status");
  const Target instance = world_.At("agentinstances.midwatch.dev", "bob-1", "ops");
  const PatchBody guess{
      .type = PatchType::kJson,
      .patch = J(R"([{"op":"test","path":"/spec/agentRef/name","value":"somebody"}])")};
  PatchBody apply{.type = PatchType::kApply, .patch = J(Instance("bob-1", "bob"))};
  apply.patch["spec"].Set("capacity", 2);  // A conflict, which would name managers and fields.
  const WriteCall calls[] = {
      {.identity = world_.who, .target = run, .body = guess},
      {.identity = world_.who, .target = instance, .body = guess},
      {.identity = world_.who,
       .target = instance,
       .body = apply,
       .options = {.field_manager = "m"}},
      {.identity = world_.who,
       .target = instance,
       .body = UpdateBody{.object = J(Instance("bob-1", "bob"))}},
      {.identity = world_.who,
       .target = instance,
       .body = DeleteBody{.preconditions = {.uid = "a guess", .resource_version = {}}}},
  };
  for (const WriteCall& call : calls) {
    const auto refused = world_.Write(call);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kNotFound) << refused.error().message;
    EXPECT_EQ(refused.error().message.find("bob\""), std::string::npos);
  }
}

TEST_F(AuthorizerTest, WhatIsAbsentIsNotFound) {
  const auto gone = world_.api().Get({.identity = Identity::Agent("ops", "ada"),
                                      .target = world_.At("runs.midwatch.dev", "no", "ops")});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound) << "an agent must learn that its Run is gone";
}

TEST_F(AuthorizerTest, WhetherANameIsTakenByAnotherIsNotTold) {
  const auto refusal = [&](const std::string& name, auto body) {
    const auto answer =
        world_.Write({.identity = Identity::Agent("ops", "ada"),
                      .target = world_.At("leases.coordination.k8s.io", name, "ops"),
                      .body = std::move(body)});
    EXPECT_FALSE(answer);
    return answer ? std::string() : Replace(answer.error().message, name, "NAME");
  };
  const auto create = [&](const std::string& name) {
    auto refused = world_.Write({.identity = Identity::Agent("ops", "ada"),
                                 .target = world_.At("leases.coordination.k8s.io", "", "ops"),
                                 .body = CreateBody{.object = J(Lease(name))}});
    EXPECT_FALSE(refused);
    return refused ? std::string() : refused.error().message;
  };
  EXPECT_EQ(create("bob-1"), create("nowhere"));
  const auto apply = [&](const std::string& name) {
    return refusal(name, PatchBody{.type = PatchType::kApply, .patch = J(Lease(name))});
  };
  const auto merge = [&](const std::string& name) {
    return refusal(name, PatchBody{.type = PatchType::kMerge, .patch = J("{}")});
  };
  EXPECT_EQ(apply("bob-1"), apply("nowhere"));
  EXPECT_EQ(merge("bob-1"), merge("nowhere"));
}

TEST_F(AuthorizerTest, ALeaseOfAnAgentIsOwnedByItsInstance) {
  const Identity ada = Identity::Agent("ops", "ada");
  const auto create = [&](Json lease) {
    return world_.Write({.identity = ada,
                         .target = world_.At("leases.coordination.k8s.io", "", "ops"),
                         .body = CreateBody{.object = std::move(lease)}});
  };
  Make("agentinstances.midwatch.dev", "ops", Instance("ada-2", "ada"));
  EXPECT_FALSE(create(J(Lease("ada-2"))));
  Json owned = J(Lease("ada-2"));
  owned["metadata"].Set(
      "ownerReferences",
      Json::ArrayOf({J(R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"AgentInstance",
                           "name":"ada-2","uid":"u"})")}));
  EXPECT_TRUE(create(owned));
  const auto loosened =
      world_.Write({.identity = ada,
                    .target = world_.At("leases.coordination.k8s.io", "ada-2", "ops"),
                    .body = PatchBody{.type = PatchType::kMerge,
                                      .patch = J(R"({"metadata":{"ownerReferences":null}})")}});
  EXPECT_FALSE(loosened);
}

TEST_F(AuthorizerTest, AnAgentHasSoManyInstancesAndNoMore) {
  const auto create = [&](const std::string& agent, std::size_t number) {
    return world_.Write(
        {.identity = Identity::Agent("ops", agent),
         .target = world_.At("agentinstances.midwatch.dev", "", "ops"),
         .body =
             CreateBody{.object = J(Instance(agent + "-more-" + std::to_string(number), agent))}});
  };
  std::size_t made = 2;  // One of hers, and one called "other".
  while (made < kMaxInstancesPerAgent) {
    ASSERT_TRUE(create("ada", made++));
  }
  const auto refused = create("ada", made);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTooManyRequests) << "it may come again";
  EXPECT_EQ(refused.error().message,
            "agentinstances.midwatch.dev \"ada-more-64\": exceeded quota: an Agent has at most 64 "
            "agentinstances");
  EXPECT_TRUE(create("bob", made)) << "others have theirs";
  const auto applied = world_.Write(
      {.identity = Identity::Agent("ops", "ada"),
       .target = world_.At("agentinstances.midwatch.dev", "ada-applied", "ops"),
       .body = PatchBody{.type = PatchType::kApply, .patch = J(Instance("ada-applied", "ada"))},
       .options = {.field_manager = "a"}});
  EXPECT_FALSE(applied);
  world_.Delete(world_.At("agentinstances.midwatch.dev", "ada-1", "ops"));
  EXPECT_TRUE(create("ada", made)) << "one that is gone makes room";
}

TEST(CreationQuotaTest, WhatIsUnderWayCounts) {
  CreationQuota quota;
  const auto none = [] { return std::size_t{0}; };
  auto first = quota.Take("ada", 2, none);
  const auto second = quota.Take("ada", 2, none);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(quota.Take("ada", 2, none));
  EXPECT_TRUE(quota.Take("bob", 2, none));
  first.reset();
  EXPECT_FALSE(quota.Take("ada", 2, [] { return std::size_t{1}; })) << "it stands now";
  EXPECT_TRUE(quota.Take("ada", 2, none));
}

TEST_F(AuthorizerTest, SaysWhoAndWhat) {
  const auto refused = world_.api().Get(
      {.identity = Identity::Agent("ops", "ada"), .target = world_.At("secrets", "s", "ops")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "secrets \"s\" is forbidden: User \"midwatch:agent:ops:ada\" cannot get resource "
            "\"secrets\" in API group \"\" in the namespace \"ops\"");
}

struct PathCase {
  std::string path;
  std::string verb;
  ErrorCode anonymous;  ///< kInternal: allowed.
  ErrorCode agent;
};

TEST(AuthorizePathTest, HealthIsForAllAndMetricsForAdministrators) {
  constexpr auto kYes = ErrorCode::kInternal;
  for (const PathCase& c : {
           PathCase{"/healthz", "get", kYes, kYes},
           PathCase{"/readyz", "get", kYes, kYes},
           PathCase{"/livez/ping", "get", kYes, kYes},
           PathCase{"/version", "get", kYes, kYes},
           PathCase{"/healthzz", "get", ErrorCode::kUnauthorized, ErrorCode::kForbidden},
           PathCase{"/healthz", "post", ErrorCode::kUnauthorized, ErrorCode::kForbidden},
           PathCase{"/api", "get", ErrorCode::kUnauthorized, kYes},
           PathCase{"/apis/midwatch.dev", "get", ErrorCode::kUnauthorized, kYes},
           PathCase{"/openapi/v3", "get", ErrorCode::kUnauthorized, kYes},
           PathCase{"/", "get", ErrorCode::kUnauthorized, kYes},
           PathCase{"/metrics", "get", ErrorCode::kUnauthorized, ErrorCode::kForbidden},
       }) {
    SCOPED_TRACE(c.verb + " " + c.path);
    const auto check = [&](const Identity& who, ErrorCode want) {
      const auto result = AuthorizePath(who, c.verb, c.path);
      EXPECT_EQ(result ? kYes : result.error().code, want);
    };
    check(Identity::Anonymous(), c.anonymous);
    check(Identity::Agent("ops", "ada"), c.agent);
    check(Identity::Administrator(), kYes);
  }
}

constexpr std::string_view kAgents = "agents.midwatch.dev";

Json Space(const std::string& name) {
  return Json::Of(
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", Json::Of({{"name", name}})}});
}

Json AgentBody(const std::string& name) {
  return Json::Of({{"apiVersion", "midwatch.dev/v1alpha1"},
                   {"kind", "Agent"},
                   {"metadata", Json::Of({{"name", name}})},
                   {"spec", Json::EmptyObject()}});
}

TEST(TokenAuthenticatorTest, ATokenIsOfOneAgentAndNotOfItsName) {
  TestWorld world;
  const TokenAuthenticator tokens(world.storage(), TestRegistry(), Secret<std::string>());
  ASSERT_TRUE(world.Create(world.At("namespaces", "", ""), Space("ops")));
  const auto first = world.Create(world.At(kAgents, "", "ops"), AgentBody("ada"));
  ASSERT_TRUE(first);
  const auto issue = [&](const std::string& uid) {
    const IssuedToken issued = IssueAgentToken({"ops", "ada", uid}, world.random);
    EXPECT_TRUE(world.Create(world.At("secrets", "", kTokenNamespace), issued.secret));
    return "Bearer " + issued.token.Reveal();
  };
  const std::string token = issue(first->object.uid());
  const std::string of_nobody = issue("");
  EXPECT_TRUE(tokens.Authenticate(token));
  EXPECT_FALSE(tokens.Authenticate(of_nobody));
  world.Delete(world.At(kAgents, "ada", "ops"));
  EXPECT_FALSE(tokens.Authenticate(token)) << "its Agent is gone";
  const auto second = world.Create(world.At(kAgents, "", "ops"), AgentBody("ada"));
  ASSERT_TRUE(second);
  EXPECT_FALSE(tokens.Authenticate(token)) << "this is another one";
  EXPECT_TRUE(tokens.Authenticate(issue(second->object.uid())));
}

TEST(TokenAuthenticatorTest, TellsWhoATokenBelongsTo) {
  TestWorld world;
  const TokenAuthenticator tokens(world.storage(), TestRegistry(),
                                  Secret<std::string>("admin-token"));
  ASSERT_TRUE(world.Create(world.At("namespaces", "", ""), Space("ops")));
  const auto ada = world.Create(world.At(kAgents, "", "ops"), AgentBody("ada"));
  ASSERT_TRUE(ada);
  const IssuedToken issued = IssueAgentToken({"ops", "ada", ada->object.uid()}, world.random);
  const std::string& token = issued.token.Reveal();
  EXPECT_EQ(issued.secret.Dump().find(token.substr(17)), std::string::npos) << "only its hash";
  EXPECT_FALSE(tokens.Authenticate("Bearer " + token)) << "not stored yet";
  ASSERT_TRUE(world.Create(world.At("secrets", "", kTokenNamespace), issued.secret));

  const auto agent = tokens.Authenticate("Bearer " + token);
  ASSERT_TRUE(agent);
  EXPECT_EQ(*agent, Identity::Agent("ops", "ada", ada->object.uid()));
  EXPECT_EQ(*tokens.Authenticate("bearer  admin-token "), Identity::Administrator());
  EXPECT_EQ(*tokens.Authenticate(""), Identity::Anonymous());
  std::string changed = token;
  changed.back() = changed.back() == '0' ? '1' : '0';
  const std::vector<std::string> wrong = {"Bearer " + changed,
                                          "Bearer ",
                                          "Bearer mwa_",
                                          "Bearer admin-tokeN",
                                          "Basic " + token,
                                          token,
                                          "Bearer mwa_../secret_x",
                                          "Bearer " + token.substr(0, 16)};
  for (const std::string& bad : wrong) {
    const auto refused = tokens.Authenticate(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, ErrorCode::kUnauthorized);
  }

  world.Delete(
      world.At("secrets", issued.secret.At("metadata", "name").AsString(), kTokenNamespace));
  EXPECT_FALSE(tokens.Authenticate("Bearer " + token)) << "revoked at once";
}

TEST(TokenAuthenticatorTest, AnAgentMayHaveAnyNameOfAnObject) {
  TestWorld world;
  const TokenAuthenticator tokens(world.storage(), TestRegistry(), Secret<std::string>());
  const std::string longest(253, 'a');
  ASSERT_TRUE(world.Create(world.At("namespaces", "", ""), Space("ops")));
  const auto agent = world.Create(world.At(kAgents, "", "ops"), AgentBody(longest));
  ASSERT_TRUE(agent);
  const IssuedToken issued = IssueAgentToken({"ops", longest, agent->object.uid()}, world.random);
  ASSERT_TRUE(world.Create(world.At("secrets", "", kTokenNamespace), issued.secret));
  EXPECT_EQ(*tokens.Authenticate("Bearer " + issued.token.Reveal()),
            Identity::Agent("ops", longest, agent->object.uid()));
}

TEST(TokenAuthenticatorTest, ASecretOfAnotherTypeIsNoToken) {
  TestWorld world;
  const TokenAuthenticator tokens(world.storage(), TestRegistry(), Secret<std::string>());
  ASSERT_TRUE(world.Create(world.At("namespaces", "", ""), Space("ops")));
  const auto ada = world.Create(world.At(kAgents, "", "ops"), AgentBody("ada"));
  IssuedToken issued = IssueAgentToken({"ops", "ada", ada->object.uid()}, world.random);
  issued.secret.Set("type", "Opaque");
  ASSERT_TRUE(world.Create(world.At("secrets", "", kTokenNamespace), issued.secret));
  EXPECT_FALSE(tokens.Authenticate("Bearer " + issued.token.Reveal()));
  EXPECT_FALSE(tokens.Authenticate("Bearer ")) << "no administrator's token: nobody is one";
}

}  // namespace
}  // namespace midwatch::apiserver
