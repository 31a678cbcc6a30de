#include "controller/posix/signal_waiter.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "controller/posix/standard_output.h"
#include "controller/posix/system_clock.h"

namespace midwatch::posix {
namespace {

constexpr Duration kLong = std::chrono::minutes(10);

TEST(SignalWaiterTest, AWakeFromBeforeIsNotLost) {
  SignalWaiter waiter;
  waiter.Wake();
  waiter.WaitUntil(BootTime() + kLong);
  std::thread other([&] { waiter.Wake(); });
  waiter.WaitUntil(BootTime() + kLong);
  other.join();
  waiter.WaitUntil(BootTime());  // The deadline has passed.
}

TEST(SignalWaiterTest, SignalsAreTakenOnceTheyAreCaught) {
  SignalWaiter waiter;
  EXPECT_EQ(waiter.TakeSignal(), std::nullopt);
  waiter.CatchSignals();
  raise(SIGTERM);
  waiter.WaitUntil(BootTime() + kLong);
  EXPECT_EQ(waiter.TakeSignal(), SIGTERM);
  EXPECT_EQ(waiter.TakeSignal(), std::nullopt);
}

TEST(StandardOutputTest, APeerThatIsGoneIsNoError) {
  auto pipe = MakePipe();
  ASSERT_TRUE(pipe);
  signal(SIGPIPE, SIG_IGN);
  StandardOutput out(pipe->write.get());
  out.Write("hello");
  char buffer[16];
  EXPECT_EQ(read(pipe->read.get(), buffer, sizeof buffer), 5);
  pipe->read.Close();
  out.Write("nobody reads this");
}

}  // namespace
}  // namespace midwatch::posix
