#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "tests/bench/commands.h"
#include "tests/bench/latencies.h"

namespace midwatch::bench {

void RunDisk(const std::string& directory, double seconds) {
  const std::string path = directory + "/fdatasync.bench";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    Die("cannot write to " + directory);
  }
  const std::array<char, 4096> page{};
  Latencies latencies;
  const std::int64_t begin = Nanoseconds();
  std::int64_t last = begin;
  while (static_cast<double>(last - begin) < seconds * 1e9) {
    if (::write(file, page.data(), page.size()) != static_cast<ssize_t>(page.size()) ||
        ::fdatasync(file) != 0) {
      Die("cannot sync " + path);
    }
    const std::int64_t now = Nanoseconds();
    latencies.Add(now - last);
    last = now;
  }
  ::close(file);
  ::unlink(path.c_str());
  std::printf(R"({"per_second":%.1f,%s})"
              "\n",
              static_cast<double>(latencies.count()) / (static_cast<double>(last - begin) / 1e9),
              latencies.Json("sync").c_str());
}

}  // namespace midwatch::bench
