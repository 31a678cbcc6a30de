#include "controller/runtime/pump.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace midwatch {

void Signal::Wake() {
  {
    const std::scoped_lock lock(mutex_);
    if (woken_) {
      return;
    }
    woken_ = true;
  }
  changed_.notify_one();
}

void Signal::Wait(std::stop_token stop, Duration timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::move(stop), timeout, [this] { return woken_; });
  woken_ = false;
}

Pump::Pump(std::string name, Actor& actor, Signal& signal, const Clock& clock)
    : name_(std::move(name)),
      actor_(actor),
      signal_(signal),
      clock_(clock),
      thread_([this](std::stop_token stop) { Run(std::move(stop)); }) {}

void Pump::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Pump::Run(std::stop_token stop) {
  constexpr std::size_t kMaxThreadName = 15;
  pthread_setname_np(pthread_self(), name_.substr(0, kMaxThreadName).c_str());
  while (!stop.stop_requested()) {
    if (actor_.Step(clock_.Read())) {
      continue;
    }
    Duration wait = kMaxWait;
    if (const std::optional<MonoTime> next = actor_.NextWake()) {
      wait = std::clamp(*next - clock_.Read().mono, Duration::zero(), kMaxWait);
    }
    signal_.Wait(stop, wait);
  }
}

}  // namespace midwatch
