#pragma once

#include <variant>

#include "controller/runtime/plan.h"

namespace midwatch::fakes {

/// Whether a write is a create, or holds only for the version of the object that was seen: it
/// carries UID and resourceVersion. A create as git sync makes it is an apply that forces nothing.
inline bool IsGuarded(const Write& write) {
  const auto names_version = [](const Json& body) {
    return !body.At("metadata", "uid").AsString().empty() &&
           !body.At("metadata", "resourceVersion").AsString().empty();
  };
  if (const auto* update = std::get_if<UpdateRequest>(&write)) {
    return names_version(update->object);
  }
  if (const auto* patch = std::get_if<PatchRequest>(&write)) {
    return names_version(patch->patch) || (patch->patch_type == PatchType::kApply && !patch->force);
  }
  if (const auto* gone = std::get_if<DeleteRequest>(&write)) {
    return !gone->preconditions.uid.empty() && !gone->preconditions.resource_version.empty();
  }
  return true;
}

}  // namespace midwatch::fakes
