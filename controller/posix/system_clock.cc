#include "controller/posix/system_clock.h"

#include <ctime>

namespace midwatch::posix {
namespace {

std::int64_t MicrosOf(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

Now SystemClock::Read() const { return {{MicrosOf(CLOCK_REALTIME)}, BootTime()}; }

MonoTime BootTime() { return {MicrosOf(CLOCK_BOOTTIME)}; }

}  // namespace midwatch::posix
