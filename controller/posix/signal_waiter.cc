#include "controller/posix/signal_waiter.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>

#include "controller/base/check.h"
#include "controller/posix/system_clock.h"

namespace midwatch::posix {
namespace {

constexpr std::array kCaught = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

// A signal handler can reach nothing but what is static: what has come, and whom to wake.
std::array<std::atomic<int>, kCaught.size()> pending;  // NOLINT
std::atomic<int> event = -1;                           // NOLINT
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void NoteSignal(int number) {
  const int kept = errno;
  for (std::size_t i = 0; i < kCaught.size(); ++i) {
    if (kCaught[i] == number) {
      ++pending[i];
    }
  }
  const std::uint64_t one = 1;
  const int to = event;
  if (to >= 0 && write(to, &one, sizeof one) < 0) {
    // The counter is full: it is awake already.
  }
  errno = kept;
}

/// What is ignored stays so: who started us (nohup) wants it.
void Handle(void (*how)(int)) {
  struct sigaction action {};
  action.sa_handler = how;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int number : kCaught) {
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) {
      sigaction(number, &action, nullptr);
    }
  }
}

}  // namespace

SignalWaiter::SignalWaiter() {
  auto made = MakeEvent();
  MIDWATCH_CHECK(made.has_value());
  wake_ = *std::move(made);
}

SignalWaiter::~SignalWaiter() {
  if (catches_) {
    Handle(SIG_DFL);
    event = -1;
  }
}

void SignalWaiter::Wake() { Signal(wake_); }

void SignalWaiter::WaitUntil(MonoTime deadline) {
  const std::int64_t left = std::max<std::int64_t>((deadline - BootTime()).count(), 0);
  const std::int64_t millis =
      std::min<std::int64_t>((left + 999) / 1000, std::numeric_limits<int>::max());
  pollfd wake{wake_.get(), POLLIN, 0};
  if (poll(&wake, 1, static_cast<int>(millis)) > 0) {
    Drain(wake_);
  }
}

void SignalWaiter::CatchSignals() {
  if (!catches_) {
    catches_ = true;
    event = wake_.get();
    Handle(NoteSignal);
  }
}

std::optional<int> SignalWaiter::TakeSignal() {
  if (!catches_) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kCaught.size(); ++i) {
    if (pending[i] > 0) {
      --pending[i];
      return kCaught[i];
    }
  }
  return std::nullopt;
}

}  // namespace midwatch::posix
