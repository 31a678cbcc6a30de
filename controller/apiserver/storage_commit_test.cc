#include <gtest/gtest.h>

#include "controller/apiserver/test_world.h"

namespace midwatch::apiserver {
namespace {

/// Several writes under way while the journal is held.
class StorageCommitTest : public testing::Test {
 protected:
  StorageCommitTest() { world_.CreateWidget("a"); }

  /// Starts a write; its answer goes into answers_[name].
  void Start(const std::string& name, WriteCall call) {
    call.identity = world_.who;
    world_.api().Write(std::move(call), [this, name](Result<WriteAnswer> answer) {
      EXPECT_FALSE(answers_.contains(name)) << name << " was answered twice";
      answers_.emplace(name, std::move(answer));
    });
    world_.Settle();
  }
  void StartCreate(const std::string& name) {
    Start(name,
          {.target = world_.Widget(""), .body = CreateBody{.object = TestWorld::WidgetBody(name)}});
  }
  void StartPatch(const std::string& as, std::string_view patch) {
    Start(as, {.target = world_.Widget("a"),
               .body = PatchBody{.type = PatchType::kMerge, .patch = J(patch)}});
  }
  std::string StateOf(const std::string& name) const {
    const auto found = answers_.find(name);
    return found == answers_.end() ? "waits" : found->second ? "done" : "failed";
  }

  TestWorld world_;
  std::map<std::string, Result<WriteAnswer>> answers_;
};

TEST_F(StorageCommitTest, OnlyTheDurableIsSeen) {
  const auto sink = std::make_shared<RecordingSink>();
  const auto watch = world_.Watch({.target = world_.Widget(""),
                                   .resource_version = std::to_string(world_.storage().Revision())},
                                  sink);
  world_.journal.hold = true;
  const std::int64_t before = world_.storage().Revision();
  StartCreate("b");
  StartPatch("patch", R"({"spec":{"replicas":5}})");
  EXPECT_EQ(StateOf("b"), "waits");
  EXPECT_FALSE(world_.Find(world_.Widget("b")));
  EXPECT_EQ(world_.Find(world_.Widget("a")).Body().At("spec", "replicas").AsInt(), 1);
  EXPECT_EQ(world_.storage().Revision(), before);
  EXPECT_TRUE(sink->lines.empty());
  EXPECT_FALSE(world_.storage().Idle());
  world_.journal.Sync();
  world_.Settle();
  EXPECT_EQ(StateOf("b"), "done");
  EXPECT_EQ(StateOf("patch"), "waits");
  EXPECT_EQ(sink->Take(), std::vector<std::string>{"ADDED default/b"});
  world_.journal.Sync();
  world_.Settle();
  EXPECT_EQ(StateOf("patch"), "done");
  EXPECT_EQ(world_.storage().Revision(), before + 2);
  EXPECT_TRUE(world_.storage().Idle());
}

TEST_F(StorageCommitTest, ComparesWithWhatIsProposed) {
  world_.journal.hold = true;
  const std::string version = world_.Find(world_.Widget("a")).resource_version();
  StartPatch("first",
             R"({"metadata":{"resourceVersion":")" + version + R"("},"spec":{"replicas":2}})");
  StartPatch("second",
             R"({"metadata":{"resourceVersion":")" + version + R"("},"spec":{"replicas":3}})");
  StartPatch("third", R"({"spec":{"note":"n"}})");
  StartCreate("twice");
  Start("again", {.target = world_.Widget(""),
                  .body = CreateBody{.object = TestWorld::WidgetBody("twice")}});
  EXPECT_EQ(StateOf("second"), "waits") << "refused for what is not durable yet: not told yet";
  while (world_.journal.Sync()) {
  }
  world_.Settle();
  EXPECT_EQ(StateOf("first"), "done");
  ASSERT_EQ(StateOf("second"), "failed");
  EXPECT_EQ(answers_.at("second").error().code, ErrorCode::kConflict);
  ASSERT_EQ(StateOf("third"), "done") << "a patch without a version is tried again";
  EXPECT_TRUE(
      Contains(answers_.at("third")->object.Body(), J(R"({"spec":{"replicas":2,"note":"n"}})")));
  EXPECT_EQ(answers_.at("again").error().code, ErrorCode::kAlreadyExists);
}

TEST_F(StorageCommitTest, AFailedBatchFailsWhatWasProposedAfterIt) {
  world_.journal.hold = true;
  const std::int64_t before = world_.storage().Revision();
  StartCreate("b");
  StartPatch("patch", R"({"spec":{"replicas":5}})");
  world_.journal.Sync(Error{ErrorCode::kInsufficientStorage, "disk full"});
  world_.Settle();
  EXPECT_EQ(answers_.at("b").error().code, ErrorCode::kInsufficientStorage);
  EXPECT_EQ(answers_.at("patch").error().code, ErrorCode::kInsufficientStorage);
  StartCreate("c");
  while (world_.journal.Sync()) {
  }
  world_.Settle();
  EXPECT_EQ(StateOf("c"), "done") << "the disk has room again";
  EXPECT_EQ(world_.storage().Revision(), before + 1);
  EXPECT_FALSE(world_.Find(world_.Widget("b")));
  EXPECT_EQ(world_.Find(world_.Widget("a")).Body().At("spec", "replicas").AsInt(), 1);
}

TEST(StorageFatalTest, AnUnknownOutcomeEndsIt) {
  std::vector<Error> fatal;
  StorageOptions options;
  options.on_fatal = [&](const Error& why) { fatal.push_back(why); };
  TestWorld world(options);
  world.journal.hold = true;
  std::vector<ErrorCode> codes;
  const auto note = [&](const Result<WriteAnswer>& answer) {
    ASSERT_FALSE(answer);
    codes.push_back(answer.error().code);
  };
  const auto start = [&](const char* name) {
    world.api().Write({.identity = world.who,
                       .target = world.Widget(""),
                       .body = CreateBody{.object = TestWorld::WidgetBody(name)}},
                      note);
    world.Settle();
  };
  start("a");
  start("b");
  world.journal.Sync(Error{ErrorCode::kOutcomeUnknown, "input/output error"});
  world.Settle();
  world.journal.Sync();
  world.Settle();
  start("c");
  EXPECT_EQ(codes, (std::vector<ErrorCode>{ErrorCode::kOutcomeUnknown, ErrorCode::kOutcomeUnknown,
                                           ErrorCode::kUnavailable}));
  EXPECT_EQ(fatal.size(), 1U);
}

TEST(StorageFatalTest, WaitingWritesAreLimited) {
  StorageOptions options;
  options.max_queued_writes = 1;
  TestWorld world(options);
  world.journal.hold = true;
  std::optional<Error> refused;
  for (const char* name : {"a", "b"}) {
    world.api().Write({.identity = world.who,
                       .target = world.Widget(""),
                       .body = CreateBody{.object = TestWorld::WidgetBody(name)}},
                      [&](const Result<WriteAnswer>& answer) {
                        if (!answer) {
                          refused = answer.error();
                        }
                      });
  }
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, ErrorCode::kTooManyRequests);
}

TEST_F(StorageCommitTest, WhatWasAcknowledgedIsThereAfterARestart) {
  world_.CreateWidget("b", R"({"color":"blue"})");
  world_.Delete(world_.Widget("a"));
  const std::int64_t revision = world_.storage().Revision();
  const std::string bytes = world_.Find(world_.Widget("b")).bytes();
  world_.Restart();
  EXPECT_EQ(world_.storage().Revision(), revision);
  EXPECT_EQ(world_.Find(world_.Widget("b")).bytes(), bytes);
  EXPECT_FALSE(world_.Find(world_.Widget("a")));
  EXPECT_TRUE(world_.CreateWidget("c"));
}

TEST_F(StorageCommitTest, GeneratedNamesThatAreTakenAreDrawnAgain) {
  /// Draws every name twice.
  class Stutter final : public Random {
   public:
    std::uint64_t Next() override { return draws_++ / 20; }
    std::unique_ptr<Random> Fork(std::string_view) override { return nullptr; }

   private:
    std::uint64_t draws_ = 0;
  };
  TestWorld other;
  Stutter random;
  Storage storage(
      {TestRegistry(), other.journal, other.clock, random, other.log, other.metrics, other.waker},
      {});
  ASSERT_TRUE(storage.Open());
  std::set<std::string> names;
  for (int i = 0; i < 20; ++i) {
    const Target target = other.At("configmaps", "");
    storage.Write({.identity = other.who,
                   .target = target,
                   .body = CreateBody{.object = J(R"({"apiVersion":"v1","kind":"ConfigMap",
                                                      "metadata":{"generateName":"x-"}})")}},
                  {}, [&](const Result<WriteAnswer>& answer) {
                    ASSERT_TRUE(answer) << answer.error().message;
                    EXPECT_TRUE(names.insert(answer->object.name()).second);
                  });
  }
  while (storage.Step(other.clock.Read())) {
  }
  EXPECT_EQ(names.size(), 20U);
}

}  // namespace
}  // namespace midwatch::apiserver
