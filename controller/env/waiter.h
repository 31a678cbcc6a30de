#pragma once

#include <optional>

#include "controller/env/actor.h"

namespace midwatch {

/// How a command of the command line waits for what runs on other threads: the only place in it
/// that blocks. Wake: any thread; the rest: one thread.
///
/// Implementations: posix::SignalWaiter.
class Waiter : public Waker {
 public:
  /// Until somebody has called Wake since the last return, a caught signal came, or the deadline
  /// passed.
  virtual void WaitUntil(MonoTime deadline) = 0;
  /// From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT do not end this process but are taken here.
  virtual void CatchSignals() = 0;
  /// A signal that was caught and not taken yet.
  virtual std::optional<int> TakeSignal() = 0;
};

}  // namespace midwatch
