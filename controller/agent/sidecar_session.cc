#include "controller/agent/sidecar_session.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "controller/agent/plan_secrets.h"
#include "controller/api/codec.h"
#include "controller/api/reasons.h"
#include "controller/base/text.h"

namespace midwatch::agent {
namespace {

using api::RunPhase;
using Stage = SessionView::Stage;
namespace reason = api::dispatch_reason;

constexpr std::size_t kMaxMessage = 1024;
constexpr std::size_t kShownOfErrorLine = 300;
constexpr std::size_t kMaxProducer = 128;
constexpr std::size_t kMaxMediaType = 128;
/// Bytes that are compared to mask the secrets of a plan: a second of the agent's time.
constexpr std::size_t kMaxMaskWork = std::size_t{4} << 30;
constexpr std::string_view kTooMuchToMask =
    "what the plan marks as sensitive cannot be found in the inputs in reasonable time";
constexpr std::string_view kUnreadablePlan =
    "[left out: this plan cannot be read, so it is not known what in it is secret]\n";
constexpr const char* kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

RunOutcome Failed(std::string_view why, std::string message) {
  return {RunPhase::kFailed, std::string(why), std::move(message)};
}

std::vector<std::string> Secrets(const SessionSetup& setup, const HostConfig& host) {
  std::vector<std::string> secrets = SecretsOf(EnvironmentOf(setup.sidecar, host.environment));
  for (const std::string& name : setup.sidecar.pass_env) {
    // Whatever it is called: what is passed on is mostly a key.
    const auto value = host.environment.find(name);
    const bool is_path = name == "PATH" || name == "HOME" || name == "LANG";
    if (value != host.environment.end() && !is_path) secrets.push_back(value->second);
  }
  secrets.push_back(setup.ticket);
  return secrets;
}

Json ServerJson(const api::McpServerConfig& server) {
  Json args = Json::EmptyArray();
  for (const std::string& argument : server.args) args.Append(argument);
  Json environment = Json::EmptyArray();
  for (const auto& [name, value] : server.env) {
    environment.Append(Json::Of({{"name", name}, {"value", value}}));
  }
  return Json::Of({{"name", server.name},
                   {"command", server.command},
                   {"args", std::move(args)},
                   {"env", std::move(environment)}});
}

template <typename T>
void Soonest(std::optional<T>& current, const std::optional<T>& other) {
  if (other && (!current || *other < *current)) current = other;
}

}  // namespace

api::StringMap EnvironmentOf(const api::SidecarConfig& sidecar, const api::StringMap& own) {
  api::StringMap environment;
  const auto path = own.find("PATH");
  environment["PATH"] = path == own.end() ? kDefaultPath : path->second;
  environment["LANG"] = "C.UTF-8";
  for (const std::string& name : sidecar.pass_env) {
    const auto value = own.find(name);
    if (value != own.end()) environment[name] = value->second;
  }
  for (const auto& [name, value] : sidecar.env) environment[name] = value;
  return environment;
}

SidecarSession::SidecarSession(SessionSetup setup, const HostConfig& host, Ports ports)
    : setup_(std::move(setup)),
      host_(host),
      ports_(std::move(ports)),
      mask_(Secrets(setup_, host)),
      outward_(mask_),
      log_(ports_.store,
           "runs/" + setup_.run.metadata.namespace_name + "/" + setup_.run.metadata.name, mask_,
           ports_.post),
      kill_at_(setup_.kill_at) {}

void SidecarSession::Begin(Now now) {
  const api::RunSpec& spec = setup_.run.spec;
  Note("the agent prepares the session", now,
       Json::Of({{"sidecar", spec.sidecar_name},
                 {"missionType", Json(api::ToString(spec.mission_type))},
                 {"attempt", spec.attempt}}));
  timeout_at_ = now.mono + std::chrono::seconds(spec.timeout_seconds);
  inputs_missing_ = spec.inputs.size();
  for (const api::Artifact& input : spec.inputs) FetchInput(input);
  if (spec.inputs.empty()) StartSidecar(now);
  log_.Pump(now, false);
}

void SidecarSession::FetchInput(const api::Artifact& input) {
  ports_.store.Get(input.digest,
                   [post = ports_.post, name = input.name](Result<std::string> bytes) {
                     post(InputArrived{name, std::move(bytes)});
                   });
}

void SidecarSession::OnEvent(SessionEvent event, Now now) {
  std::visit([&](const auto& one) { On(one, now); }, event);
  CheckDone(now);
}

void SidecarSession::On(const InputArrived& event, Now now) {
  if (view_.stage != Stage::kPreparing) return;
  if (event.bytes) {
    inputs_.insert_or_assign(event.name, ArtifactText(mask_(*event.bytes)));
    if (--inputs_missing_ == 0) StartSidecar(now);
    return;
  }
  const ErrorCode code = event.bytes.error().code;
  const bool may_help = code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout ||
                        code == ErrorCode::kTooManyRequests || code == ErrorCode::kOutcomeUnknown;
  if (may_help && ++input_tries_ < kMaxInputTries) {
    for (const api::Artifact& input : setup_.run.spec.inputs) {
      if (input.name == event.name) retry_inputs_.push_back(input);
    }
    retry_inputs_at_ = now.mono + kInputRetryAfter;
    return;
  }
  Conclude(Failed(reason::kInputUnavailable,
                  "input " + Quote(event.name) + ": " + event.bytes.error().message));
  Finish(now);
}

/// What the job's plan marks as sensitive is masked in it, and wherever else it stands. False: it
/// is not, since that would take too long.
bool SidecarSession::MaskInputs() {
  const auto plan = inputs_.find("plan");
  if (plan == inputs_.end()) return true;
  const auto parsed = ParseJson(plan->second.text(), JsonLimits{.bytes = kMaxPlan});
  if (!parsed) {
    const bool is_json = Trim(plan->second.text()).starts_with('{');
    if (is_json) plan->second = ArtifactText(std::string(kUnreadablePlan));
    return true;
  }
  const SecretMask mask(SecretsOfPlan(parsed->value));
  std::size_t left = kMaxMaskWork;
  for (auto& [name, text] : inputs_) {
    auto masked = mask.Within(text.text(), left);
    if (!masked) return false;
    text = ArtifactText(*std::move(masked));
  }
  return true;
}

void SidecarSession::StartSidecar(Now now) {
  if (now.mono >= kill_at_) return Kill(LeaseLost(), now);  // It was frozen; its inputs were not.
  if (!MaskInputs()) {
    Conclude(Failed(reason::kInputUnavailable, std::string(kTooMuchToMask)));
    return Finish(now);
  }
  desk_ = std::make_unique<McpDesk>(setup_.run.spec, std::move(inputs_), mask_);
  auto counter = std::make_shared<std::atomic<std::uint64_t>>(0);
  auto socket = ports_.tickets.Open(setup_.run.metadata.uid, Secret<std::string>(setup_.ticket),
                                    [post = ports_.post, counter, open = open_,
                                     waiting = waiting_]() -> std::shared_ptr<TicketSink> {
                                      if (++*open <= kMaxConnections)
                                        return MakeToolsSink(post, ++*counter, waiting);
                                      --*open;
                                      return nullptr;
                                    });
  if (!socket) {
    Conclude(Failed(reason::kSidecarFailed, "no socket for its tools: " + socket.error().message));
    return Finish(now);
  }
  socket_ = std::move(*socket);
  const auto started = StartProcess();
  if (!started) {
    Conclude(Failed(reason::kSidecarFailed, "not started: " + started.error().message));
    return Finish(now);
  }
  const Prompt prompt = BuildPrompt(setup_.run.spec, desk_->inputs, host_.prompts);
  view_.facts.prompt_digest = prompt.digest;
  view_.facts.prompt_bytes = static_cast<std::int64_t>(prompt.bytes);
  view_.facts.started_at = now.wall;
  view_.stage = Stage::kRunning;
  Note("the sidecar was started", now,
       Json::Of({{"promptDigest", prompt.digest},
                 {"promptBytes", static_cast<std::int64_t>(prompt.bytes)}}));
  AcpConfig config;
  const bool own_directory = setup_.sidecar.cwd.empty();
  config.working_directory = own_directory ? socket_->directory() : setup_.sidecar.cwd;
  config.mcp_servers = McpServers();
  config.instructions = prompt.instructions;
  config.attachments = prompt.attachments;
  config.permissions = setup_.run.spec.permissions;
  config.own_tools = McpServer::ToolNames();
  config.version = host_.version;
  config.mask = mask_;
  acp_ = std::make_unique<AcpSession>(std::move(config));
  Obey(acp_->Start(now.mono), now);
}

Result<void> SidecarSession::StartProcess() {
  MIDWATCH_ASSIGN(process_, ports_.processes.Start(Spec(), MakeProcessSink(ports_.post, waiting_)));
  process_gone_ = false;
  return {};
}

ProcessSpec SidecarSession::Spec() const {
  ProcessSpec spec;
  const api::SidecarConfig& sidecar = setup_.sidecar;
  spec.command.push_back(sidecar.command);
  spec.command.insert(spec.command.end(), sidecar.args.begin(), sidecar.args.end());
  for (const auto& [name, value] : EnvironmentOf(sidecar, host_.environment)) {
    spec.environment[name] = value;
  }
  spec.environment.try_emplace("HOME", socket_->directory());
  spec.working_directory = sidecar.cwd.empty() ? socket_->directory() : sidecar.cwd;
  spec.sandbox = true;
  spec.writable = {socket_->directory(), socket_->path()};
  if (!sidecar.cwd.empty()) spec.writable.push_back(sidecar.cwd);
  spec.readable.push_back(socket_->path());
  if (!host_.mcp_command.empty()) spec.readable.push_back(host_.mcp_command.front());
  for (const std::string& argument : sidecar.args) {
    if (argument.starts_with('/')) spec.readable.push_back(argument);
  }
  spec.kill_at = kill_at_;
  spec.memory_limit = static_cast<std::uint64_t>(sidecar.memory_mebibytes) << 20;
  spec.cpu_seconds = static_cast<std::uint64_t>(sidecar.cpu_seconds);
  return spec;
}

Json SidecarSession::McpServers() const {
  api::McpServerConfig own;
  own.name = "midwatch";
  if (!host_.mcp_command.empty()) {
    own.command = host_.mcp_command.front();
    own.args.assign(host_.mcp_command.begin() + 1, host_.mcp_command.end());
  }
  own.args.insert(own.args.end(), {"--socket", socket_->path()});
  own.env["MIDWATCH_TICKET"] = setup_.ticket;
  Json servers = Json::ArrayOf({ServerJson(own)});
  for (const api::McpServerConfig& server : setup_.sidecar.mcp_servers) {
    servers.Append(ServerJson(server));
  }
  return servers;
}

void SidecarSession::TakeTurn(Now now) {
  std::size_t taken = 0;
  while (!pieces_.empty() && taken < kTurnBytes) {
    const SessionEvent event = NextLine();
    const auto* output = std::get_if<ProcessOutput>(&event);
    const auto* tools = std::get_if<ToolsBytes>(&event);
    const bool is_call = tools != nullptr && IsCall(*tools);
    taken += output != nullptr ? output->bytes.size() : is_call ? kTurnBytes : 1;
    TakeOne(event, now);
  }
}

bool SidecarSession::IsCall(const ToolsBytes& line) const {
  const auto found = connections_.find(line.connection);
  const bool heard = found != connections_.end() && !found->second.hung_up;
  return heard && !Trim(line.bytes).empty();
}

void SidecarSession::TakeOne(const SessionEvent& event, Now now) {
  if (const auto* output = std::get_if<ProcessOutput>(&event)) Take(*output, now);
  if (const auto* tools = std::get_if<ToolsBytes>(&event)) Take(*tools, now);
  if (const auto* closed = std::get_if<ToolsClosed>(&event)) Take(*closed);
  if (const auto* ended = std::get_if<ProcessEnded>(&event)) Take(*ended, now);
}

/// Of bytes only as many as complete a line, or all if they do not.
SessionEvent SidecarSession::NextLine() {
  Piece& piece = pieces_.front();
  SessionEvent next = ToolsClosed{};
  const std::string* bytes = nullptr;
  if (auto* output = std::get_if<ProcessOutput>(&piece.event)) {
    bytes = &output->bytes;
    next = ProcessOutput{"", output->is_error};
  } else if (auto* tools = std::get_if<ToolsBytes>(&piece.event)) {
    bytes = &tools->bytes;
    next = ToolsBytes{tools->connection, ""};
  } else {
    next = std::move(piece.event);
    pieces_.pop_front();
    return next;
  }
  const std::size_t end = bytes->find('\n', piece.taken);
  std::string line = bytes->substr(
      piece.taken, end == std::string::npos ? std::string::npos : end + 1 - piece.taken);
  piece.taken += line.size();
  const bool is_last = piece.taken == bytes->size();
  const std::size_t cost = line.size() + (is_last ? kPieceCost : 0);
  if (is_last) pieces_.pop_front();
  if (waiting_->fetch_sub(cost) >= kFullOfTools) {
    for (const auto& [id, connection] : connections_) connection.peer->Resume();
  }
  if (auto* output = std::get_if<ProcessOutput>(&next)) output->bytes = std::move(line);
  if (auto* tools = std::get_if<ToolsBytes>(&next)) tools->bytes = std::move(line);
  return next;
}

void SidecarSession::Take(const ProcessOutput& piece, Now now) {
  if (piece.is_error) {
    for (const LineSplitter::Line& line : errors_.Feed(piece.bytes)) {
      const std::string text = line.too_long ? "[a line that is too long]" : line.text;
      if (!Trim(text).empty()) last_error_line_ = text;
      log_.Add({RecordKind::kDiagnostic, text, {}, false}, now);
    }
  } else {
    for (const LineSplitter::Line& line : output_.Feed(piece.bytes)) {
      Obey(line.too_long ? acp_->OnLineTooLong() : acp_->OnLine(line.text), now);
    }
  }
}

void SidecarSession::On(const ProcessFlooded&, Now now) {
  Kill(Failed(reason::kSidecarFailed, "it wrote faster than it could be read"), now);
}

void SidecarSession::On(const ProcessEnded& event, Now now) {
  // Once it is decided how the Run ends, what its tools were asked no longer matters.
  if (outcome_) {
    std::erase_if(pieces_, [](const Piece& piece) {
      return std::holds_alternative<ToolsBytes>(piece.event);
    });
  }
  Enqueue({event, now.mono});
}

void SidecarSession::Take(const ProcessEnded& event, Now now) {
  process_gone_ = true;
  TellResults(now, true);
  if (output_.Finish()) Note("the sidecar's last line was not finished", now);
  const std::string how = event.exit.signal != 0 ? "signal " + std::to_string(event.exit.signal)
                                                 : "exit code " + std::to_string(event.exit.code);
  const bool stopped = outcome_ && event.exit.signal != 0;  // By us: it was done, or had to end.
  Note(stopped ? "the sidecar was stopped" : "the sidecar ended with " + how, now);
  if (!outcome_ && now.mono >= kill_at_) {
    Conclude(LeaseLost());
  } else if (!outcome_ && !desk_->result.IsNull()) {
    Conclude({RunPhase::kSucceeded, "", ""});
  } else if (!outcome_ && event.exit.code == 0 && event.exit.signal == 0) {
    Conclude(Failed(reason::kOutputMissing, "the sidecar ended without the result that it owes"));
  } else if (!outcome_) {
    std::string message = "the sidecar ended with " + how;
    if (!last_error_line_.empty()) {
      message += ": " + outward_.Line(last_error_line_, kShownOfErrorLine);
    }
    Conclude(Failed(reason::kSidecarFailed, std::move(message)));
  }
  Finish(now);
}

void SidecarSession::Obey(const AcpOutputs& outputs, Now now) {
  for (const AcpOutput& output : outputs) {
    if (const auto* send = std::get_if<AcpSend>(&output)) {
      if (process_) process_->Write(send->line);
    } else if (const auto* record = std::get_if<SessionRecord>(&output)) {
      Tell(*record, now);
    } else if (const auto* introduced = std::get_if<AcpIntroduced>(&output)) {
      view_.facts.producer = outward_.Line(introduced->producer, kMaxProducer);
    } else if (const auto* used = std::get_if<AcpUsage>(&output)) {
      view_.facts.usage = used->usage;
      log_.Add({RecordKind::kUsage, "", api::Encode(used->usage), false}, now);
    } else if (const auto* ended = std::get_if<AcpEnded>(&output)) {
      OnAcpEnded(*ended, now);
    }
  }
}

void SidecarSession::Tell(const SessionRecord& record, Now now) {
  if (record.kind == RecordKind::kResult) {
    untold_results_.push_back(record);
    if (!tell_results_at_) tell_results_at_ = now.mono + kResultNoteTime;
  } else {
    log_.Add(record, now);
    const bool submits = record.kind == RecordKind::kToolCall &&
                         record.data.At("title").AsString().ends_with("submit_result");
    if (submits) ++announced_results_;
  }
  TellResults(now, false);
}

/// All of them, or as many as the sidecar has told of.
void SidecarSession::TellResults(Now now, bool all) {
  while (!untold_results_.empty() && (all || announced_results_ > 0)) {
    log_.Add(untold_results_.front(), now);
    untold_results_.erase(untold_results_.begin());
    announced_results_ = std::max(announced_results_ - 1, 0);
  }
  if (untold_results_.empty()) tell_results_at_.reset();
}

void SidecarSession::OnAcpEnded(const AcpEnded& ended, Now now) {
  TellResults(now, true);
  Note("the session ended: " + ended.why, now);
  if (!outcome_ && !desk_->result.IsNull()) {
    Conclude({RunPhase::kSucceeded, "", ""});
  } else if (ended.end == AcpEnd::kBroken) {
    Conclude(Failed(reason::kSidecarFailed, "the sidecar " + ended.why));
  } else if (desk_->refused_results > 0) {
    Conclude(Failed(reason::kResultInvalid,
                    "every result was refused, at last: " + desk_->last_refusal));
  } else {
    Conclude(Failed(reason::kOutputMissing, "the sidecar ended its turn (" + ended.why +
                                                ") without the result that it owes"));
  }
  view_.stage = Stage::kStopping;
  if (!process_) return;
  process_->CloseInput();
  term_at_ = now.mono + kCloseTime;
  if (ended.end == AcpEnd::kBroken) process_->Stop(Duration::zero());
}

void SidecarSession::On(const ToolsOpened& event, Now) {
  if (!desk_ || process_gone_) return event.peer->Close();
  Connection connection;
  connection.peer = event.peer;
  connection.server = std::make_unique<McpServer>(*desk_, host_.version);
  connections_.insert_or_assign(event.connection, std::move(connection));
}

void SidecarSession::Take(const ToolsBytes& piece, Now now) {
  const auto found = connections_.find(piece.connection);
  if (found == connections_.end() || found->second.hung_up) return;
  Connection& connection = found->second;
  for (const LineSplitter::Line& line : connection.lines.Feed(piece.bytes)) {
    const McpOutputs outputs =
        line.too_long ? connection.server->OnLineTooLong() : connection.server->OnLine(line.text);
    if (connection.server->IsBabble()) {
      connection.hung_up = true;
      connection.peer->Close();
      return;
    }
    Obey(piece.connection, outputs, now);
  }
}

void SidecarSession::Take(const ToolsClosed& event) {
  connections_.erase(event.connection);
  --*open_;
}

void SidecarSession::Obey(std::uint64_t connection, const McpOutputs& outputs, Now now) {
  for (const McpOutput& output : outputs) {
    if (const auto* send = std::get_if<McpSend>(&output)) {
      connections_.at(connection).peer->Write(send->line);
    } else if (const auto* record = std::get_if<SessionRecord>(&output)) {
      Tell(*record, now);
    } else if (std::holds_alternative<McpSubmitted>(output)) {
      OnSubmitted(now);
    } else if (const auto* save = std::get_if<McpSave>(&output)) {
      if (mask_(save->name) != save->name) {
        McpServer& server = *connections_.at(connection).server;
        const auto refusal = Fail(ErrorCode::kInvalid, "its name holds a secret");
        Obey(connection, server.OnSaved(save->request, save->name, refusal), now);
        continue;
      }
      std::string bytes = mask_(save->bytes);
      const std::size_t size = bytes.size();
      ports_.store.Put(std::move(bytes), [post = ports_.post, connection, save = *save,
                                          size](Result<std::string> digest) {
        post(ArtifactSaved{connection, save.request, save.name, save.media_type, size,
                           std::move(digest)});
      });
    }
  }
}

void SidecarSession::On(const ArtifactSaved& event, Now now) {
  if (event.digest) {
    view_.facts.artifacts.push_back({.name = event.name,
                                     .digest = *event.digest,
                                     .size = static_cast<std::int64_t>(event.size),
                                     .media_type = outward_.Line(event.media_type, kMaxMediaType)});
  }
  const auto found = connections_.find(event.connection);
  if (found == connections_.end()) return;
  Obey(event.connection, found->second.server->OnSaved(event.request, event.name, event.digest),
       now);
}

void SidecarSession::OnSubmitted(Now now) {
  const std::string text = desk_->result.Dump();
  api::RunResult result;
  result.digest = DigestOf(text);
  result.media_type = "application/json";
  result.size = static_cast<std::int64_t>(text.size());
  result.inline_json = text;
  view_.facts.result = std::move(result);
  after_result_at_ = now.mono + kAfterResult;
  storing_result_ = true;
  ports_.store.Put(text, [post = ports_.post](Result<std::string> digest) {
    post(ResultStored{std::move(digest)});
  });
}

void SidecarSession::On(const ResultStored& event, Now now) {
  storing_result_ = false;
  if (!event.digest) {
    // The result stands in the Run's status too.
    Note("the result could not be put into the artifact store: " + event.digest.error().message,
         now);
  }
}

void SidecarSession::On(const LogAppended& event, Now now) {
  log_.OnAppended(event, now);
  log_.Pump(now, view_.stage == Stage::kStopping && process_gone_);
}

void SidecarSession::OnTime(Now now) {
  if (view_.stage == Stage::kDone) return;
  if (!pieces_.empty()) TakeTurn(now);
  if (retry_inputs_at_ && now.mono >= *retry_inputs_at_) {
    retry_inputs_at_.reset();
    for (const api::Artifact& input : std::exchange(retry_inputs_, {})) FetchInput(input);
  }
  if (acp_ && !process_gone_) Obey(acp_->OnTime(now.mono), now);
  if (timeout_at_ && now.mono >= *timeout_at_) {
    timeout_at_.reset();
    const bool has_result = desk_ && !desk_->result.IsNull();
    Stop(has_result ? RunOutcome{RunPhase::kSucceeded, "", ""}
                    : Failed(reason::kTimedOut,
                             "it did not finish within " +
                                 std::to_string(setup_.run.spec.timeout_seconds) + " s"),
         now);
  }
  if (after_result_at_ && now.mono >= *after_result_at_) {
    after_result_at_.reset();
    Stop({RunPhase::kSucceeded, "", ""}, now);
  }
  if (tell_results_at_ && now.mono >= *tell_results_at_) TellResults(now, true);
  if (term_at_ && now.mono >= *term_at_) {
    term_at_.reset();
    if (process_) process_->Stop(kTermTime);
  }
  log_.Pump(now, process_gone_ && view_.stage == Stage::kStopping);
  CheckDone(now);
}

void SidecarSession::Prolong(MonoTime deadline, Now now) {
  if (now.mono >= kill_at_)
    return Kill(LeaseLost(), now);  // The watchdog has killed it, or does so now.
  kill_at_ = deadline;
  if (process_ && !process_gone_) process_->KillAt(deadline);
}

void SidecarSession::Stop(RunOutcome outcome, Now now) {
  if (view_.stage == Stage::kDone || outcome_) return;
  Conclude(std::move(outcome));
  Note("the session is stopped: " + outcome_->reason, now);
  BeginStopping(now);
  if (process_gone_) Finish(now);
}

void SidecarSession::BeginStopping(Now now) {
  view_.stage = Stage::kStopping;
  term_at_ = now.mono + kCancelTime;
  if (acp_ && !acp_->ended()) {
    Obey(acp_->Cancel(), now);
  } else if (process_) {
    process_->Stop(kTermTime);
  }
}

void SidecarSession::Kill(RunOutcome outcome, Now now) {
  if (view_.stage == Stage::kDone) return;
  const bool known = outcome_ && outcome_->reason == outcome.reason;
  if (known && view_.stage == Stage::kStopping) return;
  SetOutcome(std::move(outcome));
  view_.stage = Stage::kStopping;
  Note("the sidecar is killed: " + outcome_->reason, now);
  if (process_ && !process_gone_) process_->Stop(Duration::zero());
  if (process_gone_) Finish(now);
}

void SidecarSession::Conclude(RunOutcome outcome) {
  if (!outcome_) SetOutcome(std::move(outcome));
}

void SidecarSession::SetOutcome(RunOutcome outcome) {
  outcome.message = outward_.Line(std::move(outcome.message), kMaxMessage);
  outcome_ = std::move(outcome);
}

/// No process is left: what remains is the log.
void SidecarSession::Finish(Now now) {
  view_.stage = Stage::kStopping;
  if (!give_up_at_) give_up_at_ = now.mono + kFlushTime;
  pieces_.clear();
  connections_.clear();
  socket_.reset();
  log_.Pump(now, true);
  CheckDone(now);
}

void SidecarSession::CheckDone(Now now) {
  if (view_.stage != Stage::kStopping || !process_gone_ || !give_up_at_) return;
  const bool written = (log_.idle() || log_.broken()) && !storing_result_;
  if (!written && now.mono < *give_up_at_) return;
  view_.stage = Stage::kDone;
  view_.outcome = *outcome_;
  if (log_.idle() && !log_.broken()) {
    view_.facts.session_log = api::Content{.digest = log_.FinishDigest(),
                                           .size = static_cast<std::int64_t>(log_.size()),
                                           .media_type = "application/x-ndjson"};
  }
  if (view_.outcome.phase != RunPhase::kSucceeded) view_.facts.result.reset();
}

void SidecarSession::Note(std::string text, Now now, Json data) {
  log_.Add({RecordKind::kSystem, std::move(text), std::move(data), false}, now);
}

std::optional<MonoTime> SidecarSession::NextWake() const {
  if (view_.stage == Stage::kDone) return std::nullopt;
  std::optional<MonoTime> wake = timeout_at_;
  if (!pieces_.empty()) Soonest(wake, std::optional(pieces_.front().since));
  Soonest(wake, retry_inputs_at_);
  Soonest(wake, term_at_);
  Soonest(wake, after_result_at_);
  Soonest(wake, tell_results_at_);
  Soonest(wake, give_up_at_);
  Soonest(wake, log_.NextWake());
  if (acp_ && !process_gone_) Soonest(wake, acp_->NextWake());
  return wake;
}

}  // namespace midwatch::agent
