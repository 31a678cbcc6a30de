#include "controller/apiserver/collector.h"

#include <gtest/gtest.h>

#include "controller/apiserver/test_world.h"

namespace midwatch::apiserver {
namespace {

class CollectorTest : public testing::Test {
 protected:
  /// A Widget that is owned by another one.
  void Own(const std::string& name, const std::string& owner, bool blocks = true,
           const std::string& more = "") {
    const Object o = world_.Find(world_.Widget(owner));
    const auto made = world_.CreateWidget(
        name, "{}",
        R"({"ownerReferences":[{"apiVersion":"demo.example.io/v1","kind":"Widget","name":")" +
            owner + R"(","uid":")" + (o ? o.uid() : "00000000-0000-0000-0000-000000000000") +
            R"(","blockOwnerDeletion":)" + (blocks ? "true" : "false") + "}]" + more + "}");
    ASSERT_TRUE(made) << made.error().message;
  }
  bool Has(const std::string& name) { return static_cast<bool>(world_.Find(world_.Widget(name))); }

  TestWorld world_;
};

TEST_F(CollectorTest, DependentsGoWithTheirOwner) {
  world_.CreateWidget("p");
  Own("c", "p");
  Own("grandchild", "c");
  EXPECT_TRUE(world_.Delete(world_.Widget("p"))->gone);
  EXPECT_FALSE(Has("c"));
  EXPECT_FALSE(Has("grandchild"));
}

TEST_F(CollectorTest, AnOwnerThatNeverWasIsGone) {
  Own("orphaned", "ghost");
  EXPECT_FALSE(Has("orphaned"));
}

TEST_F(CollectorTest, OneOwnerIsEnoughToStay) {
  world_.CreateWidget("p");
  world_.CreateWidget("q");
  Own("c", "p");
  const std::string uid = world_.Find(world_.Widget("q")).uid();
  Json refs = ToJson(world_.Find(world_.Widget("c")).meta()).At("ownerReferences");
  refs.Append(Json::Of(
      {{"apiVersion", "demo.example.io/v1"}, {"kind", "Widget"}, {"name", "q"}, {"uid", uid}}));
  world_.Patch(world_.Widget("c"),
               Json::Of({{"metadata", Json::Of({{"ownerReferences", refs}})}}).Dump());
  world_.Delete(world_.Widget("p"));
  ASSERT_TRUE(Has("c"));
  const auto& owners = world_.Find(world_.Widget("c")).meta().owner_references;
  ASSERT_EQ(owners.size(), 1U) << "the reference to what is gone is taken out";
  EXPECT_EQ(owners[0].uid, uid);
}

TEST_F(CollectorTest, KindsThatNobodyServesAreLeftAlone) {
  world_.CreateWidget("c", "{}",
                      R"({"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"x",
                                              "uid":"00000000"}]})");
  EXPECT_TRUE(Has("c"));
}

TEST_F(CollectorTest, AnOwnerInAnotherNamespaceIsNone) {
  world_.Create(world_.At("namespaces", ""),
                J(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}})"));
  const auto owner =
      world_.Create(world_.At("widgets.demo.example.io", "", "other"), TestWorld::WidgetBody("p"));
  world_.CreateWidget("c", "{}",
                      R"({"ownerReferences":[{"apiVersion":"demo.example.io/v1","kind":"Widget",
                          "name":"p","uid":")" +
                          owner->object.uid() + "\"}]}");
  EXPECT_FALSE(Has("c"));
}

// kubeapi-samples/raw-delete.txt, 30 to 61
TEST_F(CollectorTest, ForegroundWaitsForWhatBlocks) {
  world_.CreateWidget("p");
  Own("c1", "p");
  Own("c2", "p", true, R"(,"finalizers":["demo.example.io/hold"])");
  Own("free", "p", false, R"(,"finalizers":["demo.example.io/hold"])");
  const auto deleted = world_.Delete(world_.Widget("p"), "Foreground");
  ASSERT_TRUE(deleted);
  EXPECT_FALSE(deleted->gone);
  EXPECT_TRUE(deleted->object.meta().HasFinalizer("foregroundDeletion"));
  EXPECT_FALSE(Has("c1"));
  ASSERT_TRUE(Has("c2"));
  EXPECT_TRUE(world_.Find(world_.Widget("c2")).meta().IsBeingDeleted());
  EXPECT_TRUE(Has("p")) << "c2 blocks it";
  world_.Patch(world_.Widget("c2"), R"({"metadata":{"finalizers":null}})");
  EXPECT_FALSE(Has("c2"));
  EXPECT_FALSE(Has("p")) << "free does not block it";
  EXPECT_TRUE(Has("free"));
}

TEST_F(CollectorTest, ForegroundWithoutDependentsEndsAtOnce) {
  world_.CreateWidget("p");
  world_.Delete(world_.Widget("p"), "Foreground");
  EXPECT_FALSE(Has("p"));
}

TEST_F(CollectorTest, OrphansStay) {
  world_.CreateWidget("p");
  Own("c1", "p");
  Own("c2", "p");
  world_.Delete(world_.Widget("p"), "Orphan");
  EXPECT_FALSE(Has("p"));
  ASSERT_TRUE(Has("c1"));
  ASSERT_TRUE(Has("c2"));
  EXPECT_TRUE(world_.Find(world_.Widget("c1")).meta().owner_references.empty());
}

TEST_F(CollectorTest, GoesOnAfterARestart) {
  world_.CreateWidget("p");
  for (std::size_t i = 0; i < Collector::kIndexSlice + 5; ++i) {
    Own("c" + std::to_string(i), "p");
  }
  world_.journal.hold = true;
  world_.api().Write({.identity = world_.who, .target = world_.Widget("p"), .body = DeleteBody{}},
                     [](const Result<WriteAnswer>&) {});
  world_.Settle();
  world_.journal.Sync();  // p is gone, and the process dies before anything else.
  world_.journal.hold = false;
  world_.Restart();
  EXPECT_FALSE(Has("p"));
  EXPECT_FALSE(Has("c0"));
  EXPECT_EQ(world_.api().List({.identity = world_.who, .target = world_.Widget("")})->items.size(),
            0U);
}

TEST_F(CollectorTest, TriesAgainWhenTheDiskWasFull) {
  world_.CreateWidget("p");
  Own("c", "p");
  world_.journal.hold = true;
  world_.api().Write({.identity = world_.who, .target = world_.Widget("p"), .body = DeleteBody{}},
                     [](const Result<WriteAnswer>&) {});
  world_.Settle();
  world_.journal.Sync();
  world_.Settle();
  world_.journal.Sync(Error{ErrorCode::kInsufficientStorage, "full"});
  world_.journal.hold = false;
  world_.Settle();
  EXPECT_TRUE(Has("c"));
  world_.clock.Advance(Collector::kRetry);
  world_.Settle();
  EXPECT_FALSE(Has("c"));
}

TEST_F(CollectorTest, ATerminatingNamespaceEmptiesItself) {
  const Target space = world_.At("namespaces", "n");
  world_.Create(world_.At("namespaces", ""),
                J(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}})"));
  const Target inside = world_.At("widgets.demo.example.io", "", "n");
  for (int i = 0; i < 100; ++i) {
    world_.Create(inside, TestWorld::WidgetBody("w" + std::to_string(i)));
  }
  Json held = TestWorld::WidgetBody("held", "{}", R"({"finalizers":["x.y/z"]})");
  world_.Create(inside, held);
  const auto deleted = world_.Delete(space);
  ASSERT_TRUE(deleted);
  EXPECT_FALSE(deleted->gone);
  EXPECT_TRUE(Contains(world_.Find(space).Body(), J(R"({"status":{"phase":"Terminating"}})")));
  EXPECT_EQ(world_.api().List({.identity = world_.who, .target = inside})->items.size(), 1U);
  const auto refused = world_.Create(inside, TestWorld::WidgetBody("late"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
  EXPECT_NE(refused.error().details.find("NamespaceTerminating"), std::string::npos);
  world_.Patch(world_.At("widgets.demo.example.io", "held", "n"),
               R"({"metadata":{"finalizers":null}})");
  EXPECT_FALSE(world_.Find(space));
  world_.Restart();
  EXPECT_FALSE(world_.Find(space));
}

TEST_F(CollectorTest, ATerminatingNamespaceEmptiesItselfAfterARestart) {
  const Target space = world_.At("namespaces", "n");
  const Target inside = world_.At("widgets.demo.example.io", "", "n");
  world_.Create(world_.At("namespaces", ""),
                J(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}})"));
  for (std::size_t i = 0; i < Collector::kIndexSlice + 5; ++i) {
    world_.Create(inside, TestWorld::WidgetBody("w" + std::to_string(i)));
  }
  world_.journal.hold = true;
  world_.api().Write({.identity = world_.who, .target = space, .body = DeleteBody{}},
                     [](const Result<WriteAnswer>&) {});
  world_.Settle();
  world_.journal.Sync();  // Its deletion has begun, and the process dies before anything else.
  world_.journal.hold = false;
  world_.Restart();
  EXPECT_EQ(world_.api().List({.identity = world_.who, .target = inside})->items.size(), 0U);
  EXPECT_FALSE(world_.Find(space));
}

TEST_F(CollectorTest, EventsExpire) {
  const auto event = [&](const std::string& name) {
    world_.Create(world_.At("events", ""),
                  J(R"({"apiVersion":"v1","kind":"Event","metadata":{"name":")" + name + R"("},
                        "involvedObject":{"kind":"Widget","name":"a","namespace":"default"}})"));
  };
  event("once");
  event("repeated");
  world_.clock.Advance(std::chrono::minutes(50));
  world_.Patch(world_.At("events", "repeated"), R"({"lastTimestamp":"2026-03-02T12:50:00Z"})");
  world_.Settle();
  ASSERT_TRUE(world_.storage().NextWake());
  world_.clock.Advance(std::chrono::minutes(10));
  world_.Settle();
  EXPECT_FALSE(world_.Find(world_.At("events", "once")));
  EXPECT_TRUE(world_.Find(world_.At("events", "repeated")));
  world_.Restart();
  world_.clock.Advance(std::chrono::minutes(50));
  world_.Settle();
  EXPECT_FALSE(world_.Find(world_.At("events", "repeated")));
}

}  // namespace
}  // namespace midwatch::apiserver
