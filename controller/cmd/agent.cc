#include "controller/cmd/agent.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "controller/agent/agent_process.h"
#include "controller/cli/command_line.h"
#include "controller/cli/context.h"
#include "controller/cli/exit_codes.h"
#include "controller/cmd/agent_config.h"
#include "controller/cmd/connection.h"
#include "controller/cmd/driven.h"
#include "controller/cmd/environment.h"
#include "controller/cmd/log_of.h"
#include "controller/cmd/rights_check.h"
#include "controller/cmd/say_error.h"
#include "controller/cmd/stop_signal.h"
#include "controller/cmd/version.h"
#include "controller/posix/pid_namespace.h"
#include "controller/posix/process_runner.h"
#include "controller/posix/sandbox.h"
#include "controller/posix/system_clock.h"
#include "controller/posix/system_random.h"
#include "controller/posix/unix_ticket_server.h"
#include "controller/telemetry/prometheus_metrics.h"

namespace midwatch::cmd {
namespace {

std::string HostName() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

/// This program, for children: the name it was started under may not be found from their directory.
std::string ThisProgram() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

class Agent {
 public:
  explicit Agent(cli::AgentOptions options) : options_(std::move(options)) {}

  Result<void> Start() {
    MIDWATCH_ASSIGN(log_, OpenLog(options_.log, clock_));
    MIDWATCH_ASSIGN(api::AgentConfig config, ReadAgentConfig(options_.config, Environment()));
    agent::HostConfig host = Host();
    MIDWATCH_ASSIGN(host.prompts, ReadPrompts(config.prompts));
    const auto lease = std::chrono::seconds(config.lease_seconds);
    MIDWATCH_ASSIGN(connection_,
                    Connect(cli::KubeconfigCandidates(options_.kubeconfig, environment_),
                            {.deadline = agent::AnswerWithin(lease)}));
    std::error_code failed;
    std::filesystem::create_directories(options_.data, failed);
    std::filesystem::permissions(options_.data, std::filesystem::perms::owner_all, failed);
    if (failed) {
      return Fail(ErrorCode::kInternal, options_.data + ": " + failed.message());
    }
    const auto sandbox = posix::FindSandbox();
    const auto pid_namespace = sandbox ? std::vector<std::string>{} : posix::FindPidNamespace();
    SayWhatContains(sandbox.has_value(), !pid_namespace.empty());
    processes_.emplace(posix::RunnerOptions{.watchdog = {ThisProgram(), "watchdog"},
                                            .pid_namespace = pid_namespace,
                                            .sandbox = sandbox});
    const bool changes_user = sandbox && !sandbox->setpriv.empty();
    MIDWATCH_ASSIGN(
        tickets_, posix::UnixTicketServer::Start(
                      std::filesystem::absolute(options_.data).string() + "/sessions", *processes_,
                      *log_, changes_user ? std::optional(posix::kSandboxUser) : std::nullopt));
    random_ = system_random_.Fork("agent");
    agent::AgentSettings settings{.namespace_name = options_.agent.namespace_name,
                                  .agent = options_.agent.name,
                                  .hostname = HostName(),
                                  .config = std::move(config),
                                  .host = std::move(host),
                                  .drain_time = options_.drain};
    process_.Make(agent::AgentProcess::Ports{.client = *connection_.kube,
                                             .processes = *processes_,
                                             .tickets = *tickets_,
                                             .store = *connection_.artifacts,
                                             .random = *random_,
                                             .waker = process_.signal(),
                                             .log = *log_,
                                             .metrics = metrics_},
                  std::move(settings));
    process_.Run(clock_);
    return {};
  }

  /// Blocks until it is asked to end, or has ended by itself.
  void Wait(StopSignal& stop) {
    while (!process_->finished() && stop.WaitFor(kLook) == 0) {
      WarnOfRights();
    }
  }

  /// Why it ended by itself.
  std::optional<Error> Failure() {
    if (!process_->finished() || !process_->failure()) return std::nullopt;
    Error failure = *process_->failure();
    failure.message =
        AgentName() + ": the server refuses the token of this kubeconfig: " + failure.message;
    return failure;
  }

  std::string AgentName() const {
    return options_.agent.namespace_name + "/" + options_.agent.name;
  }

  /// Lets what runs end, for as long as the drain time allows; a second signal ends it at once,
  /// unless it comes with the first, as timeout(1) sends them.
  void Drain(StopSignal& stop) {
    if (!process_->finished()) log_->Info("draining");
    process_->Drain();
    const MonoTime asked = clock_.Read().mono;
    do {
      Wait(stop);
    } while (!process_->finished() && clock_.Read().mono < asked + kSameWish);
    process_.Stop();
  }

 private:
  static constexpr Duration kLook = std::chrono::milliseconds(500);
  static constexpr Duration kSameWish = std::chrono::seconds(1);

  void WarnOfRights() {
    if (rights_.Exceeds(*connection_.http, options_.agent.namespace_name, clock_.Read().mono)) {
      log_->Warn(
          "this kubeconfig may do more than an Agent's token, such as reading Secrets; make "
          "one with: midwatch agent token " +
          AgentName() + " --file FILE");
    }
  }

  api::StringMap Environment() const { return {environment_.begin(), environment_.end()}; }

  void SayWhatContains(bool sandbox, bool pid_namespace) {
    if (sandbox) {
      const bool changes_user = geteuid() == 0;
      return log_->Info("sidecars run in a sandbox (bubblewrap)",
                        {{"user", changes_user ? "nobody" : "that of the agent"}});
    }
    log_->Warn("bubblewrap is not usable here: sidecars can read what this user can read");
    if (pid_namespace) return log_->Info("sidecars run in PID namespaces of their own (unshare)");
    log_->Warn(
        "there are no PID namespaces here: a sidecar may kill its watchdog, and one that forks "
        "without end may outlive its Run");
  }

  agent::HostConfig Host() const {
    agent::HostConfig host;
    host.version = kVersion;
    host.mcp_command = {ThisProgram(), "mcp"};
    host.environment = Environment();
    return host;
  }

  const cli::AgentOptions options_;
  const std::map<std::string, std::string> environment_ = ReadEnvironment();
  posix::SystemClock clock_;
  posix::SystemRandom system_random_;
  telemetry::PrometheusMetrics metrics_;
  std::unique_ptr<Log> log_;
  cli::Connection connection_;
  RightsCheck rights_;
  std::optional<posix::PosixProcessRunner> processes_;
  std::unique_ptr<TicketServer> tickets_;
  std::unique_ptr<Random> random_;
  Driven<agent::AgentProcess> process_{"agent"};
};

}  // namespace

int RunAgent(const cli::AgentOptions& options) {
  StopSignal stop;
  Agent agent(options);
  if (const auto started = agent.Start(); !started) {
    SayError(started.error().message, cli::HintFor(started.error()));
    return cli::kExitFailed;
  }
  agent.Wait(stop);
  agent.Drain(stop);
  if (const auto failure = agent.Failure()) {
    SayError(failure->message, "expected a token of this Agent: midwatch agent token " +
                                   agent.AgentName() + " --file FILE makes one");
    return cli::kExitFailed;
  }
  return 0;
}

}  // namespace midwatch::cmd
