#pragma once

#include <string>

#include "controller/base/time.h"
#include "controller/object/object.h"
#include "controller/object/resource_type.h"
#include "controller/runtime/plan.h"

namespace midwatch {

/// Something that happened to an object and is worth telling people.
struct Occurrence {
  bool warning = false;
  std::string reason;      ///< CamelCase: what happened.
  std::string message;     ///< In a sentence. What stands in the object itself, and no more.
  std::string which = {};  ///< Tells it from others of the same reason.

  friend bool operator==(const Occurrence&, const Occurrence&) = default;
};

/// The core Event that tells it, to stand right behind the write that makes it happen. Its name is
/// derived from the object, the reason and `which`: told twice it is one Event, and an object has
/// no more of them than there are such pairs: `which` has few values, or, as the commits of a
/// source, only so many as come while an Event is kept. Events of cluster-scoped objects stand in
/// `default`.
Record EventOf(const ResourceType& type, const ObjectMeta& about, const Occurrence& occurrence,
               WallTime now);

}  // namespace midwatch
