// Load for benchmarks over HTTPS, and what measures it. See README.md.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/bench/commands.h"

namespace midwatch::bench {
namespace {

constexpr const char* kUsage =
    "usage: midwatch_load COMMAND [--NAME VALUE]…\n"
    "  where the API is:  --port N --ca FILE --token-file FILE\n"
    "  a request:         --method M --path P --body TEXT --first N\n"
    "                     ({i} is its number, {g} a hundredth of it)\n"
    "  load     REQUEST --count N --clients N --population N --expect STATUS\n"
    "  trigger  REQUEST --watch PATH --contains TEXT… --distinct TEXT --events N --repeat N\n"
    "           --pause MS\n"
    "  jobs     --namespace N --module M --count N --pause MS\n"
    "  ready\n"
    "  hold     --watch PATH --watchers N\n"
    "  disk     --directory D --seconds S\n";

class Options {
 public:
  Options(int argc, char** argv) {
    for (int i = 2; i + 1 < argc; i += 2) {
      all_.emplace(argv[i], argv[i + 1]);
    }
    if (argc % 2 != 0) {
      std::fputs(kUsage, stderr);
      std::exit(2);
    }
  }
  std::string Text(const std::string& name, const std::string& otherwise = {}) const {
    const auto found = all_.find(name);
    return found == all_.end() ? otherwise : found->second;
  }
  std::size_t Number(const std::string& name, std::size_t otherwise) const {
    const auto found = all_.find(name);
    return found == all_.end() ? otherwise : std::strtoull(found->second.c_str(), nullptr, 10);
  }
  std::vector<std::string> Texts(const std::string& name) const {
    std::vector<std::string> out;
    for (auto [at, end] = all_.equal_range(name); at != end; ++at) {
      out.push_back(at->second);
    }
    return out;
  }

 private:
  std::multimap<std::string, std::string> all_;
};

Template RequestOf(const Options& options) {
  return {.method = options.Text("--method", "GET"),
          .path = options.Text("--path"),
          .body = options.Text("--body"),
          .first = options.Number("--first", 0)};
}

Endpoint EndpointOf(const Options& options) {
  std::ifstream file(options.Text("--token-file"));
  std::string token;
  std::getline(file, token);
  return {.port = static_cast<std::uint16_t>(options.Number("--port", 0)),
          .ca_file = options.Text("--ca"),
          .token = token};
}

int Run(const std::string& command, const Options& options) {
  const Endpoint endpoint = EndpointOf(options);
  if (command == "load") {
    RunLoad(endpoint, {.request = RequestOf(options),
                       .count = options.Number("--count", 1),
                       .clients = options.Number("--clients", 1),
                       .population = options.Number("--population", 0),
                       .expect = static_cast<int>(options.Number("--expect", 200))});
  } else if (command == "trigger") {
    RunTrigger(endpoint, {.watch = options.Text("--watch"),
                          .contains = options.Texts("--contains"),
                          .distinct = options.Text("--distinct"),
                          .events = options.Number("--events", 1),
                          .request = RequestOf(options),
                          .repeat = options.Number("--repeat", 1),
                          .pause_ms = static_cast<int>(options.Number("--pause", 0))});
  } else if (command == "jobs") {
    RunJobs(endpoint, {.namespace_name = options.Text("--namespace"),
                       .module = options.Text("--module"),
                       .count = options.Number("--count", 1),
                       .pause_ms = static_cast<int>(options.Number("--pause", 0))});
  } else if (command == "ready") {
    RunReady(endpoint);
  } else if (command == "hold") {
    RunHold(endpoint, options.Text("--watch"), options.Number("--watchers", 1));
  } else if (command == "disk") {
    RunDisk(options.Text("--directory", "."),
            std::strtod(options.Text("--seconds", "1").c_str(), nullptr));
  } else {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return 0;
}

}  // namespace

std::string Fill(std::string text, std::size_t number) {
  constexpr std::size_t kGroup = 100;
  for (const auto& [place, digits] :
       {std::pair<std::string_view, std::string>{"{i}", std::to_string(number)},
        std::pair<std::string_view, std::string>{"{g}", std::to_string(number / kGroup)}}) {
    for (std::size_t at = text.find(place); at != std::string::npos;
         at = text.find(place, at + digits.size())) {
      text.replace(at, place.size(), digits);
    }
  }
  return text;
}

}  // namespace midwatch::bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const midwatch::bench::Options options(argc, argv);
  return midwatch::bench::Run(argc > 1 ? argv[1] : "", options);
}
