#include "controller/manifest/ordering.h"

#include <gtest/gtest.h>

#include "controller/manifest/test_schemas.h"

namespace midwatch::manifest {
namespace {

int Step(std::string_view resource) {
  const ManifestKind* kind = TestSchemas().FindResource(resource);
  EXPECT_NE(kind, nullptr) << resource;
  return kind == nullptr ? -1 : WriteStep(kind->type);
}

TEST(OrderingTest, WhatOthersNeedComesFirst) {
  EXPECT_LT(Step("namespaces"), Step("secrets"));
  EXPECT_LT(Step("secrets"), Step("stacks.midwatch.dev"));
  EXPECT_EQ(Step("stacks.midwatch.dev"), Step("modules.midwatch.dev"));
  EXPECT_LT(Step("modules.midwatch.dev"), Step("agents.midwatch.dev"));
  EXPECT_LT(Step("agents.midwatch.dev"), Step("agentassignments.midwatch.dev"));
  EXPECT_LT(Step("agentassignments.midwatch.dev"), Step("organizationmissions.midwatch.dev"));
  EXPECT_LT(Step("modulemissions.midwatch.dev"), Step("gitsources.midwatch.dev"));
}

TEST(OrderingTest, WhatIsNotKnownComesLast) {
  const ResourceType widget{
      .group = "example.com", .version = "v1", .kind = "Widget", .plural = "widgets"};
  EXPECT_GT(WriteStep(widget), Step("gitsources.midwatch.dev"));
  EXPECT_GT(WriteStep(widget), Step("modulejobs.midwatch.dev"));
}

TEST(OrderingTest, WithinAStepNamesDecide) {
  const ResourceType& type = TestSchemas().FindResource("modules.midwatch.dev")->type;
  const ObjectKey a{"modules.midwatch.dev", "x", "a"};
  const ObjectKey b{"modules.midwatch.dev", "x", "b"};
  EXPECT_TRUE(WrittenBefore(type, a, type, b));
  EXPECT_FALSE(WrittenBefore(type, b, type, a));
  EXPECT_FALSE(WrittenBefore(type, a, type, a));
}

TEST(OrderingTest, KnowsWhoseDeletionLosesData) {
  EXPECT_TRUE(DeletionLosesData(TestSchemas().FindResource("namespaces")->type));
  EXPECT_TRUE(DeletionLosesData(TestSchemas().FindResource("modules.midwatch.dev")->type));
  EXPECT_FALSE(DeletionLosesData(TestSchemas().FindResource("modulemissions.midwatch.dev")->type));
}

}  // namespace
}  // namespace midwatch::manifest
