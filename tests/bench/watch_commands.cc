#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <set>

#include "tests/bench/commands.h"
#include "tests/bench/latencies.h"

namespace midwatch::bench {
namespace {

/// What stands between the marker and the next quote.
std::string After(std::string_view line, std::string_view marker) {
  const std::size_t at = line.find(marker);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = line.substr(at + marker.size());
  return std::string(rest.substr(0, rest.find('"')));
}

/// Counts the lines that a trigger leads to.
class Expected {
 public:
  explicit Expected(const TriggerOptions& options) : options_(options) {}

  void Begin(std::size_t number) {
    texts_.clear();
    for (const std::string& text : options_.contains) {
      texts_.push_back(Fill(text, number));
    }
    seen_.clear();
    count_ = 0;
  }
  void OnLine(std::string_view line) {
    for (const std::string& text : texts_) {
      if (line.find(text) == std::string_view::npos) {
        return;
      }
    }
    if (options_.distinct.empty() || seen_.insert(After(line, options_.distinct)).second) {
      count_ += 1;
      last_ = Nanoseconds();
    }
  }
  bool complete() const { return count_ >= options_.events; }
  std::int64_t last() const { return last_; }

 private:
  const TriggerOptions& options_;
  std::vector<std::string> texts_;
  std::set<std::string> seen_;
  std::size_t count_ = 0;
  std::int64_t last_ = 0;
};

void Pause(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

}  // namespace

void RunTrigger(const Endpoint& endpoint, const TriggerOptions& options) {
  Expected expected(options);
  Caller caller(endpoint);
  Watcher watcher(endpoint, options.watch, [&](std::string_view line) { expected.OnLine(line); });
  Latencies to_event;
  Latencies to_answer;
  for (std::size_t i = options.request.first; i < options.request.first + options.repeat; ++i) {
    expected.Begin(i);
    const std::int64_t begin = Nanoseconds();
    std::int64_t answered = 0;
    caller.Begin(options.request.method, Fill(options.request.path, i),
                 Fill(options.request.body, i));
    while (!expected.complete() || !caller.answered()) {
      Serve({watcher.connection(), caller.connection()});
      if (caller.answered() && answered == 0) {
        answered = Nanoseconds();
        if (caller.answer().status >= 300) {
          Die("status " + std::to_string(caller.answer().status) + ": " + caller.answer().body);
        }
      }
    }
    to_event.Add(expected.last() - begin);
    to_answer.Add(answered - begin);
    Pause(options.pause_ms);
  }
  std::printf(R"({"count":%zu,%s,%s})"
              "\n",
              to_event.count(), to_event.Json("event").c_str(), to_answer.Json("answer").c_str());
}

void RunHold(const Endpoint& endpoint, const std::string& watch, std::size_t watchers) {
  std::vector<std::unique_ptr<Watcher>> all;
  std::size_t lines = 0;
  for (std::size_t i = 0; i < watchers; ++i) {
    all.push_back(
        std::make_unique<Watcher>(endpoint, watch, [&](std::string_view) { lines += 1; }));
  }
  std::printf("holding\n");
  std::fflush(stdout);
  std::vector<pollfd> wanted(watchers + 1);
  while (true) {
    for (std::size_t i = 0; i < watchers; ++i) {
      wanted[i] = {all[i]->connection()->descriptor(), POLLIN, 0};
    }
    wanted[watchers] = {STDIN_FILENO, POLLIN, 0};
    ::poll(wanted.data(), wanted.size(), -1);
    for (std::size_t i = 0; i < watchers; ++i) {
      if (wanted[i].revents != 0) {
        all[i]->connection()->OnReady();
      }
    }
    if (wanted[watchers].revents != 0) {
      std::printf(R"({"lines":%zu})"
                  "\n",
                  lines);
      return;
    }
  }
}

void RunReady(const Endpoint& endpoint) {
  constexpr int kTries = 60'000;  // Of a millisecond each.
  for (int i = 0; i < kTries; ++i, Pause(1)) {
    int status = 0;
    bool ended = false;
    const auto connection = Connection::Open(endpoint, {.on_head = [&](int s) { status = s; },
                                                        .on_body = [](std::string_view) {},
                                                        .on_end = [&] { ended = true; }});
    if (connection == nullptr) {
      continue;
    }
    connection->Send(MakeRequest(endpoint, "GET", "/readyz", {}));
    while (!ended) {
      Serve({connection.get()});
    }
    if (status == 200) {
      std::printf("%lld\n", static_cast<long long>(Nanoseconds()));
      return;
    }
  }
  Die("not ready within a minute");
}

}  // namespace midwatch::bench
