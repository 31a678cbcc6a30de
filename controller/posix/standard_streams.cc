#include "controller/posix/standard_streams.h"

#include <unistd.h>

#include <cerrno>

namespace midwatch::posix {

void ReadInput(const std::function<bool(std::string_view)>& take) {
  char buffer[64 << 10];
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    if (!take({buffer, static_cast<std::size_t>(got)})) return;
  }
}

bool WriteOutput(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace midwatch::posix
