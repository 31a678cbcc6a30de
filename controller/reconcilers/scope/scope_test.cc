#include "controller/reconcilers/scope/scope.h"

#include <gtest/gtest.h>

#include "controller/api/core.h"
#include "controller/api/names.h"
#include "controller/reconcilers/scope/conditions.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/testing/view_builder.h"

namespace midwatch {
namespace {

using api::MissionKind;

const Place kHere{.namespace_name = "payments", .stack = "shop", .module = "database"};

ScopedMission Mission(MissionKind kind, std::string space = {}) {
  return {.ref = {.kind = kind, .namespace_name = std::move(space), .name = "m", .id = "id"},
          .spec = {}};
}
ScopedMission OfStack(std::string stack) {
  ScopedMission mission = Mission(MissionKind::kStackMission);
  mission.spec.stack_ref = api::NameRef{std::move(stack)};
  return mission;
}
ScopedMission OfModule(std::string space, std::string module) {
  ScopedMission mission = Mission(MissionKind::kModuleMission, std::move(space));
  mission.spec.module_ref = api::NameRef{std::move(module)};
  return mission;
}

struct MissionCase {
  const char* name;
  ScopedMission mission;
  Place place;
  bool covers;
};
class MissionScopeTest : public testing::TestWithParam<MissionCase> {};

TEST_P(MissionScopeTest, Covers) {
  EXPECT_EQ(Covers(GetParam().mission, GetParam().place), GetParam().covers);
}

INSTANTIATE_TEST_SUITE_P(
    Scopes, MissionScopeTest,
    testing::Values(
        MissionCase{"Organization", Mission(MissionKind::kOrganizationMission), kHere, true},
        MissionCase{"Stack", OfStack("shop"), kHere, true},
        MissionCase{"OtherStack", OfStack("bank"), kHere, false},
        MissionCase{"NamespaceOfNoStack", OfStack("shop"), {"payments", "", "database"}, false},
        MissionCase{"NoStackIsNotTheEmptyOne", OfStack(""), {"payments", "", "database"}, false},
        MissionCase{"Namespace", Mission(MissionKind::kNamespaceMission, "payments"), kHere, true},
        MissionCase{"OtherNamespace", Mission(MissionKind::kNamespaceMission, "orders"), kHere,
                    false},
        MissionCase{"Module", OfModule("payments", "database"), kHere, true},
        MissionCase{"OtherModule", OfModule("payments", "frontend"), kHere, false},
        MissionCase{"ModuleOfThatNameElsewhere", OfModule("orders", "database"), kHere, false}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct AssignmentCase {
  const char* name;
  api::AgentAssignmentSpec spec;
  Place place;
  bool covers;
};
class AssignmentScopeTest : public testing::TestWithParam<AssignmentCase> {};

TEST_P(AssignmentScopeTest, Covers) {
  EXPECT_EQ(Covers(GetParam().spec, GetParam().place), GetParam().covers);
}

INSTANTIATE_TEST_SUITE_P(
    Scopes, AssignmentScopeTest,
    testing::Values(
        AssignmentCase{"Nothing", {}, kHere, false},
        AssignmentCase{"Organization", {.organization = true}, kHere, true},
        AssignmentCase{"Stack", {.stack_ref = api::NameRef{"shop"}}, kHere, true},
        AssignmentCase{"OtherStack", {.stack_ref = api::NameRef{"bank"}}, kHere, false},
        AssignmentCase{"NamespaceOfNoStack",
                       {.stack_ref = api::NameRef{"shop"}},
                       {"payments", "", "database"},
                       false},
        AssignmentCase{"Namespace", {.namespace_ref = api::NameRef{"payments"}}, kHere, true},
        AssignmentCase{"OtherNamespace", {.namespace_ref = api::NameRef{"orders"}}, kHere, false},
        AssignmentCase{
            "Module", {.module_ref = api::NamespacedRef{"payments", "database"}}, kHere, true},
        AssignmentCase{"OtherModule",
                       {.module_ref = api::NamespacedRef{"payments", "frontend"}},
                       kHere,
                       false},
        AssignmentCase{"ModuleOfThatNameElsewhere",
                       {.module_ref = api::NamespacedRef{"orders", "database"}},
                       kHere,
                       false}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(PlaceTest, TheLabelOfANamespaceNamesItsStack) {
  fakes::ViewBuilder world;
  world.Follow(api::Namespace::Type());
  api::Namespace space;
  space.metadata.name = "payments";
  space.metadata.uid = "u";
  space.metadata.resource_version = "1";
  EXPECT_EQ(StackOf(world.view(), "payments"), "");
  world.Put(api::Namespace::Type(), api::ToObject(space).value());
  EXPECT_EQ(StackOf(world.view(), "payments"), "");
  space.metadata.labels.emplace(api::labels::kStack, "shop");
  space.metadata.resource_version = "2";
  world.Put(api::Namespace::Type(), api::ToObject(space).value());
  EXPECT_EQ(PlaceOf(world.view(), "payments", "database").stack, "shop");
}

TEST(IdTest, IsWhatExportAndImportKeep) {
  const auto id = [](std::optional<std::string> annotation) {
    ObjectMeta meta;
    meta.uid = "uid";
    if (annotation) {
      meta.annotations.emplace(api::annotations::kId, *annotation);
    }
    return IdOf(meta);
  };
  EXPECT_EQ(id(std::nullopt), "uid");
  EXPECT_EQ(id("the-first-uid"), "the-first-uid");
  EXPECT_EQ(id(std::string(kLongestId, 'x')), std::string(kLongestId, 'x'));
  // What no record could hold would keep every mission of the job from firing.
  EXPECT_EQ(id(""), "uid");
  EXPECT_EQ(id(std::string(kLongestId + 1, 'x')), "uid");
}

TEST(ScopedMissionTest, IsReadOfEachKindAndFoundByItsReference) {
  fakes::ViewBuilder world;
  for (const ResourceType& type : MissionTypes()) {
    world.Follow(type);
    api::ModuleMission mission;
    mission.metadata.name = "m";
    mission.metadata.namespace_name = type.namespaced ? "payments" : "";
    mission.metadata.uid = "uid-" + type.kind;
    mission.metadata.resource_version = "1";
    mission.spec.agent_ref = {"agents", "ops"};
    Json body = api::ToBody(mission);
    body.Set("kind", type.kind);
    world.Put(type, Object::FromJson(std::move(body)).value());
  }
  for (const auto kind : {MissionKind::kOrganizationMission, MissionKind::kStackMission,
                          MissionKind::kNamespaceMission, MissionKind::kModuleMission}) {
    const auto found =
        FindMission(world.view(), {.kind = kind, .namespace_name = "payments", .name = "m"});
    ASSERT_TRUE(found) << api::ToString(kind);
    EXPECT_EQ(found->ref.kind, kind);
    EXPECT_EQ(found->ref.id, "uid-" + std::string(api::ToString(kind)));
    EXPECT_EQ(found->spec.agent_ref.name, "ops");
  }
}

TEST(ConditionTest, ItsTransitionTimeMovesWithItsStatusAlone) {
  std::vector<api::Condition> conditions;
  const WallTime first{1'000'000};
  const WallTime later{2'000'000};
  SetCondition(conditions, {"Ready", false, "AgentNotFound", "there is none"}, first);
  SetCondition(conditions, {"Ready", false, "ScopeNotFound", "nor a scope"}, later);
  ASSERT_EQ(conditions.size(), 1U);
  EXPECT_EQ(conditions[0].reason, "ScopeNotFound");
  EXPECT_EQ(conditions[0].message, "nor a scope");
  EXPECT_EQ(conditions[0].last_transition_time, first);
  SetCondition(conditions, {"Ready", true, "InOrder"}, later);
  EXPECT_EQ(conditions[0].last_transition_time, later);
  EXPECT_EQ(conditions[0].message, "");
}

}  // namespace
}  // namespace midwatch
