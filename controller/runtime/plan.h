#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/env/kube_client.h"

namespace midwatch {

/// A change of the API. Each one is a create under a derived name, or carries UID and
/// resourceVersion.
using Write = std::variant<CreateRequest, UpdateRequest, PatchRequest, DeleteRequest>;

/// Work outside the API: git fetch, sidecar session, notification, upload. Starting a name that is
/// running is one start. The operation's result is stored by it and requeues the key.
struct Start {
  std::string operation;  ///< Which kind, as registered with the Worker: `git-fetch`.
  std::string name;       ///< Which one; unique within the kind.
  Json spec;
};

/// A read that does not come from the cache, before something is done because an object is absent.
/// Its answer goes into the index; the key is planned again.
struct Confirm {
  GetRequest get;
};

/// A consistent list of a whole resource into the index, for decisions that need a view at least as
/// new as some version (View::FreshTo) when no event or bookmark has brought it there. The key is
/// planned again.
struct Refresh {
  ResourceType type;
};

/// A create that nothing rests on: an Event. If what stands before it in the plan has succeeded, it
/// is sent once the plan has ended, however it ended: it holds nothing up, and is told though what
/// comes behind it failed. It is not waited for; that it could not be made fails nothing and is not
/// tried again.
struct Record {
  CreateRequest create;
};

using Effect = std::variant<Write, Start, Confirm, Refresh, Record>;

/// What a reconciler wants done about one key.
struct Plan {
  std::vector<Effect> effects =
      {};                    ///< In order; the first failure ends the plan and requeues the key.
  bool independent = false;  ///< Effects may be in flight together (a window of 64).
  /// Look again then, even if nothing changes; but a plan that fails is looked at as its failure
  /// says.
  std::optional<MonoTime> wake_at = {};
  /// A failed write does not keep the others from being made. What failed stands in View::Failures
  /// for the next plan of the key, which follows after back-off.
  bool keep_going = false;
};

}  // namespace midwatch
