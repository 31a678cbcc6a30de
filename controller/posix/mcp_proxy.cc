#include "controller/posix/mcp_proxy.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "controller/posix/descriptor.h"

namespace midwatch::posix {
namespace {

constexpr std::size_t kBuffer = 64 << 10;

Result<Descriptor> Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Fail(ErrorCode::kTooLarge,
                "socket " + path + ": the path is too long for a Unix socket");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return Fail(SystemError("make socket", errno));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Fail(SystemError("connect to " + path, errno));
  }
  return fd;
}

/// Bytes on their way from one descriptor to another.
struct Direction {
  int from;
  int to;
  char buffer[kBuffer] = {};
  std::size_t begin = 0;
  std::size_t end = 0;
  bool over = false;  // Nothing more comes, and all of it went.

  bool empty() const { return begin == end; }
  int Reads() const { return !over && empty() ? from : -1; }
  int Writes() const { return !over && !empty() ? to : -1; }

  void Read() {
    const ssize_t got = read(from, buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    begin = 0;
    end = got > 0 ? static_cast<std::size_t>(got) : 0;
    over = got <= 0;
  }
  void Write() {
    const ssize_t put = write(to, buffer + begin, end - begin);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (put < 0) over = true;
    if (put > 0) begin += static_cast<std::size_t>(put);
  }
};

void Pass(const Descriptor& agent) {
  Direction in{.from = STDIN_FILENO, .to = agent.get()};
  Direction out{.from = agent.get(), .to = STDOUT_FILENO};
  bool told_end = false;
  while (!out.over) {
    pollfd polls[] = {{in.Reads(), POLLIN, 0},
                      {in.Writes(), POLLOUT, 0},
                      {out.Reads(), POLLIN, 0},
                      {out.Writes(), POLLOUT, 0}};
    if (poll(polls, 4, -1) < 0 && errno != EINTR) return;
    if (polls[0].revents != 0) in.Read();
    if (polls[1].revents != 0) in.Write();
    if (polls[2].revents != 0) out.Read();
    if (polls[3].revents != 0) out.Write();
    if (in.over && !told_end) {
      shutdown(agent.get(), SHUT_WR);
      told_end = true;
    }
  }
}

}  // namespace

Result<void> RunMcpProxy(const std::string& socket_path) {
  signal(SIGPIPE, SIG_IGN);
  const char* ticket = std::getenv("MIDWATCH_TICKET");
  if (ticket == nullptr) {
    return Fail(ErrorCode::kInvalid,
                "$MIDWATCH_TICKET is not set; a sidecar gets it from its agent");
  }
  MIDWATCH_ASSIGN(const auto agent, Connect(socket_path));
  const std::string line = std::string(ticket) + "\n";
  if (write(agent.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return Fail(ErrorCode::kUnavailable, "the agent has gone");
  }
  Pass(agent);
  return {};
}

}  // namespace midwatch::posix
