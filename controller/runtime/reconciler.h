#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/runtime/plan.h"
#include "controller/runtime/view.h"

namespace midwatch {

/// Decides about one kind of object. Pure: the same key, view and time give the same plan. Never
/// does I/O, never waits. An error is retried as its ErrorCode says (base/error_table.h).
/// One exception: GitSourceReconciler has a memory, and what was fetched lies outside the view.
class Reconciler {
 public:
  virtual ~Reconciler() = default;
  virtual Result<Plan> Reconcile(const ObjectKey& key, const View& view, Now now) const = 0;
};

/// One change of the view: `before` or `after` is empty for an object that appeared or went away.
struct Change {
  const ResourceType& type;
  const Object& before;
  const Object& after;
};

/// Which keys a change of another resource affects. Pure.
struct Trigger {
  ResourceType source;
  std::function<std::vector<ObjectKey>(const Change& change, const View& view)> affected;
};

/// A reconciler with what wakes it: what the Worker needs to run it.
struct Controller {
  std::string name;      ///< `dispatch`; the field manager is `midwatch-<name>`.
  ResourceType primary;  ///< Each change of one of these queues its own key.
  std::vector<Trigger> triggers = {};
  std::vector<IndexDefinition> indexes = {};
  const Reconciler* reconciler = nullptr;  ///< Not owned; outlives the Worker.
};

}  // namespace midwatch
