#pragma once

#include <csignal>

#include "controller/base/time.h"

namespace midwatch::cmd {

/// Takes SIGINT, SIGTERM and SIGHUP for this process: blocked in every thread that starts later,
/// and waited for here. To be made before the first thread.
class StopSignal {
 public:
  StopSignal();
  /// Blocks until one arrives; gives its number.
  int Wait();
  /// The same for at most `timeout`; 0 if none came.
  int WaitFor(Duration timeout);

 private:
  sigset_t set_;
};

}  // namespace midwatch::cmd
