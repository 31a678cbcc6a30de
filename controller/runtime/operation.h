#pragma once

#include <functional>
#include <string>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch {

/// Carries out one kind of work outside the API: what the effect `Start` names. Most are Actors
/// with a driver of their own. It stores its result where the next plan sees it (an object, an
/// artifact); the Worker only learns that it is over.
class OperationRunner {
 public:
  virtual ~OperationRunner() = default;
  /// Begins and returns. A name that is running is not begun again; `done` is then called when that
  /// one ends. `done` is called once, from any thread: the key is planned again, after back-off if
  /// it failed.
  virtual void Start(std::string name, Json spec, std::function<void(Result<void>)> done) = 0;
};

}  // namespace midwatch
