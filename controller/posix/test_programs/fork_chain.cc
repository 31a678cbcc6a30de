#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

namespace {

constexpr std::int64_t kSeconds = 60;  // A test that fails leaves nothing for ever.

std::int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

}  // namespace

/// `posix_fork_chain FILE`: a process that forks, in a session of its own, and ends; and so does
/// its child, without end. Each counts itself in the first eight bytes of the file.
int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const int file = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0 || ftruncate(file, sizeof(std::uint64_t)) != 0) return 1;
  void* memory = mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return 1;
  auto* const count = static_cast<volatile std::uint64_t*>(memory);
  for (int fd = 0; fd < 3; ++fd) close(fd);
  const std::int64_t until = Now() + kSeconds;
  while (Now() < until) {
    const pid_t child = _Fork();
    if (child > 0) _exit(0);
    if (child < 0) continue;  // Too many processes, for the moment.
    setsid();
    *count = *count + 1;
  }
  return 0;
}
