#include "controller/runtime/queued_kube_client.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/testing/fake_kube_client.h"
#include "controller/testing/manual_clock.h"
#include "controller/testing/object_builder.h"
#include "controller/testing/recorders.h"

namespace midwatch {
namespace {

const ResourceType kThing{"midwatch.dev", "v1alpha1", "Thing", "things", true};

class QueuedKubeClientTest : public testing::Test {
 protected:
  CreateRequest CreateThing(const std::string& name) {
    return {kThing, fakes::ObjectBuilder(kThing, name, "ns").Draft(), "", false};
  }
  Completion<Object> Note(std::string what) {
    return [this, what = std::move(what)](const Result<Object>& answer) {
      answers_.push_back(what + (answer ? "" : " failed"));
    };
  }

  fakes::ManualClock clock_;
  fakes::FakeKubeClient api_{clock_};
  fakes::CountingWaker waker_;
  std::vector<std::string> answers_;
};

TEST_F(QueuedKubeClientTest, HandsWritesOnInTheirOrderOneAStep) {
  QueuedKubeClient client(api_, waker_);
  client.Create(CreateThing("a"), Note("create"));
  PatchRequest patch;
  patch.type = kThing;
  patch.namespace_name = "ns";
  patch.name = "a";
  patch.patch = Json::Of({{"spec", Json::Of({{"color", "blue"}})}});
  client.Patch(patch, Note("patch"));
  UpdateRequest update;
  update.type = kThing;
  update.object = CreateThing("b").object;
  client.Update(update, Note("update"));
  DeleteRequest remove;
  remove.type = kThing;
  remove.namespace_name = "ns";
  remove.name = "a";
  client.Delete(remove, Note("delete"));
  EXPECT_EQ(waker_.count(), 4);
  EXPECT_TRUE(answers_.empty()) << "nothing is done on the caller's thread";

  EXPECT_TRUE(client.Step({}));
  EXPECT_EQ(answers_, std::vector<std::string>{"create"});
  while (client.Step({})) {
  }
  EXPECT_EQ(answers_, (std::vector<std::string>{"create", "patch", "update failed", "delete"}));
  EXPECT_TRUE(api_.All(kThing.Resource()).empty());
}

TEST_F(QueuedKubeClientTest, ReadsGoStraightThrough) {
  QueuedKubeClient client(api_, waker_);
  api_.Put(kThing, CreateThing("a").object);
  client.Get({kThing, "ns", "a"}, Note("get"));
  std::size_t listed = 0;
  ListRequest list;
  list.type = kThing;
  client.List(list, [&](Result<ListResponse> page) { listed = page->items.size(); });
  EXPECT_EQ(answers_, std::vector<std::string>{"get"});
  EXPECT_EQ(listed, 1U);
  EXPECT_EQ(waker_.count(), 0);
}

TEST_F(QueuedKubeClientTest, WhatIsQueuedAtTheEndIsNotMade) {
  {
    QueuedKubeClient client(api_, waker_);
    client.Create(CreateThing("a"), Note("create"));
  }
  EXPECT_TRUE(answers_.empty());
  EXPECT_TRUE(api_.All(kThing.Resource()).empty());
}

}  // namespace
}  // namespace midwatch
