#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/agent_assignment.h"
#include "controller/api/missions.h"
#include "controller/runtime/view.h"

namespace midwatch {

/// Where a piece of work stands: its namespace, the Stack that the namespace has joined, its
/// Module.
struct Place {
  std::string namespace_name;
  std::string stack;  ///< Empty: none.
  std::string module;
};

/// A scoped Mission of any of the four kinds.
struct ScopedMission {
  api::MissionRef ref;
  api::MissionSpec spec;
  bool being_deleted = false;
};

/// The Stack that a namespace has joined by its label, or an empty text.
std::string StackOf(const View& view, const std::string& namespace_name);

/// The place of a Module of a namespace.
Place PlaceOf(const View& view, const std::string& namespace_name, const std::string& module);

/// Whether the mission's scope holds the place. Type, filters and state do not matter here.
bool Covers(const ScopedMission& mission, const Place& place);

/// Whether the assignment's scope holds the place.
bool Covers(const api::AgentAssignmentSpec& assignment, const Place& place);

/// The bound of an id in the schemas that record it.
inline constexpr std::size_t kLongestId = 64;

/// The id of an object that export and import keep: its annotation, else its UID. An annotation
/// that could not be recorded counts as none.
std::string IdOf(const ObjectMeta& meta);

/// An object of one of the four mission kinds; nothing for any other.
std::optional<ScopedMission> ToScopedMission(const Object& object);

/// The mission of that reference as it is seen now, whatever its id.
std::optional<ScopedMission> FindMission(const View& view, const api::MissionRef& ref);

/// The key of a mission.
ObjectKey MissionKey(const api::MissionRef& ref);

/// The four mission kinds, widest scope first.
const std::vector<ResourceType>& MissionTypes();

}  // namespace midwatch
