#include "controller/testing/fake_kube_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/testing/manual_clock.h"
#include "controller/testing/object_builder.h"
#include "controller/testing/seeded_random.h"
#include "controller/testing/view_builder.h"

namespace midwatch::fakes {
namespace {

using ::testing::ElementsAre;

const ResourceType kThing{"midwatch.dev", "v1alpha1", "Thing", "things", true};

class Sink final : public WatchSink {
 public:
  void OnEvent(const WatchEvent& event) override {
    constexpr std::string_view kNames[] = {"added", "modified", "deleted", "bookmark"};
    std::string line(kNames[static_cast<std::size_t>(event.type)]);
    if (event.object) {
      line += " " + event.object.name();
    }
    lines.push_back(line + " " + event.resource_version);
  }
  void OnEnd(const Error& why) override { lines.push_back("end " + why.message); }
  std::vector<std::string> lines;
};

class FakeKubeClientTest : public ::testing::Test {
 protected:
  Result<Object> Create(const ObjectBuilder& thing) {
    Result<Object> answer = Fail(ErrorCode::kInternal, "no answer");
    client_.Create({kThing, thing.Draft(), "test", false}, [&](Result<Object> r) { answer = r; });
    return answer;
  }
  Result<Object> Update(const Json& object, std::string subresource = "") {
    Result<Object> answer = Fail(ErrorCode::kInternal, "no answer");
    client_.Update({kThing, object, std::move(subresource), "test", false},
                   [&](Result<Object> r) { answer = r; });
    return answer;
  }
  Result<Object> Delete(const std::string& name) {
    Result<Object> answer = Fail(ErrorCode::kInternal, "no answer");
    client_.Delete({kThing, "ns", name, {}, "", false}, [&](Result<Object> r) { answer = r; });
    return answer;
  }

  ManualClock clock_;
  FakeKubeClient client_{clock_};
};

TEST_F(FakeKubeClientTest, VersionsAndGenerationsGrowAsInKubernetes) {
  const Result<Object> made = Create(ObjectBuilder(kThing, "a", "ns").Spec("color", "red"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->resource_version(), "1");
  Json body = made->Body();
  body["status"].Set("phase", "Ok");
  const Result<Object> status = Update(body, "status");
  EXPECT_EQ(status->meta().generation, 1);
  EXPECT_EQ(status->Body().At("status", "phase").AsString(), "Ok");
  EXPECT_EQ(Update(body).error().code, ErrorCode::kConflict) << "the version is old";
  body = status->Body();
  body["spec"].Set("color", "blue");
  body.Erase("status");
  const Result<Object> updated = Update(body);
  EXPECT_EQ(updated->meta().generation, 2);
  EXPECT_EQ(updated->Body().At("status", "phase").AsString(), "Ok") << "status is its own";
  EXPECT_EQ(Update(updated->Body())->resource_version(), "3") << "nothing changed, no version";
}

TEST_F(FakeKubeClientTest, FinalizersHoldADeletedObject) {
  ASSERT_TRUE(Create(ObjectBuilder(kThing, "a", "ns").Finalizer("midwatch.dev/x")));
  const Result<Object> held = Delete("a");
  EXPECT_TRUE(held->meta().IsBeingDeleted());
  Json body = held->Body();
  body["metadata"].Erase("finalizers");
  ASSERT_TRUE(Update(body));
  EXPECT_FALSE(client_.Find({kThing.Resource(), "ns", "a"}));
}

TEST_F(FakeKubeClientTest, WatchesResumeFromAnyVersionAndSeeObjectsLeaveTheirSelector) {
  ASSERT_TRUE(Create(ObjectBuilder(kThing, "a", "ns").Label("team", "x")));
  ASSERT_TRUE(Create(ObjectBuilder(kThing, "b", "ns")));
  const auto sink = std::make_shared<Sink>();
  const auto handle = client_.Watch({kThing, "", "team=x", "", "0"}, sink);
  Json body = client_.Find({kThing.Resource(), "ns", "a"}).Body();
  body["metadata"]["labels"].Set("team", "y");
  ASSERT_TRUE(Update(body));
  client_.Bookmark();
  client_.EndWatches({ErrorCode::kUnavailable, "gone"});
  EXPECT_THAT(sink->lines, ElementsAre("added a 1", "deleted a 3", "bookmark 3", "end gone"));
}

TEST_F(FakeKubeClientTest, FailuresComeByScriptAndMayHaveHappened) {
  client_.FailNext({.verb = "create", .error = {ErrorCode::kUnavailable, "down"}});
  client_.FailNext(
      {.verb = "create", .error = {ErrorCode::kOutcomeUnknown, "lost"}, .happens = true});
  EXPECT_EQ(Create(ObjectBuilder(kThing, "a", "ns")).error().message, "down");
  EXPECT_EQ(Create(ObjectBuilder(kThing, "a", "ns")).error().message, "lost");
  EXPECT_EQ(Create(ObjectBuilder(kThing, "a", "ns")).error().code, ErrorCode::kAlreadyExists);
}

TEST(SeededRandomTest, ForksDependOnSeedAndNameAlone) {
  SeededRandom first(7);
  SeededRandom second(7);
  first.Next();
  EXPECT_EQ(first.Fork("a")->Next(), second.Fork("a")->Next());
  EXPECT_NE(first.Fork("a")->Next(), second.Fork("b")->Next());
}

TEST(ViewBuilderTest, ShowsWhatWasPutAndWhatIsAssumed) {
  ViewBuilder world;
  const Object a = ObjectBuilder(kThing, "a", "ns").Version(5).Build();
  const ObjectKey b{kThing.Resource(), "ns", "b"};
  world.Put(kThing, a, Now{{7}, {9}}).InFlight(kThing, a).ConfirmAbsent(b);
  EXPECT_TRUE(world.view().Find(KeyOf(kThing, a)));
  EXPECT_EQ(world.view().ObservedAt(KeyOf(kThing, a))->mono, MonoTime{9});
  EXPECT_EQ(world.view().InFlight(kThing.Resource()).size(), 1U);
  EXPECT_TRUE(world.view().ConfirmedAbsent(b));
  EXPECT_EQ(world.view().FreshTo(kThing.Resource()), 5);
}

}  // namespace
}  // namespace midwatch::fakes
