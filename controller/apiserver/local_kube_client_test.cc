#include "controller/apiserver/local_kube_client.h"

#include <gtest/gtest.h>

#include "controller/apiserver/test_world.h"

namespace midwatch::apiserver {
namespace {

TEST(LocalKubeClientTest, DoesWhatTheApiDoes) {
  TestWorld world;
  LocalKubeClient client(world.api(), Identity::Controller());
  const ResourceType type = world.Kind("widgets.demo.example.io").type;
  Object object;
  const auto keep = [&](Result<Object> result) {
    ASSERT_TRUE(result) << result.error().message;
    object = *std::move(result);
  };
  Json body = TestWorld::WidgetBody("a");
  body["metadata"].Set("namespace", "default");
  client.Create({.type = type, .object = body, .field_manager = "m"}, keep);
  world.Settle();
  EXPECT_EQ(object.name(), "a");
  body = object.Body();
  body["spec"].Set("replicas", 4);
  client.Update({.type = type, .object = body, .subresource = "", .field_manager = "m"}, keep);
  world.Settle();
  EXPECT_EQ(object.meta().generation, 2);
  client.Patch({.type = type,
                .namespace_name = "default",
                .name = "a",
                .subresource = "status",
                .patch_type = PatchType::kMerge,
                .patch = J(R"({"status":{"replicas":4}})"),
                .field_manager = "m"},
               keep);
  world.Settle();
  client.Get({.type = type, .namespace_name = "default", .name = "a"}, keep);
  EXPECT_TRUE(Contains(object.Body(), J(R"({"spec":{"replicas":4},"status":{"replicas":4}})")));

  std::string version;
  client.List({.type = type,
               .namespace_name = {},
               .label_selector = {},
               .field_selector = {},
               .limit = 0,
               .continue_token = {},
               .resource_version = {}},
              [&](Result<ListResponse> list) {
                ASSERT_TRUE(list);
                ASSERT_EQ(list->items.size(), 1U);
                EXPECT_TRUE(list->items[0].SameRecord(object)) << "one record for all";
                version = list->resource_version;
              });
  const auto sink = std::make_shared<RecordingSink>();
  const auto watch = client.Watch({.type = type,
                                   .namespace_name = {},
                                   .label_selector = {},
                                   .field_selector = {},
                                   .resource_version = version},
                                  sink);
  client.Delete(
      {.type = type,
       .namespace_name = "default",
       .name = "a",
       .preconditions = {.uid = object.uid(), .resource_version = object.resource_version()},
       .propagation_policy = {}},
      keep);
  world.Settle();
  EXPECT_EQ(sink->Take(), std::vector<std::string>{"DELETED default/a"});
  EXPECT_FALSE(world.Find(world.Widget("a")));
}

TEST(LocalKubeClientTest, HasTheRightsOfItsIdentity) {
  TestWorld world;
  LocalKubeClient client(world.api(), Identity::Agent("ops", "ada"));
  std::optional<Error> error;
  client.Get({.type = world.Kind("secrets").type, .namespace_name = "ops", .name = "s"},
             [&](const Result<Object>& result) { error = result.error(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kForbidden);
  const auto sink = std::make_shared<RecordingSink>();
  const auto watch = client.Watch({.type = world.Kind("secrets").type,
                                   .namespace_name = "ops",
                                   .label_selector = {},
                                   .field_selector = {},
                                   .resource_version = {}},
                                  sink);
  ASSERT_TRUE(sink->end);
  EXPECT_EQ(sink->end->code, ErrorCode::kForbidden);
  ResourceType unknown = world.Kind("secrets").type;
  unknown.plural = "pods";
  client.Get({.type = unknown, .namespace_name = "ops", .name = "s"},
             [&](const Result<Object>& result) { error = result.error(); });
  EXPECT_EQ(error->code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace midwatch::apiserver
