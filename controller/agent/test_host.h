#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/digest.h"
#include "controller/base/line_splitter.h"
#include "controller/env/artifact_store.h"
#include "controller/env/kube_client.h"
#include "controller/env/process_runner.h"
#include "controller/env/ticket_server.h"
#include "controller/sidecar/scripted_agent.h"

namespace midwatch::agent {

/// Artifacts and logs in memory; answers at once.
class MemoryStore final : public ArtifactStore {
 public:
  void Put(std::string bytes, std::function<void(Result<std::string>)> done) override {
    const std::string digest = DigestOf(bytes);
    blobs[digest] = std::move(bytes);
    done(digest);
  }
  void Get(std::string digest, std::function<void(Result<std::string>)> done) override {
    const auto found = blobs.find(digest);
    if (found == blobs.end()) return done(Fail(ErrorCode::kNotFound, "no such artifact"));
    done(found->second);
  }
  void Append(std::string log, std::uint64_t offset, std::string bytes,
              std::function<void(Result<std::uint64_t>)> done) override {
    if (refuse) return done(Fail(*refuse, "refused"));
    std::string& text = logs[log];
    if (text.size() != offset) return done(Fail(ErrorCode::kConflict, "ends elsewhere"));
    text += bytes;
    if (lose_answer) {
      lose_answer = false;
      return done(Fail(ErrorCode::kOutcomeUnknown, "lost"));
    }
    done(text.size());
  }
  void Read(std::string log, std::uint64_t offset, std::size_t limit,
            std::function<void(Result<std::string>)> done) override {
    done(logs[log].substr(offset, limit));
  }

  std::map<std::string, std::string> blobs;
  std::map<std::string, std::string> logs;
  std::optional<ErrorCode> refuse;
  bool lose_answer = false;
};

/// The API behind a link that can be cut.
class BreakableClient final : public KubeClient {
 public:
  explicit BreakableClient(KubeClient& client) : client_(client) {}

  void Get(GetRequest request, Completion<Object> done) override {
    down ? done(Cut()) : client_.Get(std::move(request), std::move(done));
  }
  void List(ListRequest request, Completion<ListResponse> done) override {
    down ? done(Cut())
         : client_.List(std::move(request),
                        [this, done = std::move(done)](Result<ListResponse> page) {
                          listed += page ? page->items.size() : 0;
                          done(std::move(page));
                        });
  }
  void Create(CreateRequest request, Completion<Object> done) override {
    down ? done(Cut()) : client_.Create(std::move(request), std::move(done));
  }
  void Update(UpdateRequest request, Completion<Object> done) override {
    down ? done(Cut()) : client_.Update(std::move(request), std::move(done));
  }
  void Patch(PatchRequest request, Completion<Object> done) override {
    down ? done(Cut()) : client_.Patch(std::move(request), std::move(done));
  }
  void Delete(DeleteRequest request, Completion<Object> done) override {
    down ? done(Cut()) : client_.Delete(std::move(request), std::move(done));
  }
  std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                     std::shared_ptr<WatchSink> sink) override {
    return client_.Watch(std::move(request), std::move(sink));
  }

  bool down = false;
  std::size_t listed = 0;  ///< Objects in all.

 private:
  static tl::unexpected<Error> Cut() { return Fail(ErrorCode::kUnavailable, "cut off"); }
  KubeClient& client_;
};

/// A host whose sidecars are ScriptedAgents in this process, with sockets that are function calls.
class VirtualHost final : public ProcessRunner, public TicketServer {
 public:
  struct Sidecar;
  struct Socket {
    std::string path;
    std::string ticket;
    std::function<std::shared_ptr<TicketSink>()> accept;
    bool open = true;
  };

  class Connection final : public TicketConnection {
   public:
    explicit Connection(Sidecar& sidecar) : sidecar_(sidecar) {}
    bool Write(std::string bytes) override {
      sidecar_.from_tools.push_back(std::move(bytes));
      return true;
    }
    void Close() override {}
    void Resume() override {}

   private:
    Sidecar& sidecar_;
  };

  struct Sidecar {
    ProcessSpec spec;
    std::shared_ptr<ProcessSink> sink;
    std::unique_ptr<sidecar::ScriptedAgent> machine;
    LineSplitter input{kMaxJsonRpcLine};
    LineSplitter tools_input{kMaxJsonRpcLine};
    std::deque<std::string> from_tools;
    std::deque<std::string> from_client;
    std::shared_ptr<TicketSink> tools;
    std::optional<ProcessExit> exit;
    bool alive = true;
    bool ignores_input_end = false;
    MonoTime kill_at;
    int terms = 0;
  };

  class Handle final : public Process {
   public:
    explicit Handle(std::shared_ptr<Sidecar> sidecar) : sidecar_(std::move(sidecar)) {}
    ~Handle() override { Stop(Duration::zero()); }
    bool Write(std::string bytes) override {
      sidecar_->from_client.push_back(std::move(bytes));
      return sidecar_->alive;
    }
    void CloseInput() override {
      if (!sidecar_->ignores_input_end && !sidecar_->exit) sidecar_->exit = ProcessExit{};
    }
    void Stop(Duration grace) override {
      ++sidecar_->terms;
      const bool by_force = grace == Duration::zero();
      if (!sidecar_->exit) sidecar_->exit = ProcessExit{.code = 0, .signal = by_force ? 9 : 15};
    }
    void Signal(int) override {}
    void KillAt(MonoTime deadline) override { sidecar_->kill_at = deadline; }

   private:
    std::shared_ptr<Sidecar> sidecar_;
  };

  class SocketHandle final : public TicketSocket {
   public:
    explicit SocketHandle(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}
    ~SocketHandle() override { socket_->open = false; }
    const std::string& path() const override { return socket_->path; }
    const std::string& directory() const override { return socket_->path; }

   private:
    std::shared_ptr<Socket> socket_;
  };

  Result<std::unique_ptr<Process>> Start(const ProcessSpec& spec,
                                         std::shared_ptr<ProcessSink> sink) override {
    if (refuse_start) return Fail(ErrorCode::kNotFound, "command \"x\": not found");
    auto sidecar = std::make_shared<Sidecar>();
    sidecar->spec = spec;
    sidecar->sink = std::move(sink);
    sidecar->kill_at = spec.kill_at.value_or(MonoTime{});
    EXPECT_LT(now_, sidecar->kill_at) << "started though its time was over";
    sidecar->ignores_input_end = stubborn;
    sidecar->machine = std::make_unique<sidecar::ScriptedAgent>(make_script, "1");
    sidecars.push_back(sidecar);
    return std::make_unique<Handle>(sidecar);
  }
  Result<std::unique_ptr<TicketSocket>> Open(
      std::string name, Secret<std::string> ticket,
      std::function<std::shared_ptr<TicketSink>()> accept) override {
    auto socket = std::make_shared<Socket>();
    socket->path = "/sessions/" + name;
    socket->ticket = ticket.Reveal();
    socket->accept = std::move(accept);
    sockets.push_back(socket);
    return std::make_unique<SocketHandle>(socket);
  }

  /// Moves one thing; false if there is nothing to move.
  bool Step(MonoTime now) {
    now_ = now;
    for (const auto& sidecar : sidecars) {
      if (sidecar->alive && StepSidecar(*sidecar, now)) return true;
    }
    return false;
  }

  void Exit(Sidecar& sidecar, ProcessExit exit) {
    sidecar.alive = false;
    if (sidecar.tools) sidecar.tools->OnClosed();
    sidecar.sink->OnExit(exit);
  }

  sidecar::ScriptedAgent::MakeScript make_script;
  std::vector<std::shared_ptr<Sidecar>> sidecars;
  std::vector<std::shared_ptr<Socket>> sockets;
  bool refuse_start = false;
  bool stubborn = false;
  bool tools_first = false;  // What a sidecar says to its tools is heard before what it says to us.
  bool frozen = false;       // Sidecars do not move, but the watchdog does.

 private:
  bool StepSidecar(Sidecar& sidecar, MonoTime now) {
    if (now >= sidecar.kill_at) {
      Exit(sidecar, {.code = 0, .signal = 9});
      return true;
    }
    if (sidecar.exit) {
      Exit(sidecar, *sidecar.exit);
      return true;
    }
    if (frozen) return false;
    if (!sidecar.from_client.empty()) {
      const std::string bytes = std::move(sidecar.from_client.front());
      sidecar.from_client.pop_front();
      for (const auto& line : sidecar.input.Feed(bytes))
        Take(sidecar, sidecar.machine->OnLine(line.text));
      return true;
    }
    if (!sidecar.from_tools.empty()) {
      const std::string bytes = std::move(sidecar.from_tools.front());
      sidecar.from_tools.pop_front();
      for (const auto& line : sidecar.tools_input.Feed(bytes))
        Take(sidecar, sidecar.machine->OnMcpLine(line.text));
      return true;
    }
    return false;
  }

  void Take(Sidecar& sidecar, const sidecar::SidecarOutputs& outputs) {
    const bool mixed = tools_first && sidecar.tools;
    for (const auto& output : outputs) {
      const auto* line = std::get_if<sidecar::ToMcp>(&output);
      if (line && mixed) sidecar.tools->OnBytes(line->line);
    }
    for (const auto& output : outputs) {
      if (const auto* line = std::get_if<sidecar::ToClient>(&output))
        sidecar.sink->OnStdout(line->line);
      if (const auto* line = std::get_if<sidecar::ToMcp>(&output); line && !mixed)
        sidecar.tools->OnBytes(line->line);
      if (const auto* start = std::get_if<sidecar::StartMcp>(&output)) Connect(sidecar, *start);
      if (const auto* exit = std::get_if<sidecar::ExitNow>(&output))
        sidecar.exit = ProcessExit{.code = exit->code};
    }
  }

  void Connect(Sidecar& sidecar, const sidecar::StartMcp& start) {
    for (const auto& socket : sockets) {
      const bool path_fits = start.command.back() == socket->path;
      if (!path_fits || start.environment.at("MIDWATCH_TICKET") != socket->ticket) continue;
      sidecar.tools = socket->accept();
      sidecar.tools->OnOpen(std::make_shared<Connection>(sidecar));
    }
  }

  MonoTime now_;
};

}  // namespace midwatch::agent
