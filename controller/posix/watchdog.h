#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.h"
#include "controller/env/process_runner.h"

namespace midwatch::posix {

/// `midwatch watchdog --until MICROS [--data BYTES] [--cpu SECONDS] [--wrapper 1] -- PROGRAM
/// ARGUMENT0 …`: parent and subreaper of one process tree. It passes its standard descriptors,
/// environment and working directory on, and kills the whole tree when the process ends, when asked
/// to, when CLOCK_BOOTTIME reaches the deadline, or when the other end of descriptor 3 is closed:
/// whatever has become of the agent, and however its children hid. It exits only when nothing of
/// the tree is left.
///
/// Descriptor 3 is a SOCK_SEQPACKET socket; one message each: `until MICROS`, `stop MICROS` (grace)
/// to it, `exit CODE SIGNAL` or `fail TEXT` (not started) from it.
int RunWatchdog(const std::vector<std::string>& arguments);

/// Before a program and its arguments, instead of the above: RunNamespaceInit.
inline constexpr const char* kInit = "--init";

/// The longest message on descriptor 3.
inline constexpr std::size_t kMaxWatchdogMessage = 4096;

struct WatchdogArguments {
  MonoTime until;
  std::uint64_t data_limit = 0;
  std::uint64_t cpu_seconds = 0;
  /// The program runs another one, which would be killed at once if SIGTERM ended the program.
  bool is_wrapper = false;
  std::string program;
  std::vector<std::string> arguments;
};

std::vector<std::string> ToArguments(const WatchdogArguments& parsed);
/// The inverse; none if they do not fit.
std::optional<WatchdogArguments> ParseWatchdogArguments(const std::vector<std::string>& arguments);

}  // namespace midwatch::posix
