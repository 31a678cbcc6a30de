#include "controller/object/object.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace midwatch {
namespace {

constexpr const char* kWidget = R"({"apiVersion":"demo.example.io/v1","kind":"Widget","metadata":{
  "name":"w1","namespace":"default","uid":"u-1","resourceVersion":"7","generation":3,
  "creationTimestamp":"2026-11-21T02:00:00Z","labels":{"app":"demo"},"annotations":{"a":"b"},
  "finalizers":["x.y/z"],"managedFields":[{"manager":"kubectl"}],
  "ownerReferences":[{"apiVersion":"v1","kind":"Owner","name":"o","uid":"u-0","controller":true}]},
  "spec":{"unknown":[1,2,{"kept":true}]}})";

TEST(ObjectKeyTest, IsReadAsItWasWritten) {
  const ObjectKey key{"gitsources.midwatch.dev", "midwatch-system", "platform"};
  EXPECT_EQ(ParseNamespacedKey(key.ToString()), key);
  for (const char* other : {"", "a", "namespaces/a", "a/b/c/d"}) {
    EXPECT_EQ(ParseNamespacedKey(other), std::nullopt) << other;
  }
}

TEST(ObjectTest, KnowsItsMetadata) {
  const auto object = Object::Parse(kWidget);
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->api_version(), "demo.example.io/v1");
  EXPECT_EQ(object->kind(), "Widget");
  EXPECT_EQ(object->name(), "w1");
  EXPECT_EQ(object->namespace_name(), "default");
  EXPECT_EQ(object->uid(), "u-1");
  EXPECT_EQ(object->resource_version(), "7");
  EXPECT_EQ(object->meta().generation, 3);
  EXPECT_EQ(object->meta().labels.at("app"), "demo");
  EXPECT_EQ(object->meta().annotations.at("a"), "b");
  EXPECT_TRUE(object->meta().HasFinalizer("x.y/z"));
  EXPECT_FALSE(object->meta().HasFinalizer("other"));
  EXPECT_FALSE(object->meta().IsBeingDeleted());
  ASSERT_EQ(object->meta().owner_references.size(), 1U);
  EXPECT_TRUE(object->meta().owner_references[0].controller);
}

TEST(ObjectTest, LosesNothingOfTheUsersObject) {
  const auto object = Object::Parse(kWidget);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->bytes(), kWidget);
  EXPECT_EQ(object->Body(), *ParseJson(kWidget));
  const auto again = Object::FromJson(object->Body());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->Body(), object->Body());
  EXPECT_EQ(again->meta(), object->meta());
}

TEST(ObjectTest, CopiesShareOneRecord) {
  const Object object = *Object::Parse(kWidget);
  const Object copy = object;  // NOLINT: the copy is what is tested.
  EXPECT_TRUE(copy.SameRecord(object));
  EXPECT_FALSE(Object::Parse(kWidget)->SameRecord(object));
  EXPECT_FALSE(Object());
}

TEST(ObjectTest, KeepsWhatWasMadeOfItWithTheRecord) {
  const Object object = *Object::Parse(R"({"kind":"X","metadata":{"name":"a"}})");
  const Object copy = object;
  EXPECT_EQ(copy.FindAs<std::string>(), nullptr);
  object.KeepAs<std::string>("first");
  object.KeepAs<std::string>("second");
  object.KeepAs<int>(7);
  ASSERT_NE(copy.FindAs<std::string>(), nullptr);
  EXPECT_EQ(*copy.FindAs<std::string>(), "first");
  EXPECT_EQ(copy.FindAs<int>(), nullptr) << "one type per record";
}

TEST(ObjectTest, MetadataGoesThroughJson) {
  const auto object = Object::Parse(kWidget);
  const auto again = ParseObjectMeta(ToJson(object->meta()));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, object->meta());
}

TEST(ObjectTest, KeysNameResourceNamespaceAndName) {
  const ResourceType widgets{"demo.example.io", "v1", "Widget", "widgets", true};
  const ResourceType secrets{"", "v1", "Secret", "secrets", true};
  EXPECT_EQ(KeyOf(widgets, *Object::Parse(kWidget)).ToString(),
            "widgets.demo.example.io/default/w1");
  EXPECT_EQ(widgets.ApiVersion(), "demo.example.io/v1");
  EXPECT_EQ(secrets.ApiVersion(), "v1");
  EXPECT_EQ((ObjectKey{secrets.Resource(), "", "x"}.ToString()), "secrets/x");
  EXPECT_NE(ObjectKeyHash{}({"a", "b", "c"}), ObjectKeyHash{}({"a", "c", "b"}));
}

TEST(ObjectTest, GivesTheBodyThatWasLeftUntilItIsDropped) {
  const auto object = Object::Parse(kWidget);
  ASSERT_TRUE(object);
  const Object other = *object;
  EXPECT_FALSE(object->Body().SharesWith(object->Body()));
  object->KeepBody(*ParseJson(kWidget));
  EXPECT_TRUE(object->Body().SharesWith(other.Body()));
  Json changed = object->Body();
  changed.Set("spec", 1);
  EXPECT_EQ(object->Body(), *ParseJson(kWidget));
  object->DropBody();
  EXPECT_FALSE(object->Body().SharesWith(object->Body()));
  EXPECT_EQ(object->Body(), *ParseJson(kWidget));
}

TEST(ObjectTest, BodyIsThereForAllThreadsWhileItIsDropped) {
  const auto object = Object::Parse(kWidget);
  ASSERT_TRUE(object);
  const Json body = *ParseJson(kWidget);
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      for (int times = 0; times < 500; ++times) {
        EXPECT_EQ(object->Body().At("metadata", "name").AsString(), "w1");
      }
    });
  }
  for (int times = 0; times < 500; ++times) {
    object->KeepBody(body);
    object->DropBody();
  }
}

struct BadObject {
  const char* name;
  const char* text;
  ErrorCode code;
  const char* message;
};

class BadObjectTest : public testing::TestWithParam<BadObject> {};

TEST_P(BadObjectTest, IsRefusedWithTheField) {
  const auto object = Object::Parse(GetParam().text);
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code, GetParam().code);
  EXPECT_EQ(object.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Types, BadObjectTest,
    testing::Values(
        BadObject{"NoObject", "[]", ErrorCode::kBadRequest, "expected an object, found array"},
        BadObject{"NoMetadata", "{}", ErrorCode::kInvalid, "metadata: expected object, found null"},
        BadObject{"NameIsNumber", R"({"metadata":{"name":1}})", ErrorCode::kInvalid,
                  "metadata.name: expected string, found integer"},
        BadObject{"LabelsAreArray", R"({"metadata":{"labels":[]}})", ErrorCode::kInvalid,
                  "metadata.labels: expected object, found array"},
        BadObject{"LabelIsNumber", R"({"metadata":{"labels":{"a":1}}})", ErrorCode::kInvalid,
                  "metadata.labels[a]: expected string, found integer"},
        BadObject{"FinalizerIsNull", R"({"metadata":{"finalizers":[null]}})", ErrorCode::kInvalid,
                  "metadata.finalizers[]: expected string, found null"},
        BadObject{"GenerationIsText", R"({"metadata":{"generation":"1"}})", ErrorCode::kInvalid,
                  "metadata.generation: expected integer, found string"}),
    [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace midwatch
