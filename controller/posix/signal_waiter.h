#pragma once

#include "controller/env/waiter.h"
#include "controller/posix/descriptor.h"

namespace midwatch::posix {

/// Waits in poll(2). One at a time in a process may catch signals; once it is destroyed they end
/// the process again.
class SignalWaiter final : public Waiter {
 public:
  SignalWaiter();
  ~SignalWaiter() override;
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  void Wake() override;
  void WaitUntil(MonoTime deadline) override;
  void CatchSignals() override;
  std::optional<int> TakeSignal() override;

 private:
  Descriptor wake_;
  bool catches_ = false;
};

}  // namespace midwatch::posix
