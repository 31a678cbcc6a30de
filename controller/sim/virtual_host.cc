#include "controller/sim/virtual_host.h"

#include <algorithm>
#include <utility>

#include "controller/api/codec.h"
#include "controller/base/line_splitter.h"
#include "controller/object/json_rpc.h"

namespace midwatch::sim {
namespace {

constexpr std::string_view kSessions = "/sessions/";

Json ResultOf(const api::Run& run) {
  const std::string text = "simulated by " + run.metadata.name;
  Json result = Json::Of({{"evidence", Json::EmptyArray()}});
  for (const api::Artifact& input : run.spec.inputs) {
    result["evidence"].Append(Json::Of({{"artifact", input.name}, {"quote", "error: it broke"}}));
  }
  switch (run.spec.mission_type) {
    case api::MissionType::kAutoDiagnose:
      result.Set("rootCause", text);
      result.Set("category", "Unknown");
      result.Set("transient", false);
      result.Set("confidence", "Low");
      break;
    case api::MissionType::kApprovalRecommend:
      result.Set("recommend", "NeedsHuman");
      result.Set("reason", text);
      break;
    case api::MissionType::kSummarizeJob:
      result.Set("summary", text);
  }
  return result;
}

}  // namespace

/// What the sidecar process does. Shared by its handle, its connection and what is due.
class VirtualHost::Machine final : public std::enable_shared_from_this<VirtualHost::Machine> {
 public:
  Machine(VirtualHost& host, std::string uid, std::shared_ptr<ProcessSink> sink,
          fakes::SeededRandom random)
      : host_(host), uid_(std::move(uid)), sink_(std::move(sink)), random_(random) {
    stubborn_ = host_.habits_.immortal || random_.Chance(host_.habits_.stubborn);
  }

  void Begin() {
    Sidecar sidecar{.run = uid_, .run_uid = uid_, .pair = uid_, .dispatch = {}};
    if (const api::Run* run = host_.world_.find_run(uid_)) {
      const api::RunSpec& spec = run->spec;
      sidecar.run = run->metadata.namespace_name + "/" + run->metadata.name;
      sidecar.pair = spec.module.namespace_name + "/" + spec.job.name + "/" +
                     std::string(api::ToString(spec.mission_type));
      sidecar.dispatch = spec.dispatch_ref.namespace_name + "/" + spec.dispatch_ref.name;
      result_ = ResultOf(*run);
    }
    sidecar.started = host_.world_.scheduler.now();
    host_.world_.truth.Started(sidecar);
  }

  bool Hear(std::string bytes) {
    Later(Soon(), [this, bytes = std::move(bytes)] {
      for (const LineSplitter::Line& line : input_.Feed(bytes)) {
        OnClient(line.text);
      }
    });
    return alive_;
  }
  void HearTools(std::uint64_t connection, std::string bytes) {
    Later(Soon(), [this, connection, bytes = std::move(bytes)] {
      if (connection != connection_) {
        return;
      }
      for (const LineSplitter::Line& line : tools_input_.Feed(bytes)) {
        OnTools(line.text);
      }
    });
  }
  void CloseInput() {
    if (!stubborn_) {
      Later(Soon(), [this] { Exit({.code = 0}); });
    }
  }
  void Stop(Duration grace) {
    if (host_.habits_.immortal) {
      return;
    }
    const Duration takes = stubborn_ ? grace : std::min<Duration>(grace, Soon());
    Later(takes,
          [this, by_force = takes == grace] { Exit({.code = 0, .signal = by_force ? 9 : 15}); });
  }
  /// The agent process is gone, or lets go of it.
  void Kill() {
    Later(Soon(), [this] { Exit({.code = 0, .signal = 9}); });
  }

  void KillAt(MonoTime deadline) {
    const std::uint64_t number = ++deadlines_;
    if (host_.habits_.no_watchdog) {
      return;
    }
    const Duration in(host_.world_.clock.WhenMono(deadline) - host_.world_.scheduler.now());
    Later(std::max(in, Duration::zero()), [this, number] {
      if (number == deadlines_) {
        Exit({.code = 0, .signal = 9});
      }
    });
  }

 private:
  Duration Soon() { return Duration(random_.Between(50, 2'000)); }

  void Later(Duration delay, std::function<void()> what) {
    host_.world_.scheduler.After(delay, [self = shared_from_this(), what = std::move(what)] {
      if (self->alive_) {
        what();
      }
    });
  }

  void Exit(ProcessExit exit) {
    alive_ = false;
    host_.world_.truth.Ended(uid_);
    if (tools_ != nullptr) {
      tools_->OnClosed();
    }
    sink_->OnExit(exit);
  }

  void OnClient(const std::string& line) {
    const Result<JsonRpcMessage> message = ParseJsonRpc(line);
    if (!message) {
      return;
    }
    if (message->method == "initialize") {
      Answer(message->id,
             Json::Of({{"protocolVersion", 1},
                       {"agentInfo", Json::Of({{"name", "virtual"}, {"version", "1"}})},
                       {"agentCapabilities", Json::EmptyObject()}}));
    } else if (message->method == "session/new") {
      const Json& server = message->params.At("mcpServers").Items().front();
      socket_ = server.At("args").Items().back().AsString();
      for (const Json& variable : server.At("env").Items()) {
        ticket_ = variable.At("value").AsString();
      }
      Answer(message->id, Json::Of({{"sessionId", "s"}}));
    } else if (message->method == "session/prompt") {
      prompt_ = message->id;
      Work();
    } else if (message->method == "session/cancel" && !stubborn_) {
      EndTurn("cancelled");
    }
  }

  void Work() {
    const SidecarHabits& habits = host_.habits_;
    if (random_.Chance(habits.hang)) {
      return;
    }
    const Duration longest =
        random_.Chance(habits.long_work) ? Duration(std::chrono::hours(2)) : habits.longest_work;
    const Duration takes(random_.Between(habits.shortest_work.count(), longest.count()));
    const std::uint64_t fate = random_.Below(1000);
    Later(takes, [this, fate, &habits] {
      if (fate < habits.crash) {
        Exit({.code = 1});
      } else if (fate < habits.crash + habits.forget) {
        EndTurn("end_turn");
      } else {
        Connect();
      }
    });
  }

  void Connect();

  void OnTools(const std::string& line) {
    const Result<JsonRpcMessage> message = ParseJsonRpc(line);
    if (!message || message->kind != JsonRpcKind::kResult) {
      return;
    }
    if (message->id == Json(1)) {
      tools_->OnBytes(RequestLine(Json(2), "tools/call",
                                  Json::Of({{"name", "submit_result"}, {"arguments", result_}})));
      if (random_.Chance(host_.habits_.lose_tools)) {  // f29: starts them again and asks once more.
        tools_->OnClosed();
        ++connection_;
        tools_.reset();
        Later(Soon(), [this] { Connect(); });
      }
    } else {
      host_.world_.result_taken();
      EndTurn("end_turn");
    }
  }

  void EndTurn(const char* reason) { Answer(prompt_, Json::Of({{"stopReason", reason}})); }
  void Answer(const Json& id, Json result) { sink_->OnStdout(ResultLine(id, std::move(result))); }

  VirtualHost& host_;
  std::string uid_;
  std::shared_ptr<ProcessSink> sink_;  // With the session.
  fakes::SeededRandom random_;
  LineSplitter input_{kMaxJsonRpcLine};
  LineSplitter tools_input_{kMaxJsonRpcLine};
  std::shared_ptr<TicketSink> tools_;  // With the session.
  std::uint64_t connection_ = 0;       // The present one; what earlier ones bring is not heard.
  std::string socket_;
  std::string ticket_;
  Json prompt_;
  Json result_;
  std::uint64_t deadlines_ = 0;
  bool stubborn_ = false;
  bool alive_ = true;
};

class VirtualHost::Connection final : public TicketConnection {
 public:
  Connection(std::weak_ptr<Machine> machine, std::uint64_t number)
      : machine_(std::move(machine)), number_(number) {}
  bool Write(std::string bytes) override {
    const std::shared_ptr<Machine> machine = machine_.lock();
    if (machine != nullptr) {
      machine->HearTools(number_, std::move(bytes));
    }
    return machine != nullptr;
  }
  void Close() override {}
  void Resume() override {}

 private:
  std::weak_ptr<Machine> machine_;
  std::uint64_t number_;
};

void VirtualHost::Machine::Connect() {
  const auto socket = host_.sockets_.find(socket_);
  if (socket == host_.sockets_.end() || socket->second.ticket != ticket_) {
    return Exit({.code = 2});
  }
  tools_ = socket->second.accept();
  if (tools_ == nullptr) return Exit({.code = 2});
  tools_input_ = LineSplitter(kMaxJsonRpcLine);
  tools_->OnOpen(std::make_shared<Connection>(weak_from_this(), ++connection_));
  tools_->OnBytes(
      RequestLine(Json(1), "initialize", Json::Of({{"protocolVersion", "2025-06-18"}})));
}

/// The agent's end. Letting go of it kills the process.
class VirtualHost::Handle final : public Process {
 public:
  explicit Handle(std::shared_ptr<Machine> machine) : machine_(std::move(machine)) {}
  ~Handle() override { machine_->Kill(); }
  bool Write(std::string bytes) override { return machine_->Hear(std::move(bytes)); }
  void CloseInput() override { machine_->CloseInput(); }
  void Signal(int) override {}
  void Stop(Duration grace) override { machine_->Stop(grace); }
  void KillAt(MonoTime deadline) override { machine_->KillAt(deadline); }

 private:
  std::shared_ptr<Machine> machine_;
};

class VirtualHost::Socket final : public TicketSocket {
 public:
  Socket(VirtualHost& host, std::string path) : host_(host), path_(std::move(path)) {}
  ~Socket() override { host_.sockets_.erase(path_); }
  const std::string& path() const override { return path_; }
  const std::string& directory() const override { return path_; }

 private:
  VirtualHost& host_;
  std::string path_;
};

VirtualHost::VirtualHost(World world, SidecarHabits habits, fakes::SeededRandom random)
    : world_(std::move(world)), habits_(habits), random_(random) {}

Result<std::unique_ptr<Process>> VirtualHost::Start(const ProcessSpec& spec,
                                                    std::shared_ptr<ProcessSink> sink) {
  if (random_.Chance(5)) {
    return Fail(ErrorCode::kNotFound, "command: not found");
  }
  std::string uid = spec.working_directory.substr(kSessions.size());
  auto machine = std::make_shared<Machine>(*this, std::move(uid), std::move(sink),
                                           random_.Stream(std::to_string(random_.Next())));
  machine->Begin();
  if (spec.kill_at) {
    machine->KillAt(*spec.kill_at);
  }
  return std::make_unique<Handle>(std::move(machine));
}

Result<std::unique_ptr<TicketSocket>> VirtualHost::Open(
    std::string name, Secret<std::string> ticket,
    std::function<std::shared_ptr<TicketSink>()> accept) {
  std::string path = std::string(kSessions) + name;
  sockets_[path] = {ticket.Reveal(), std::move(accept)};
  return std::make_unique<Socket>(*this, std::move(path));
}

}  // namespace midwatch::sim
