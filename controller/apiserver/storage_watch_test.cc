#include <gtest/gtest.h>

#include "controller/apiserver/test_world.h"
#include "controller/apiserver/watch_hub.h"

namespace midwatch::apiserver {
namespace {

using Lines = std::vector<std::string>;

class StorageWatchTest : public testing::Test {
 protected:
  std::shared_ptr<RecordingSink> sink_ = std::make_shared<RecordingSink>();
  TestWorld world_;

  WatchCall All() const { return {.target = world_.Widget("")}; }
  std::string Revision() { return std::to_string(world_.storage().Revision()); }
};

TEST_F(StorageWatchTest, BringsTheStateThenChanges) {
  world_.CreateWidget("b");
  world_.CreateWidget("a");
  const auto watch = world_.Watch(All(), sink_);
  world_.Settle();
  EXPECT_EQ(sink_->Take(), (Lines{"ADDED default/a", "ADDED default/b"}));
  world_.CreateWidget("c");
  world_.Patch(world_.Widget("a"), R"({"spec":{"replicas":7}})");
  world_.Delete(world_.Widget("b"));
  EXPECT_EQ(sink_->Take(), (Lines{"ADDED default/c", "MODIFIED default/a", "DELETED default/b"}));
}

TEST_F(StorageWatchTest, BringsOnlyLaterChangesFromAVersion) {
  world_.CreateWidget("a");
  WatchCall call = All();
  call.resource_version = Revision();
  world_.CreateWidget("b");
  const auto watch = world_.Watch(call, sink_);
  world_.Settle();
  EXPECT_EQ(sink_->Take(), Lines{"ADDED default/b"});
}

TEST_F(StorageWatchTest, SelectorsTurnChangesIntoComingAndGoing) {
  WatchCall call = All();
  call.label_selector = "k=in";
  call.resource_version = Revision();
  const auto watch = world_.Watch(call, sink_);
  WatchCall by_field = All();
  by_field.field_selector = "spec.color=blue";
  by_field.resource_version = Revision();
  const auto fields = std::make_shared<RecordingSink>();
  const auto second = world_.Watch(by_field, fields);
  world_.CreateWidget("a", "{}", R"({"labels":{"k":"out"}})");
  EXPECT_EQ(sink_->Take(), Lines{});
  world_.Patch(world_.Widget("a"), R"({"metadata":{"labels":{"k":"in"}}})");
  world_.Patch(world_.Widget("a"), R"({"spec":{"color":"blue"}})");
  world_.Patch(world_.Widget("a"), R"({"metadata":{"labels":{"k":"out"}}})");
  EXPECT_EQ(sink_->Take(), (Lines{"ADDED default/a", "MODIFIED default/a", "DELETED default/a"}));
  EXPECT_EQ(sink_->objects.back().meta().labels.at("k"), "in") << "as it was inside";
  world_.Delete(world_.Widget("a"));
  EXPECT_EQ(sink_->Take(), Lines{});
  EXPECT_EQ(fields->Take(), (Lines{"ADDED default/a", "MODIFIED default/a", "DELETED default/a"}));
}

TEST_F(StorageWatchTest, ANameOrANamespaceNarrowsIt) {
  world_.Create(world_.At("namespaces", ""),
                J(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}})"));
  const auto one = world_.Watch({.target = world_.Widget("b")}, sink_);
  const auto others = std::make_shared<RecordingSink>();
  const auto two =
      world_.Watch({.target = world_.At("widgets.demo.example.io", "", "other")}, others);
  world_.CreateWidget("a");
  world_.CreateWidget("b");
  world_.Create(world_.At("widgets.demo.example.io", "", "other"), TestWorld::WidgetBody("b"));
  EXPECT_EQ(sink_->Take(), Lines{"ADDED default/b"});
  EXPECT_EQ(others->Take(), Lines{"ADDED other/b"});
}

TEST_F(StorageWatchTest, StreamingListsEndWithABookmark) {
  world_.CreateWidget("a");
  WatchCall call = All();
  call.send_initial_events = true;
  const auto watch = world_.Watch(call, sink_);
  world_.Settle();
  EXPECT_EQ(sink_->Take(), (Lines{"ADDED default/a", "BOOKMARK"}));
  EXPECT_EQ(sink_->versions.back(), Revision());
  world_.CreateWidget("b");
  world_.clock.Advance(std::chrono::hours(1));
  world_.Settle();
  EXPECT_EQ(sink_->Take(), Lines{"ADDED default/b"}) << "no bookmarks unless asked for";
  call.identity = world_.who;
  call.resource_version = "999999";
  const auto future = world_.api().Watch(call, sink_);
  ASSERT_FALSE(future);
  EXPECT_EQ(future.error().code, ErrorCode::kTimeout);
}

TEST_F(StorageWatchTest, BookmarksTellWhereItIs) {
  WatchCall call = All();
  call.bookmarks = true;
  call.resource_version = Revision();
  const auto watch = world_.Watch(call, sink_);
  world_.Create(world_.At("zones.demo.example.io", ""),
                J(R"({"apiVersion":"demo.example.io/v1","kind":"Zone","metadata":{"name":"z"}})"));
  EXPECT_EQ(sink_->Take(), Lines{});
  ASSERT_TRUE(world_.storage().NextWake());
  EXPECT_LE(*world_.storage().NextWake(), world_.clock.Read().mono + std::chrono::minutes(1));
  world_.clock.Advance(std::chrono::minutes(1));
  world_.Settle();
  EXPECT_EQ(sink_->Take(), Lines{"BOOKMARK"});
  EXPECT_EQ(sink_->versions.back(), Revision());
}

TEST_F(StorageWatchTest, ProgressIsToldWhenItIsAskedFor) {
  WatchCall call = All();
  call.resource_version = Revision();
  const auto watch = world_.Watch(call, sink_);
  world_.CreateWidget("a");
  world_.Create(world_.At("zones.demo.example.io", ""),
                J(R"({"apiVersion":"demo.example.io/v1","kind":"Zone","metadata":{"name":"z"}})"));
  EXPECT_TRUE(watch->RequestProgress(3));
  world_.Settle();
  EXPECT_EQ(sink_->Take(), (Lines{"ADDED default/a", "BOOKMARK"})) << "what it covers comes first";
  EXPECT_EQ(sink_->versions.back(), Revision());
  EXPECT_EQ(sink_->progress, 3U);
  world_.Settle();
  EXPECT_EQ(sink_->Take(), Lines{}) << "once";
  watch->RequestProgress(4);
  watch->RequestProgress(5);
  world_.Settle();
  EXPECT_EQ(sink_->Take(), Lines{"BOOKMARK"}) << "one answer to both";
  EXPECT_EQ(sink_->progress, 5U);
}

TEST_F(StorageWatchTest, AVersionFromTheFutureIsExpired) {
  WatchCall call = All();
  call.identity = world_.who;
  call.resource_version = std::to_string(world_.storage().Revision() + 1);
  const auto future = world_.api().Watch(call, sink_);
  ASSERT_FALSE(future) << "it would skip what is written up to there";
  EXPECT_EQ(future.error().code, ErrorCode::kExpired) << "what makes an informer list again";
}

TEST_F(StorageWatchTest, AnEndedWatchHearsNothing) {
  auto watch = world_.Watch(All(), sink_);
  world_.Settle();
  watch.reset();
  world_.CreateWidget("a");
  EXPECT_EQ(sink_->Take(), Lines{});
  EXPECT_FALSE(sink_->end);
}

TEST_F(StorageWatchTest, AnEndedWatchIsForgottenAtOnce) {
  const auto before = world_.storage().NextWake();
  WatchCall call = All();
  call.bookmarks = true;
  auto watch = world_.Watch(call, sink_);
  world_.Settle();
  EXPECT_NE(world_.storage().NextWake(), before) << "a bookmark is due";
  const int woken = world_.waker.count();
  watch.reset();
  EXPECT_GT(world_.waker.count(), woken) << "nothing else need ever come";
  world_.Settle();
  EXPECT_EQ(world_.storage().NextWake(), before);
}

/// Ends its watch in the middle of an event.
class Quitter final : public WatchSink {
 public:
  void OnEvent(const WatchEvent&) override {
    ++events;
    watch.reset();
  }
  void OnEnd(const Error&) override {}
  std::unique_ptr<WatchHandle> watch;
  int events = 0;
};

TEST_F(StorageWatchTest, ASinkMayEndItsOwnWatch) {
  for (const char* name : {"a", "b", "c"}) {
    world_.CreateWidget(name);
  }
  const auto quitter = std::make_shared<Quitter>();
  WatchCall call = All();
  call.identity = world_.who;
  auto watch = world_.api().Watch(call, quitter);
  ASSERT_TRUE(watch);
  quitter->watch = *std::move(watch);
  world_.Settle();
  EXPECT_EQ(quitter->events, 1);
}

TEST(StorageWatchBoundsTest, AWatchThatFallsOutOfTheLogIsExpired) {
  StorageOptions options;
  options.log_max_changes = 4;
  TestWorld world(options);
  const std::string old = std::to_string(world.storage().Revision());
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    world.CreateWidget(name);
  }
  WatchCall call{.identity = world.who, .target = world.Widget("")};
  call.resource_version = old;
  const auto watch = world.api().Watch(call, std::make_shared<RecordingSink>());
  ASSERT_FALSE(watch);
  EXPECT_EQ(watch.error().code, ErrorCode::kExpired);
  EXPECT_NE(watch.error().message.find("too old resource version: " + old), std::string::npos);
}

TEST(StorageWatchBoundsTest, TheLogHasABoundByAgeAndBytes) {
  StorageOptions options;
  options.log_max_age = std::chrono::minutes(15);
  TestWorld world(options);
  const std::string old = std::to_string(world.storage().Revision());
  world.CreateWidget("a");
  WatchCall call{.identity = world.who, .target = world.Widget("")};
  call.resource_version = old;
  EXPECT_TRUE(world.api().Watch(call, std::make_shared<RecordingSink>()));
  world.clock.Advance(std::chrono::minutes(15));
  world.Settle();
  EXPECT_FALSE(world.api().Watch(call, std::make_shared<RecordingSink>()));
  EXPECT_EQ(world.journal.compacted(), world.storage().Revision()) << "the journal forgets too";

  options.log_max_bytes = 4000;
  TestWorld small(options);
  small.CreateWidget("a");
  call.resource_version = std::to_string(small.storage().Revision());
  for (int i = 0; i < 10; ++i) {
    small.Patch(small.Widget("a"), R"({"spec":{"replicas":)" + std::to_string(i + 2) + "}}");
  }
  call.target = small.Widget("");
  EXPECT_FALSE(small.api().Watch(call, std::make_shared<RecordingSink>()));
}

TEST(StorageWatchBoundsTest, WatchesAreLimited) {
  StorageOptions options;
  options.max_watches = 1;
  TestWorld world(options);
  const WatchCall call{.identity = world.who, .target = world.Widget("")};
  auto first = world.api().Watch(call, std::make_shared<RecordingSink>());
  ASSERT_TRUE(first);
  const auto second = world.api().Watch(call, std::make_shared<RecordingSink>());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kTooManyRequests);
  first->reset();
  EXPECT_TRUE(world.api().Watch(call, std::make_shared<RecordingSink>()));
}

TEST(StorageWatchBoundsTest, LongStatesComeInSlices) {
  TestWorld world;
  const std::size_t count = WatchHub::kSlice + 10;
  for (std::size_t i = 0; i < count; ++i) {
    world.CreateWidget("w" + std::to_string(i));
  }
  const auto sink = std::make_shared<RecordingSink>();
  const auto watch = world.Watch({.target = world.Widget("")}, sink);
  world.storage().Step(world.clock.Read());
  EXPECT_EQ(sink->lines.size(), WatchHub::kSlice);
  world.CreateWidget("later");
  EXPECT_EQ(sink->lines.size(), count + 1);
  EXPECT_EQ(sink->lines.back(), "ADDED default/later");
}

TEST_F(StorageWatchTest, ASlowReaderGetsEverythingAtItsOwnPace) {
  for (const char* name : {"a", "b", "c"}) {
    world_.CreateWidget(name);
  }
  sink_->room = 2;
  const auto watch = world_.Watch(All(), sink_);
  const auto quick = std::make_shared<RecordingSink>();
  const auto other = world_.Watch(All(), quick);
  world_.CreateWidget("d");
  EXPECT_EQ(sink_->lines, (Lines{"ADDED default/a", "ADDED default/b"}));
  EXPECT_EQ(quick->lines.size(), 4U) << "nobody else waits for it";
  EXPECT_FALSE(world_.storage().Step(world_.clock.Read())) << "no busy loop";
  for (const char* name : {"e", "f"}) {
    world_.CreateWidget(name);
  }
  Lines got = sink_->Take();
  while (const auto told = std::exchange(sink_->on_room, nullptr)) {
    const int woken = world_.waker.count();
    told();
    EXPECT_GT(world_.waker.count(), woken) << "the storage's thread looks again";
    world_.Settle();
    EXPECT_LE(sink_->lines.size(), 2U);
    for (std::string& line : sink_->Take()) {
      got.push_back(std::move(line));
    }
  }
  EXPECT_EQ(got, (Lines{"ADDED default/a", "ADDED default/b", "ADDED default/c", "ADDED default/d",
                        "ADDED default/e", "ADDED default/f"}));
}

TEST_F(StorageWatchTest, ABookmarkForWhichThereIsNoRoomWakesNobody) {
  for (const char* name : {"a", "b", "c"}) {
    world_.CreateWidget(name);
  }
  sink_->room = 2;
  WatchCall call = All();
  call.bookmarks = true;
  const auto watch = world_.Watch(call, sink_);
  world_.Settle();
  world_.clock.Advance(std::chrono::seconds(90));
  world_.Settle();
  EXPECT_EQ(sink_->lines.size(), 2U);
  EXPECT_GT(world_.storage().NextWake(), world_.clock.Read().mono) << "no busy loop";
}

TEST(StorageWatchRestartTest, GoesOnFromAVersionBeforeTheRestart) {
  TestWorld world;
  world.CreateWidget("a", "{}", R"({"labels":{"k":"in"}})");
  world.CreateWidget("out", "{}", R"({"labels":{"k":"out"}})");
  WatchCall call{.identity = world.who, .target = world.Widget(""), .label_selector = "k=in"};
  call.resource_version = std::to_string(world.storage().Revision());
  world.Patch(world.Widget("a"), R"({"metadata":{"labels":{"k":"out"}}})");
  world.CreateWidget("b", "{}", R"({"labels":{"k":"in"}})");
  world.Delete(world.Widget("b"));
  world.Patch(world.Widget("out"), R"({"spec":{"replicas":5}})");
  world.Restart();
  const auto sink = std::make_shared<RecordingSink>();
  const auto watch = world.Watch(call, sink);
  world.Settle();
  EXPECT_EQ(sink->Take(), (Lines{"DELETED default/a", "ADDED default/b", "DELETED default/b"}));
}

/// What a watch is told of a change when nobody knows what was before it.
TEST(EventOfTest, WithoutAPastNothingOfOthersIsShown) {
  TestWorld world;
  world.CreateWidget("a", R"({"color":"red"})");
  const VersionPtr version =
      world.storage().Find(world.Kind("widgets.demo.example.io"), "default", "a");
  const Change change{.before = nullptr, .after = version, .before_known = false, .at = {}};
  const auto select = [&](std::string_view fields) {
    return *Selection::Parse(version->resource(), "", "", fields);
  };
  EXPECT_EQ(EventOf(change, select(""))->type, WatchEventType::kModified);
  const auto gone = EventOf(change, select("spec.color=blue"));
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->type, WatchEventType::kDeleted);
  EXPECT_EQ(gone->object.name(), "a");
  EXPECT_TRUE(gone->object.Body().At("spec").IsNull());
}

}  // namespace
}  // namespace midwatch::apiserver
