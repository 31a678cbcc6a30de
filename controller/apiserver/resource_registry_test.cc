#include "controller/apiserver/resource_registry.h"

#include <gtest/gtest.h>

#include "controller/apiserver/test_world.h"

namespace midwatch::apiserver {
namespace {

TEST(ResourceRegistryTest, ReadsADefinition) {
  const ResourceInfo* widget = TestRegistry().Find("demo.example.io", "v1", "widgets");
  ASSERT_NE(widget, nullptr);
  EXPECT_EQ(widget->type.kind, "Widget");
  EXPECT_TRUE(widget->type.namespaced);
  EXPECT_EQ(widget->singular, "widget");
  EXPECT_EQ(widget->list_kind, "WidgetList");
  EXPECT_EQ(widget->short_names, std::vector<std::string>{"wg"});
  EXPECT_TRUE(widget->has_status);
  EXPECT_FALSE(widget->builtin);
  ASSERT_EQ(widget->columns.size(), 1U);
  EXPECT_EQ(widget->columns[0].name, "Color");
  ASSERT_EQ(widget->selectable.size(), 2U);
  EXPECT_EQ(widget->selectable[0].name, "spec.color");
  EXPECT_EQ(TestRegistry().FindKind("demo.example.io/v1", "Widget"), widget);
  EXPECT_EQ(TestRegistry().FindResource("widgets.demo.example.io"), widget);
  EXPECT_EQ(TestRegistry().Find(widget->type), widget);
}

TEST(ResourceRegistryTest, FillsInWhatIsLeftOut) {
  const ResourceInfo* zone = TestRegistry().FindResource("zones.demo.example.io");
  ASSERT_NE(zone, nullptr);
  EXPECT_FALSE(zone->type.namespaced);
  EXPECT_FALSE(zone->has_status);
  ASSERT_EQ(zone->columns.size(), 1U);
  EXPECT_EQ(zone->columns[0].name, "Age");
}

TEST(ResourceRegistryTest, ServesEveryKindOfOurs) {
  for (const char* resource :
       {"namespaces", "secrets", "configmaps", "events", "leases.coordination.k8s.io",
        "modules.midwatch.dev", "runs.midwatch.dev", "gitsources.midwatch.dev"}) {
    EXPECT_NE(TestRegistry().FindResource(resource), nullptr) << resource;
  }
  EXPECT_TRUE(TestRegistry().FindResource("secrets")->builtin);
  EXPECT_EQ(TestRegistry().Find("midwatch.dev", "v2", "runs"), nullptr);
}

TEST(ResourceRegistryTest, RefusesWhatIsNoDefinition) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"{", "line 1"},
      {R"({"metadata":{"name":"x"},"spec":{}})", "expected one that is stored and served"},
      {R"({"metadata":{"name":"x"},"spec":{"versions":[{"storage":true,"served":true}]}})",
       "expected kind, plural and a version's name"},
      {R"({"metadata":{"name":"x"},"spec":{"names":{"kind":"X","plural":"xs"},"versions":[
           {"name":"v1","storage":true,"served":true,"schema":{"openAPIV3Schema":{}}}]}})",
       "CustomResourceDefinition \"x\""},
      {R"({"metadata":{"name":"x"},"spec":{"names":{"kind":"X","plural":"xs"},"versions":[
           {"name":"v1","storage":true,"served":true,
            "schema":{"openAPIV3Schema":{"type":"object"}},
            "additionalPrinterColumns":[{"name":"A","type":"string","jsonPath":".a["}]}]}})",
       "additionalPrinterColumns.jsonPath"},
  };
  for (const auto& [document, want] : cases) {
    const auto registry = ResourceRegistry::Build(std::span(&document, 1));
    ASSERT_FALSE(registry) << document;
    EXPECT_NE(registry.error().message.find(want), std::string::npos) << registry.error().message;
  }
  const std::string_view twice[] = {kZoneDocument, kZoneDocument};
  EXPECT_FALSE(ResourceRegistry::Build(twice));
}

}  // namespace
}  // namespace midwatch::apiserver
