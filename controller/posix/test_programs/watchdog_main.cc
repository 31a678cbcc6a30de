#include <cstdio>

#include "controller/posix/mcp_proxy.h"
#include "controller/posix/watchdog.h"

/// What posix starts of the midwatch binary: `mcp SOCKET`, or a watchdog.
int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2 && arguments[0] == "mcp") {
    const auto passed = midwatch::posix::RunMcpProxy(arguments[1]);
    if (!passed) {
      std::fputs(passed.error().message.c_str(), stderr);
    }
    return passed ? 0 : 1;
  }
  return midwatch::posix::RunWatchdog(arguments);
}
