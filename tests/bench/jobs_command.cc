#include <poll.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "tests/bench/commands.h"
#include "tests/bench/latencies.h"

namespace midwatch::bench {
namespace {

constexpr const char* kApi = "/apis/midwatch.dev/v1alpha1";

bool Has(std::string_view line, std::string_view text) {
  return line.find(text) != std::string_view::npos;
}

std::string Today() {
  std::array<char, 32> out{};
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return out.data();
}

/// The job in flight, as the watches show it.
class JobInFlight {
 public:
  void Begin(const std::string& job_id) {
    *this = {};
    marker_ = R"("jobID":")" + job_id + '"';
  }
  void OnDispatch(std::string_view line) {
    if (!Has(line, marker_)) {
      return;
    }
    if (assigned_ == 0 && Has(line, R"("phase":"Assigned")")) {
      assigned_ = Nanoseconds();
    }
    ended_ = ended_ || Has(line, R"("phase":"Succeeded")") || Has(line, R"("phase":"Failed")");
    if (Has(line, R"("phase":"Parked")")) {
      Die("a dispatch was parked: " + std::string(line.substr(line.rfind(R"("status":{)"))));
    }
  }
  // A Run's history names earlier jobs, never later ones.
  void OnRun(std::string_view line) {
    if (started_ == 0 && Has(line, marker_) && Has(line, R"("startedAt":")")) {
      started_ = Nanoseconds();
    }
  }
  bool complete() const { return assigned_ != 0 && started_ != 0 && ended_; }
  std::int64_t assigned() const { return assigned_; }
  std::int64_t started() const { return started_; }

 private:
  std::string marker_;
  std::int64_t assigned_ = 0;
  std::int64_t started_ = 0;
  bool ended_ = false;
};

/// Transitions are append-only: the first says the same when the second comes.
std::string Transitions(const std::string& at, bool failed) {
  std::string out = R"("transitions":[{"seq":0,"state":"Running","at":")" + at + "\"}";
  if (failed) {
    out += R"(,{"seq":1,"state":"Failed","exitCode":1,"at":")" + at + "\"}";
  }
  return out + "]";
}

}  // namespace

void RunJobs(const Endpoint& endpoint, const JobsOptions& options) {
  const std::string jobs =
      std::string(kApi) + "/namespaces/" + options.namespace_name + "/modulejobs";
  const std::string run = std::to_string(Nanoseconds());  // Jobs of earlier calls have other names.
  JobInFlight job;
  Caller caller(endpoint);
  Watcher dispatches(endpoint, std::string(kApi) + "/dispatches",
                     [&](std::string_view line) { job.OnDispatch(line); });
  Watcher runs(endpoint, std::string(kApi) + "/runs",
               [&](std::string_view line) { job.OnRun(line); });
  const auto check = [](const Caller::Answer& answer, int expect) {
    if (answer.status != expect) {
      Die("status " + std::to_string(answer.status) + ": " + answer.body);
    }
  };
  Latencies to_assigned;
  Latencies to_started;
  Latencies to_end;
  for (std::size_t i = 0; i < options.count; ++i) {
    const std::string name = "bench-" + run + "-" + std::to_string(i);
    const std::string at = Today();
    job.Begin(name);
    check(caller.Call("POST", jobs,
                      R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"ModuleJob",)"
                      R"("metadata":{"name":")" +
                          name + R"("},"spec":{"moduleRef":{"name":")" + options.module +
                          R"("},"jobID":")" + name + "\"," + Transitions(at, false) + "}}"),
          201);
    ::poll(nullptr, 0, options.pause_ms);  // The job runs, and what its start led to is done.
    const std::int64_t begin = Nanoseconds();
    caller.Begin("PATCH", jobs + "/" + name, R"({"spec":{)" + Transitions(at, true) + "}}");
    while (!job.complete() || !caller.answered()) {
      Serve({dispatches.connection(), runs.connection(), caller.connection()});
      if (caller.answered()) {
        check(caller.answer(), 200);  // Refused, nothing would follow.
      }
    }
    to_assigned.Add(job.assigned() - begin);
    to_started.Add(job.started() - begin);
    to_end.Add(Nanoseconds() - begin);
  }
  std::printf(R"({"count":%zu,%s,%s,%s})"
              "\n",
              to_assigned.count(), to_assigned.Json("assigned").c_str(),
              to_started.Json("started").c_str(), to_end.Json("end").c_str());
}

}  // namespace midwatch::bench
