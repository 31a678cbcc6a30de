#include "controller/reconcilers/scope/scope.h"

#include <utility>

#include "controller/api/core.h"
#include "controller/api/names.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch {
namespace {

template <typename Mission>
std::optional<ScopedMission> Read(const Object& object, api::MissionKind kind) {
  auto mission = api::FromObject<Mission>(object);
  if (!mission) {
    return std::nullopt;
  }
  return ScopedMission{.ref = {.kind = kind,
                               .namespace_name = object.namespace_name(),
                               .name = object.name(),
                               .id = IdOf(object.meta())},
                       .spec = std::move(mission->spec),
                       .being_deleted = object.meta().IsBeingDeleted()};
}

}  // namespace

std::string StackOf(const View& view, const std::string& namespace_name) {
  const Object found = view.Find(TypedKey<api::Namespace>({}, namespace_name));
  if (!found) {
    return {};
  }
  const auto label = found.meta().labels.find(api::labels::kStack);
  return label == found.meta().labels.end() ? std::string() : label->second;
}

Place PlaceOf(const View& view, const std::string& namespace_name, const std::string& module) {
  return {namespace_name, StackOf(view, namespace_name), module};
}

bool Covers(const ScopedMission& mission, const Place& place) {
  const bool same_namespace = mission.ref.namespace_name == place.namespace_name;
  switch (mission.ref.kind) {
    case api::MissionKind::kOrganizationMission:
      return true;
    case api::MissionKind::kStackMission:
      return !place.stack.empty() && mission.spec.stack_ref &&
             mission.spec.stack_ref->name == place.stack;
    case api::MissionKind::kNamespaceMission:
      return same_namespace;
    case api::MissionKind::kModuleMission:
      return same_namespace && mission.spec.module_ref &&
             mission.spec.module_ref->name == place.module;
  }
  return false;
}

bool Covers(const api::AgentAssignmentSpec& assignment, const Place& place) {
  if (assignment.organization) {
    return true;
  }
  if (assignment.stack_ref) {
    return !place.stack.empty() && assignment.stack_ref->name == place.stack;
  }
  if (assignment.namespace_ref) {
    return assignment.namespace_ref->name == place.namespace_name;
  }
  return assignment.module_ref && assignment.module_ref->namespace_name == place.namespace_name &&
         assignment.module_ref->name == place.module;
}

std::string IdOf(const ObjectMeta& meta) {
  const auto id = meta.annotations.find(api::annotations::kId);
  const bool fits =
      id != meta.annotations.end() && !id->second.empty() && id->second.size() <= kLongestId;
  return fits ? id->second : meta.uid;
}

std::optional<ScopedMission> ToScopedMission(const Object& object) {
  using enum api::MissionKind;
  const std::string& kind = object.kind();
  if (kind == api::OrganizationMission::Type().kind) {
    return Read<api::OrganizationMission>(object, kOrganizationMission);
  }
  if (kind == api::StackMission::Type().kind) {
    return Read<api::StackMission>(object, kStackMission);
  }
  if (kind == api::NamespaceMission::Type().kind) {
    return Read<api::NamespaceMission>(object, kNamespaceMission);
  }
  if (kind == api::ModuleMission::Type().kind) {
    return Read<api::ModuleMission>(object, kModuleMission);
  }
  return std::nullopt;
}

std::optional<ScopedMission> FindMission(const View& view, const api::MissionRef& ref) {
  const Object object = view.Find(MissionKey(ref));
  return object ? ToScopedMission(object) : std::nullopt;
}

ObjectKey MissionKey(const api::MissionRef& ref) {
  const ResourceType& type = MissionTypes()[static_cast<std::size_t>(ref.kind)];
  return {type.Resource(), type.namespaced ? ref.namespace_name : std::string(), ref.name};
}

const std::vector<ResourceType>& MissionTypes() {
  // In the order of api::MissionKind.
  static const std::vector<ResourceType> kTypes = {
      api::OrganizationMission::Type(), api::StackMission::Type(), api::NamespaceMission::Type(),
      api::ModuleMission::Type()};
  return kTypes;
}

}  // namespace midwatch
