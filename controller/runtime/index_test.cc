#include "controller/runtime/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/testing/object_builder.h"

namespace midwatch {
namespace {

using fakes::ObjectBuilder;
using testing::ElementsAre;
using testing::IsEmpty;

const ResourceType kThing{"midwatch.dev", "v1alpha1", "Thing", "things", true};

Object Thing(const std::string& name, std::int64_t version, const std::string& color = "red") {
  return ObjectBuilder(kThing, name, "ns").Version(version).Label("color", color).Build();
}

Now At(std::int64_t time) { return {.wall = {100 + time}, .mono = {time}}; }

class IndexTest : public testing::Test {
 protected:
  IndexTest() {
    index_.Define({"by-color", kThing.Resource(), [](const Object& object) {
                     return std::vector<std::string>{object.meta().labels.find("color")->second};
                   }});
    index_.SetListener([this](const Change& change) {
      changes_.push_back((change.before ? change.before.resource_version() : "-") + ">" +
                         (change.after ? change.after.resource_version() : "-"));
    });
  }
  std::vector<std::string> Names(const std::vector<Object>& objects) {
    std::vector<std::string> names;
    for (const Object& object : objects) {
      names.push_back(object.name());
    }
    return names;
  }

  Index index_{kThing};
  std::vector<std::string> changes_;
};

TEST_F(IndexTest, KeepsTheNewestStateAndTellsEachRealChangeOnce) {
  index_.Upsert(Thing("a", 3), At(1));
  index_.Upsert(Thing("a", 3), At(2));
  index_.Upsert(Thing("a", 2), At(3));
  EXPECT_EQ(index_.ObservedAt("ns", "a")->mono, MonoTime{1});
  EXPECT_EQ(index_.ObservedAt("ns", "a")->wall, WallTime{101});
  index_.Upsert(Thing("a", 5), At(4));
  EXPECT_EQ(index_.ObservedAt("ns", "a")->mono, MonoTime{4});
  index_.Delete(Thing("a", 5), 6);
  EXPECT_THAT(changes_, ElementsAre("->3", "3>5", "5>-"));
  EXPECT_FALSE(index_.ObservedAt("ns", "a"));
}

TEST_F(IndexTest, FollowsObjectsFromValueToValue) {
  index_.Upsert(Thing("b", 1), {});
  index_.Upsert(Thing("a", 2), {});
  index_.Upsert(Thing("c", 3, "blue"), {});
  EXPECT_THAT(Names(index_.ByValue("by-color", "red")), ElementsAre("a", "b"));
  index_.Upsert(Thing("a", 4, "blue"), {});
  index_.Delete(Thing("b", 1), 5);
  EXPECT_THAT(Names(index_.ByValue("by-color", "red")), IsEmpty());
  EXPECT_THAT(Names(index_.ByValue("by-color", "blue")), ElementsAre("a", "c"));
}

TEST_F(IndexTest, GivesTheFirstOfARanking) {
  index_.Upsert(Thing("x", 1, "waiting/2"), {});
  index_.Upsert(Thing("y", 2, "waiting/1"), {});
  index_.Upsert(Thing("z", 3, "waiting/3"), {});
  index_.Upsert(Thing("w", 4, "working/0"), {});
  EXPECT_THAT(Names(index_.FirstByPrefix("by-color", "waiting/", 2)), ElementsAre("y", "x"));
  EXPECT_THAT(Names(index_.FirstByPrefix("by-color", "waiting/", 9)), ElementsAre("y", "x", "z"));
}

TEST_F(IndexTest, WhatWasDeletedDoesNotComeBackThroughAnOlderState) {
  index_.Upsert(Thing("a", 5), {});
  index_.Delete(Thing("a", 5), 7);  // Our own delete was answered; the watch is still at 4.
  index_.MarkFresh(4);
  index_.Upsert(Thing("a", 5), {});
  index_.Upsert(Thing("a", 6), {});
  EXPECT_FALSE(index_.Find("ns", "a"));
  index_.MarkFresh(8);
  index_.Upsert(Thing("a", 7), {});
  EXPECT_FALSE(index_.Find("ns", "a")) << "not known though nothing up to 8 is missing";
  index_.Upsert(Thing("a", 9), {});
  EXPECT_TRUE(index_.Find("ns", "a")) << "created again";
}

TEST_F(IndexTest, AListRemovesWhatIsGoneAndKeepsWhatIsNewer) {
  index_.Upsert(Thing("gone", 2), {});
  index_.Upsert(Thing("own-create", 12), {});
  index_.Upsert(Thing("own-delete", 8), {});
  index_.Delete(Thing("own-delete", 8), 13);
  changes_.clear();
  index_.Replace({Thing("new", 9), Thing("own-delete", 8)}, 10, {});
  EXPECT_THAT(Names(index_.List("")), ElementsAre("new", "own-create"));
  EXPECT_THAT(changes_, ElementsAre("2>-", "->9"));
  EXPECT_EQ(index_.fresh_to(), 10);
}

TEST_F(IndexTest, AListFindsWhatTheWatchHasMissed) {
  index_.MarkFresh(10);
  index_.Replace({Thing("missed", 6)}, 11, {});
  EXPECT_TRUE(index_.Find("ns", "missed"));
}

TEST_F(IndexTest, AbsenceIsConfirmedUntilTheObjectIsSeenAgain) {
  EXPECT_FALSE(index_.ConfirmedAbsent("ns", "a"));
  index_.ConfirmAbsent("ns", "a", 0);
  EXPECT_TRUE(index_.ConfirmedAbsent("ns", "a"));
  index_.Upsert(Thing("a", 4), {});
  EXPECT_FALSE(index_.ConfirmedAbsent("ns", "a"));
  index_.ConfirmAbsent("ns", "a", 3);
  EXPECT_TRUE(index_.Find("ns", "a")) << "the read began before version 4 was seen";
  index_.ConfirmAbsent("ns", "a", 4);
  EXPECT_FALSE(index_.Find("ns", "a"));
  EXPECT_TRUE(index_.ConfirmedAbsent("ns", "a"));
}

TEST_F(IndexTest, ConfirmedAbsencesAreBounded) {
  for (std::size_t i = 0; i <= Index::kMaxConfirmedAbsent; ++i) {
    index_.ConfirmAbsent("ns", std::to_string(i), 0);
  }
  EXPECT_FALSE(index_.ConfirmedAbsent("ns", "0"));
  EXPECT_TRUE(index_.ConfirmedAbsent("ns", "1"));
}

TEST_F(IndexTest, AfterARestoredBackupTheListDecidesAndTheSameStateIsNoChange) {
  index_.Replace({Thing("kept", 5), Thing("lost", 9)}, 10, {});
  changes_.clear();
  index_.ForgetVersions();
  index_.Replace({Thing("kept", 5)}, 6, {});
  EXPECT_THAT(Names(index_.List("")), ElementsAre("kept"));
  EXPECT_THAT(changes_, ElementsAre("9>-"));
}

TEST(VersionNumberTest, ReadsPositiveNumbersOnly) {
  EXPECT_EQ(VersionNumber("42"), 42);
  for (const char* bad : {"", "0", "-1", "abc", "12x", "99999999999999999999"}) {
    EXPECT_EQ(VersionNumber(bad), 0) << bad;
  }
}

TEST_F(IndexTest, SaysHowOftenWhatAnIndexHoldsHasChanged) {
  index_.Upsert(Thing("a", 5), At(1));
  const std::uint64_t at = index_.ChangesOf("by-color");
  index_.MarkFresh(9);
  index_.Upsert(Thing("a", 5), At(2));
  EXPECT_EQ(index_.ChangesOf("by-color"), at) << "nothing new";
  index_.Upsert(Thing("a", 10), At(3));
  const std::uint64_t changed = index_.ChangesOf("by-color");
  EXPECT_GT(changed, at);
  index_.Delete(Thing("a", 10), 11);
  EXPECT_GT(index_.ChangesOf("by-color"), changed);
}

}  // namespace
}  // namespace midwatch
