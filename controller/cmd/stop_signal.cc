#include "controller/cmd/stop_signal.h"

#include <pthread.h>

#include <cerrno>

namespace midwatch::cmd {

StopSignal::StopSignal() {
  sigemptyset(&set_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) {  // Else who started us (nohup) wants it ignored.
      sigaddset(&set_, number);
    }
  }
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int StopSignal::Wait() {
  int number = 0;
  while (sigwait(&set_, &number) != 0) {
  }
  return number;
}

int StopSignal::WaitFor(Duration timeout) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  timespec limit{};
  limit.tv_sec = seconds.count();
  limit.tv_nsec = (timeout - seconds).count() * 1000;
  int number = 0;
  do {
    number = sigtimedwait(&set_, nullptr, &limit);
  } while (number < 0 && errno == EINTR);
  return number < 0 ? 0 : number;
}

}  // namespace midwatch::cmd
