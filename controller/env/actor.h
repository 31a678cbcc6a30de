#pragma once

#include <optional>

#include "controller/base/time.h"

namespace midwatch {

/// Anything with a loop: worker, informer, storage, agent, operation. Production gives each actor a
/// thread (runtime/pump.h) that steps it until idle and then sleeps until its waker or NextWake;
/// the simulator's seed picks which ready actor steps. Step and NextWake are called by one thread
/// at a time.
class Actor {
 public:
  virtual ~Actor() = default;
  /// Plans one key or starts ONE effect; never waits. False: there was nothing to do.
  virtual bool Step(Now now) = 0;
  /// When to step again even if nobody wakes it. None: only when woken.
  virtual std::optional<MonoTime> NextWake() const = 0;
};

/// How others tell an actor's driver that there is something to do: a completion arrived, a request
/// was queued. Thread-safe; waking twice is waking once.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void Wake() = 0;
};

}  // namespace midwatch
