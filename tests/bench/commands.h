#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/bench/connection.h"

namespace midwatch::bench {

/// A request that is sent again and again; `{i}` in path and body is its number, from `first` on.
struct Template {
  std::string method = "GET";
  std::string path;
  std::string body = {};
  std::size_t first = 0;
};

/// The text with each `{i}` replaced by the number, and each `{g}` by a hundredth of it.
std::string Fill(std::string text, std::size_t number);

struct LoadOptions {
  Template request;
  std::size_t count = 1;
  std::size_t clients = 1;
  std::size_t population = 0;  ///< Numbers are drawn from as many, all over the place; 0: in order.
  int expect = 200;            ///< Any other status ends the measurement.
};
/// Clients that send their next request when the last was answered; prints rate and latencies.
void RunLoad(const Endpoint& endpoint, const LoadOptions& options);

struct TriggerOptions {
  std::string watch;
  std::vector<std::string> contains;  ///< Of the lines that count; `{i}` as in the request.
  std::string distinct;    ///< Lines with the same text between this and the next quote count once.
  std::size_t events = 1;  ///< As many lines end it.
  Template request;
  std::size_t repeat = 1;
  int pause_ms = 0;
};
/// Sends a request and waits for what it leads to on a watch; prints how long that took.
void RunTrigger(const Endpoint& endpoint, const TriggerOptions& options);

struct JobsOptions {
  std::string namespace_name;
  std::string module;
  std::size_t count = 1;
  int pause_ms = 0;
};
/// Reports jobs that fail, one after the other; prints the time from the report to the Dispatch
/// Assigned and to its sidecar started, as watches show them.
void RunJobs(const Endpoint& endpoint, const JobsOptions& options);

/// Prints the monotonic time at which `/readyz` first answered 200.
void RunReady(const Endpoint& endpoint);

/// Holds watches open and reads them, until standard input ends.
void RunHold(const Endpoint& endpoint, const std::string& watch, std::size_t watchers);

/// Appends 4 KiB and fdatasync, for so long: what the disk itself can do.
void RunDisk(const std::string& directory, double seconds);

}  // namespace midwatch::bench
