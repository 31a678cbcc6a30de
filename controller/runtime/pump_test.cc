#include "controller/runtime/pump.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "controller/env/inbox.h"
#include "controller/testing/manual_clock.h"

namespace midwatch {
namespace {

/// Takes numbers from its inbox; counts down when one came.
class Counter final : public Actor {
 public:
  Counter(Waker& waker, std::latch& latch)
      : inbox_(std::make_shared<Inbox<int>>(waker)), latch_(latch) {}
  ~Counter() override { inbox_->Close(); }

  bool Step(Now now) override {
    if (due_ && now.mono >= MonoTime{due_}) {
      due_ = 0;
      latch_.count_down();
      return true;
    }
    if (!inbox_->Take()) {
      return false;
    }
    latch_.count_down();
    return true;
  }
  std::optional<MonoTime> NextWake() const override {
    const std::int64_t due = due_;
    return due != 0 ? std::optional(MonoTime{due}) : std::nullopt;
  }
  std::shared_ptr<Inbox<int>> inbox() { return inbox_; }
  void WakeAt(MonoTime time) { due_ = time.micros; }

 private:
  std::shared_ptr<Inbox<int>> inbox_;  // With those who push.
  std::latch& latch_;
  std::atomic<std::int64_t> due_ = 0;
};

TEST(PumpTest, StepsUntilIdleAndAgainWhenWoken) {
  fakes::ManualClock clock;
  Signal signal;
  std::latch latch(3000);
  Counter counter(signal, latch);
  Pump pump("counter", counter, signal, clock);
  std::vector<std::jthread> pushers;
  for (int thread = 0; thread < 3; ++thread) {
    pushers.emplace_back([inbox = counter.inbox()] {
      for (int i = 0; i < 1000; ++i) {
        inbox->Push(i);
      }
    });
  }
  latch.wait();
  pump.Stop();
}

TEST(PumpTest, WakesByItselfAtTheNextTime) {
  fakes::ManualClock clock;
  Signal signal;
  std::latch latch(1);
  Counter counter(signal, latch);
  counter.WakeAt(clock.Read().mono);
  const Pump pump("counter", counter, signal, clock);
  latch.wait();
}

TEST(PumpTest, StopEndsAWaitingThread) {
  fakes::ManualClock clock;
  Signal signal;
  std::latch latch(1);
  Counter counter(signal, latch);
  Pump pump("counter", counter, signal, clock);
  pump.Stop();
  pump.Stop();
}

}  // namespace
}  // namespace midwatch
