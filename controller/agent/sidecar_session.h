#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/agent/acp_session.h"
#include "controller/agent/log_writer.h"
#include "controller/agent/mcp_server.h"
#include "controller/agent/outward_text.h"
#include "controller/agent/prompt.h"
#include "controller/agent/run_plan.h"
#include "controller/agent/secret_mask.h"
#include "controller/agent/session_events.h"
#include "controller/api/agent_config.h"
#include "controller/api/run.h"
#include "controller/base/line_splitter.h"
#include "controller/env/artifact_store.h"
#include "controller/env/process_runner.h"
#include "controller/env/ticket_server.h"

namespace midwatch::agent {

/// What a host gives to all its sessions.
struct HostConfig {
  std::string version;                   ///< Of Midwatch.
  std::vector<std::string> mcp_command;  ///< `/path/to/midwatch mcp`, absolute.
  api::StringMap environment;            ///< The agent's own, to pass on what configuration names.
  PromptTemplates prompts;               ///< Replacements of the built-in ones.
};

/// What a sidecar has of the agent's own environment, and what configuration gives it. Never
/// without PATH.
api::StringMap EnvironmentOf(const api::SidecarConfig& sidecar, const api::StringMap& own);

struct SessionSetup {
  api::Run run;
  api::SidecarConfig sidecar;
  std::string ticket;  ///< Random.
  MonoTime kill_at;    ///< Until the Lease is renewed again.
};

/// One Run on this host from its inputs to the last line of its log: fetches what it may read,
/// starts the sidecar, speaks both protocols with it, keeps the log, ends it. Uses env/ only;
/// driven by the AgentProcess, on its thread.
///
/// What the sidecar sends waits: OnTime takes one call of a tool, or a little of its output, so
/// that what else the thread has to do, the Lease above all, comes between.
///
/// It ends (`kDone`) when no process of the sidecar is left and the log is in the store, or
/// kFlushTime has passed.
class SidecarSession {
 public:
  struct Ports {
    ProcessRunner& processes;
    TicketServer& tickets;
    ArtifactStore& store;
    PostEvent post;
  };

  /// From the end of its input to SIGTERM, for a sidecar that has ended its turn.
  static constexpr Duration kCloseTime = std::chrono::seconds(1);
  static constexpr Duration kCancelTime =
      std::chrono::seconds(5);  ///< From session/cancel to SIGTERM,
  static constexpr Duration kTermTime = std::chrono::seconds(5);  ///< and from there to SIGKILL.
  static constexpr Duration kAfterResult =
      std::chrono::seconds(60);  ///< To end by itself once its result is accepted.
  static constexpr Duration kFlushTime = std::chrono::seconds(30);
  static constexpr Duration kResultNoteTime =
      std::chrono::milliseconds(500);  ///< For the sidecar to tell of the call that submitted it.
  static constexpr int kMaxInputTries = 3;
  static constexpr Duration kInputRetryAfter = std::chrono::seconds(1);
  static constexpr std::size_t kTurnBytes = std::size_t{64} << 10;  ///< Of output, at a time.
  static constexpr std::size_t kMaxErrorLine = std::size_t{64} << 10;

  SidecarSession(SessionSetup setup, const HostConfig& host, Ports ports);

  void Begin(Now now);
  void OnEvent(SessionEvent event, Now now);
  void OnTime(Now now);
  /// The Lease was renewed: the sidecar may live until then, unless its time was up before.
  void Prolong(MonoTime deadline, Now now);
  /// Ends it as `outcome` says. The first call decides the outcome, but for one that kills.
  void Stop(RunOutcome outcome, Now now);
  void Kill(RunOutcome outcome, Now now);

  const SessionView& view() const { return view_; }
  std::optional<MonoTime> NextWake() const;

 private:
  struct Connection {
    std::shared_ptr<TicketConnection> peer;
    std::unique_ptr<McpServer> server;
    LineSplitter lines{kMaxJsonRpcLine};
    bool hung_up = false;  ///< What comes of it still is nobody's.
  };
  /// Something of the sidecar that waits for its turn.
  struct Piece {
    SessionEvent event;
    MonoTime since;
    std::size_t taken = 0;  ///< Bytes of it that were read.
  };

  void On(const InputArrived& event, Now now);
  void On(const ProcessOutput& event, Now now) { Enqueue({event, now.mono}); }
  void On(const ProcessFlooded& event, Now now);
  void On(const ProcessEnded& event, Now now);
  void On(const ToolsOpened& event, Now now);
  void On(const ToolsBytes& event, Now now) { Enqueue({event, now.mono}); }
  void On(const ToolsClosed& event, Now now) { Enqueue({event, now.mono}); }
  void On(const ArtifactSaved& event, Now now);
  void On(const ResultStored& event, Now now);
  void On(const LogAppended& event, Now now);

  void Enqueue(Piece piece) { pieces_.push_back(std::move(piece)); }
  void TakeTurn(Now now);
  bool IsCall(const ToolsBytes& line) const;
  void TakeOne(const SessionEvent& event, Now now);
  SessionEvent NextLine();
  void Take(const ProcessOutput& piece, Now now);
  void Take(const ToolsBytes& piece, Now now);
  void Take(const ToolsClosed& event);
  void Take(const ProcessEnded& event, Now now);

  void FetchInput(const api::Artifact& input);
  bool MaskInputs();
  void StartSidecar(Now now);
  Result<void> StartProcess();
  ProcessSpec Spec() const;
  Json McpServers() const;
  void Obey(const AcpOutputs& outputs, Now now);
  void Obey(std::uint64_t connection, const McpOutputs& outputs, Now now);
  void Tell(const SessionRecord& record, Now now);
  void TellResults(Now now, bool all);
  void OnAcpEnded(const AcpEnded& ended, Now now);
  void OnSubmitted(Now now);
  void Conclude(RunOutcome outcome);
  void SetOutcome(RunOutcome outcome);
  void BeginStopping(Now now);
  void Finish(Now now);
  void CheckDone(Now now);
  void Note(std::string text, Now now, Json data = {});

  const SessionSetup setup_;
  const HostConfig& host_;
  Ports ports_;
  SecretMask mask_;
  OutwardText outward_;
  SessionView view_;
  LogWriter log_;

  ArtifactTexts inputs_;
  std::size_t inputs_missing_ = 0;
  int input_tries_ = 0;
  std::vector<api::Artifact> retry_inputs_;
  std::optional<MonoTime> retry_inputs_at_;

  std::unique_ptr<TicketSocket> socket_;
  std::unique_ptr<McpDesk> desk_;
  std::unique_ptr<AcpSession> acp_;
  std::unique_ptr<Process> process_;
  std::deque<Piece> pieces_;
  WaitingBytes waiting_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::shared_ptr<std::atomic<std::size_t>> open_ =  // Connections, with its accepting thread.
      std::make_shared<std::atomic<std::size_t>>(0);
  LineSplitter output_{kMaxJsonRpcLine};
  LineSplitter errors_{kMaxErrorLine};
  std::string last_error_line_;
  std::map<std::uint64_t, Connection> connections_;

  // What a result became is told after the call that submitted it, which comes another way.
  std::vector<SessionRecord> untold_results_;
  int announced_results_ =
      0;  // Calls of the tool that the sidecar has told of, less what was told.
  std::optional<MonoTime> tell_results_at_;

  std::optional<RunOutcome> outcome_;
  MonoTime kill_at_;
  bool storing_result_ = false;
  bool process_gone_ = true;
  std::optional<MonoTime> timeout_at_;
  std::optional<MonoTime> term_at_;
  std::optional<MonoTime> after_result_at_;
  std::optional<MonoTime> give_up_at_;
};

}  // namespace midwatch::agent
