#include "controller/agent/agent_process.h"

#include <algorithm>
#include <utility>

#include "controller/api/agent_instance.h"
#include "controller/api/codec.h"
#include "controller/api/heartbeat.h"
#include "controller/api/lease.h"
#include "controller/api/run_ending.h"
#include "controller/api/names.h"
#include "controller/base/text.h"
#include "controller/object/name_rules.h"

namespace midwatch::agent {
namespace {

constexpr std::size_t kInstanceSuffix = 8;
constexpr int kTicketParts = 2;  // UUIDs, of 122 random bits each.

std::string OfAgent(const std::string& agent) { return "spec.agentRef.name=" + agent; }

void Soonest(std::optional<MonoTime>& current, const std::optional<MonoTime>& other) {
  if (other && (!current || *other < *current)) current = other;
}

bool IsMissing(const Error& error) { return error.code == ErrorCode::kNotFound; }

bool MustReadFirst(const Error& error) {
  return error.code == ErrorCode::kConflict || error.code == ErrorCode::kAlreadyExists ||
         error.code == ErrorCode::kOutcomeUnknown;
}

/// Nobody answered; what was asked for may have happened.
bool IsCut(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
         error.code == ErrorCode::kOutcomeUnknown;
}

/// The token is good for nothing that its process must do. What was let in once may be kept from a
/// single thing, but is who it was.
bool IsRefusal(const Error& error, bool was_registered) {
  return error.code == ErrorCode::kUnauthorized ||
         (error.code == ErrorCode::kForbidden && !was_registered);
}

/// True if only what the sidecar consumed differs.
bool OnlyUsageDiffers(api::RunStatus a, const api::RunStatus& b) {
  a.usage = b.usage;
  return a == b;
}

}  // namespace

AgentProcess::AgentProcess(Ports ports, AgentSettings settings)
    : ports_(ports),
      settings_(std::move(settings)),
      jitter_(ports.random.Fork("informers")),
      inbox_(std::make_shared<Inbox<Item>>(ports.waker)),
      runs_(api::Run::Type()),
      instances_(api::AgentInstance::Type()),
      run_informer_({ports.client, ports.waker, *jitter_, ports.metrics, ports.log}, runs_,
                    {settings_.namespace_name, "", OfAgent(settings_.agent) + api::AndNotEnded()}),
      instance_informer_({ports.client, ports.waker, *jitter_, ports.metrics, ports.log},
                         instances_, {settings_.namespace_name, "", OfAgent(settings_.agent)}) {
  runs_.SetListener(
      [this](const Change& change) { MarkDirty(change.after ? change.after : change.before); });
  instances_.SetListener([this](const Change&) { instance_changed_ = true; });
  StartOver();
}

AgentProcess::~AgentProcess() { inbox_->Close(); }

void AgentProcess::Drain() {
  drain_asked_ = true;
  ports_.waker.Wake();
}

bool AgentProcess::Step(Now now) {
  if (finished_) return false;
  if (drain_asked_ && !drain_until_) {
    drain_until_ = now.mono + settings_.drain_time;
    instance_.drain = true;
    MarkAllDirty();
  }
  const bool drain_over = drain_until_ && now.mono >= *drain_until_;
  if (was_alive_ != IsAlive(now) || drain_over_ != drain_over) {
    was_alive_ = IsAlive(now);
    drain_over_ = drain_over;
    MarkAllDirty();
  }
  const bool worked = TakeItem(now) || StepInformers(now) || StepInstance(now) || StepRuns(now) ||
                      StepSessions(now);
  CheckFinished(now);
  return worked;
}

std::optional<MonoTime> AgentProcess::NextWake() const {
  if (finished_) return std::nullopt;
  std::optional<MonoTime> wake = run_informer_.NextWake();
  Soonest(wake, instance_informer_.NextWake());
  if (!drain_over_) Soonest(wake, drain_until_);
  Soonest(wake, leave_until_);
  Soonest(wake, instance_wake_);
  if (was_alive_) Soonest(wake, AliveUntil(instance_));
  for (const auto& [uid, work] : work_) {
    Soonest(wake, work.retry_at);
    if (work.session) Soonest(wake, work.session->NextWake());
    if (work.session && work.written_at) Soonest(wake, *work.written_at + kProgressEvery);
  }
  return wake;
}

/// Nothing of ours is there to be seen before the first registration, which finds out what the
/// token is good for.
bool AgentProcess::StepInformers(Now now) {
  return was_registered_ && (run_informer_.Step(now) || instance_informer_.Step(now));
}

bool AgentProcess::TakeItem(Now now) {
  auto item = inbox_->Take();
  if (!item) return false;
  if (auto* instance = std::get_if<InstanceAnswer>(&*item)) Take(*instance, now);
  if (auto* run = std::get_if<RunAnswer>(&*item)) Take(*run, now);
  if (auto* session = std::get_if<SessionAnswer>(&*item)) Take(std::move(*session), now);
  return true;
}

// -- The instance.

void AgentProcess::StartOver() {
  const bool drain = instance_.drain;
  const auto retry_at = instance_.retry_at;
  instance_ = InstanceState{};
  instance_.retry_at = retry_at;
  constexpr std::size_t kLongestStem = 200;
  instance_.name = std::string(NameStem(settings_.agent, kLongestStem)) + "-" +
                   ports_.random.NameSuffix(kInstanceSuffix);
  if (instance_.name.starts_with(kLockPrefix)) instance_.name.insert(0, "agent-");
  instance_.drain = drain;
  instance_.lease = std::chrono::seconds(settings_.config.lease_seconds);
  ++incarnation_;
  lease_ = Json();
  MarkAllDirty();
}

void AgentProcess::NoticeLost() {
  if (!std::exchange(instance_changed_, false)) return;
  const Object seen = instances_.Find(settings_.namespace_name, instance_.name);
  if (instance_.uid.empty() || !seen || seen.uid() != instance_.uid) return;
  const auto parsed = api::FromObject<api::AgentInstance>(seen);
  if (!parsed) return;
  instance_.lost |= api::IsLost(parsed->status);
}

bool AgentProcess::StepInstance(Now now) {
  NoticeLost();
  const InstanceDecision decision = PlanOwnInstance(instance_, now);
  instance_wake_ = decision.wake_at;
  if (decision.action == InstanceAction::kNothing) return false;
  Carry(decision.action, now);
  return true;
}

void AgentProcess::Carry(InstanceAction action, Now now) {
  if (action == InstanceAction::kStartOver) {
    ports_.log.Warn("this instance was lost; registering another", {{"instance", instance_.name}});
    return StartOver();
  }
  instance_.busy = true;
  instance_.retry_at.reset();
  const auto done = [inbox = inbox_, incarnation = incarnation_, action,
                     sent = now.mono](Result<Object> object) {
    inbox->Push(InstanceAnswer{incarnation, action, sent, std::move(object)});
  };
  const std::string manager(api::field_managers::kAgent);
  switch (action) {
    case InstanceAction::kRegister:
      return ports_.client.Create({api::AgentInstance::Type(), InstanceBody(), manager}, done);
    case InstanceAction::kCreateLease:
      instance_.sent = now.mono;
      return ports_.client.Create({api::Lease::Type(), LeaseBody(now), manager}, done);
    case InstanceAction::kRenew:
      instance_.sent = now.mono;
      return ports_.client.Update({api::Lease::Type(), LeaseBody(now), "", manager}, done);
    case InstanceAction::kReadLease:
      return ports_.client.Get({api::Lease::Type(), settings_.namespace_name, instance_.name},
                               done);
    case InstanceAction::kSayDraining:
      return ports_.client.Update({api::AgentInstance::Type(), InstanceBody(), "", manager}, done);
    case InstanceAction::kLeave:
      return ports_.client.Delete({api::AgentInstance::Type(),
                                   settings_.namespace_name,
                                   instance_.name,
                                   {instance_.uid, ""},
                                   ""},
                                  done);
    case InstanceAction::kNothing:
    case InstanceAction::kStartOver:
      return;
  }
}

Json AgentProcess::InstanceBody() const {
  api::AgentInstance body;
  body.metadata.name = instance_.name;
  body.metadata.namespace_name = settings_.namespace_name;
  SetLabel(body.metadata.labels, api::labels::kAgent, settings_.agent);
  body.spec.agent_ref.name = settings_.agent;
  body.spec.capacity = settings_.config.capacity;
  body.spec.version = settings_.host.version;
  body.spec.protocol_versions = {kProtocolVersion};
  body.spec.hostname = settings_.hostname;
  body.spec.draining = instance_.drain;
  for (const api::SidecarConfig& sidecar : settings_.config.sidecars) {
    body.spec.sidecars.push_back({.name = sidecar.name, .is_default = sidecar.is_default});
  }
  Json json = api::ToBody(body);
  json.Erase("status");
  if (instance_.uid.empty()) return json;
  // An update: what others wrote into its metadata (our controller's finalizer) must stay.
  const Object seen = instances_.Find(settings_.namespace_name, instance_.name);
  if (seen && seen.uid() == instance_.uid) json.Set("metadata", seen.Body().At("metadata"));
  return json;
}

Json AgentProcess::LeaseBody(Now now) const {
  if (!lease_.IsNull()) {
    Json body = lease_;
    body["spec"].Set("renewTime", FormatMicroTime(now.wall));
    return body;
  }
  api::Lease lease;
  lease.metadata.name = instance_.name;
  lease.metadata.namespace_name = settings_.namespace_name;
  SetLabel(lease.metadata.labels, api::labels::kAgent, settings_.agent);
  lease.metadata.owner_references.push_back({.api_version = api::AgentInstance::Type().ApiVersion(),
                                             .kind = api::AgentInstance::Type().kind,
                                             .name = instance_.name,
                                             .uid = instance_.uid});
  lease.spec.holder_identity = instance_.name;
  lease.spec.lease_duration_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(instance_.lease).count();
  lease.spec.acquire_time = now.wall;
  lease.spec.renew_time = now.wall;
  return api::ToBody(lease);
}

void AgentProcess::Take(const InstanceAnswer& answer, Now now) {
  if (answer.incarnation != incarnation_) return;
  instance_.busy = false;
  if (answer.action == InstanceAction::kLeave) {
    const bool gone = answer.object || IsMissing(answer.object.error()) || instance_.uid.empty();
    instance_.gone = gone;
    if (!gone) instance_.retry_at = now.mono + NextBackOff();
    return;
  }
  if (!answer.object) {
    return TakeFailure(answer.action, answer.object.error(), now);
  }
  NoticeAnswer(now);
  const bool only_registered = answer.action == InstanceAction::kRegister;
  if (!only_registered) {  // It may have no Lease, again and again.
    failures_ = 0;
    said_failure_.clear();
  }
  const Object& object = *answer.object;
  switch (answer.action) {
    case InstanceAction::kRegister:
      instance_.uid = object.uid();
      was_registered_ = true;
      instances_.Upsert(object, now);
      ports_.log.Info("registered", {{"instance", instance_.name}});
      break;
    case InstanceAction::kSayDraining:
      instance_.said_draining = true;
      instances_.Upsert(object, now);
      break;
    case InstanceAction::kCreateLease:
    case InstanceAction::kRenew:
      instance_.acknowledged = answer.sent;
      [[fallthrough]];
    case InstanceAction::kReadLease:
      lease_ = object.Body();
      // The controller has taken it: we were silent for too long. Or ours was deleted, which it
      // may have taken for our end, and somebody made another.
      if (instance_.lease_uid.empty()) instance_.lease_uid = object.uid();
      instance_.lost |= lease_.At("spec", "holderIdentity").AsString() != instance_.name ||
                        object.uid() != instance_.lease_uid;
      instance_.lease_version = object.resource_version();
      instance_.lease_unknown = false;
      if (answer.action != InstanceAction::kReadLease) MoveDeadlines(now);
      break;
    default:
      break;
  }
}

void AgentProcess::TakeFailure(InstanceAction action, const Error& error, Now now) {
  instance_.retry_at = now.mono + NextBackOff();
  if (IsRefusal(error, was_registered_)) return TakeRefusal(error);
  NoticeFailure(error, now);
  if (action == InstanceAction::kRegister) {
    // It may stand there under this name, or not: another name settles it.
    if (MustReadFirst(error)) StartOver();
    return;
  }
  if (action == InstanceAction::kSayDraining) return;
  // Somebody deleted it. A Lease of its own is forbidden to one that is no longer there.
  instance_.lost |= IsMissing(error) ||
                    (action == InstanceAction::kCreateLease && error.code == ErrorCode::kForbidden);
  if (MustReadFirst(error)) instance_.lease_unknown = true;
}

/// Without a token that is good for it, nothing can be said any more: what runs may end while the
/// Lease lasts, and its results are lost.
void AgentProcess::TakeRefusal(const Error& error) {
  if (failure_) return;
  failure_ = error;
  if (!was_registered_) {
    finished_ = true;
    return;
  }
  ports_.log.Fault("the server no longer takes the token of this agent; draining",
                   {{"instance", instance_.name}, {"error", error.message}});
  Drain();
}

void AgentProcess::NoticeFailure(const Error& error, Now now) {
  if (!IsCut(error)) {
    NoticeAnswer(now);
    if (std::exchange(said_failure_, error.message) == error.message) return;
    ports_.log.Warn("the API did not take what the instance has to say",
                    {{"instance", instance_.name}, {"error", error.message}});
  } else if (!cut_since_) {
    cut_since_ = now.mono;
    ports_.log.Warn(
        was_registered_ ? "the connection to the server was lost" : "the server cannot be reached",
        {{"instance", instance_.name}, {"error", error.message}});
  }
}

void AgentProcess::NoticeAnswer(Now now) {
  if (!cut_since_) return;
  const auto away = std::chrono::duration_cast<std::chrono::seconds>(now.mono - *cut_since_);
  cut_since_.reset();
  ports_.log.Info("the connection to the server is back",
                  {{"instance", instance_.name}, {"seconds", std::to_string(away.count())}});
}

/// Doubled with each failure in a row; between half and all of it, so that agents of one server do
/// not return together.
Duration AgentProcess::NextBackOff() {
  constexpr int kMaxDoublings = 10;
  const Duration full =
      std::min<Duration>(kFirstBackOff * (std::int64_t{1} << std::min(failures_, kMaxDoublings)),
                         instance_.lease / kRenewals);
  ++failures_;
  const auto half = static_cast<std::uint64_t>(full.count() / 2);
  return Duration(static_cast<std::int64_t>(half + jitter_->Below(half + 1)));
}

void AgentProcess::MoveDeadlines(Now now) {
  const auto until = AliveUntil(instance_);
  for (auto& [uid, work] : work_) {
    if (!work.session || !until || work.instance != instance_.name) continue;
    work.session->Prolong(*until, now);
    dirty_.insert(uid);
  }
}

bool AgentProcess::IsAlive(Now now) const {
  const auto until = AliveUntil(instance_);
  return until && now.mono < *until && !instance_.lost;
}

// -- The Runs.

void AgentProcess::MarkDirty(const Object& run) {
  names_[run.uid()] = run.name();
  dirty_.insert(run.uid());
}

void AgentProcess::MarkAllDirty() {
  for (const auto& [uid, name] : names_) dirty_.insert(uid);
}

std::int64_t AgentProcess::LiveSessions() const {
  return std::count_if(work_.begin(), work_.end(), [](const auto& entry) {
    const Work& work = entry.second;
    return work.session && work.session->view().stage != SessionView::Stage::kDone;
  });
}

const api::SidecarConfig* AgentProcess::FindSidecar(const std::string& name) const {
  for (const api::SidecarConfig& sidecar : settings_.config.sidecars) {
    if (sidecar.name == name) return &sidecar;
  }
  return nullptr;
}

AgentView AgentProcess::ViewFor(const api::Run& run, Now now) const {
  // What was acknowledged, or may have been, holds a slot until its session is there.
  std::int64_t taken = LiveSessions();
  for (const auto& [uid, work] : work_) {
    if (!work.session && uid != run.metadata.uid) ++taken;
  }
  return {.instance = instance_.name,
          .alive = IsAlive(now),
          .draining = drain_until_.has_value(),
          .drain_over = drain_until_ && now.mono >= *drain_until_,
          .sessions = taken,
          .capacity = settings_.config.capacity,
          .offers_sidecar = FindSidecar(run.spec.sidecar_name) != nullptr};
}

bool AgentProcess::StepRuns(Now now) {
  while (!dirty_.empty()) {
    const std::string uid = *dirty_.begin();
    dirty_.erase(dirty_.begin());
    if (StepRun(uid, now)) return true;
  }
  return false;
}

/// The Run is no longer there: neither may its session be.
bool AgentProcess::DropDeleted(const std::string& uid, Now now) {
  const auto found = work_.find(uid);
  if (found != work_.end()) {
    Work& work = found->second;
    if (work.session) {
      work.session->Kill({api::RunPhase::kCancelled, "Deleted", "the Run was deleted"}, now);
    }
    const bool done = !work.session || work.session->view().stage == SessionView::Stage::kDone;
    if (!done || work.busy) return false;
    work_.erase(found);
    MarkAllDirty();  // The slot that it may have held is free.
  }
  names_.erase(uid);
  return true;
}

bool AgentProcess::StepRun(const std::string& uid, Now now) {
  const auto name = names_.find(uid);
  if (name == names_.end()) return false;
  const Object object = runs_.Find(settings_.namespace_name, name->second);
  if (!object || object.uid() != uid) return DropDeleted(uid, now);
  const auto found = work_.find(uid);
  const auto run = api::FromObject<api::Run>(object);
  if (!run) {
    ports_.log.Warn("a Run cannot be read",
                    {{"run", object.name()}, {"error", run.error().message}});
    return false;
  }
  const SidecarSession* session = found == work_.end() ? nullptr : found->second.session.get();
  if (session != nullptr) TellEnd(found->second);
  RunDecision decision =
      PlanRun(*run, session == nullptr ? nullptr : &session->view(), ViewFor(*run, now), now);
  const bool ends = decision.action == RunAction::kStop || decision.action == RunAction::kKill;
  if (!ends && found != work_.end() && found->second.Waits(now)) return false;
  if (decision.action == RunAction::kNothing) {
    // Without a session only what this incarnation acknowledged holds a slot.
    const bool ours = run->spec.instance == instance_.name;
    if (session == nullptr && (!ours || run->status.phase == api::RunPhase::kPending))
      work_.erase(uid);
    return false;
  }
  if (decision.action == RunAction::kForget && found == work_.end()) return false;
  return Carry(*run, std::move(decision), work_[uid], now);
}

bool AgentProcess::Carry(const api::Run& run, RunDecision decision, Work& work, Now now) {
  work.name = run.metadata.name;
  switch (decision.action) {
    case RunAction::kForget:
      work_.erase(run.metadata.uid);
      return true;
    case RunAction::kStart:
      if (work.started) return false;
      StartSession(run, work, now);
      return true;
    case RunAction::kStop:
    case RunAction::kKill:
      if (decision.action == RunAction::kStop) work.session->Stop(std::move(decision.outcome), now);
      if (decision.action == RunAction::kKill) work.session->Kill(std::move(decision.outcome), now);
      if (work.session->view().stage == SessionView::Stage::kDone) dirty_.insert(run.metadata.uid);
      return false;
    case RunAction::kAcknowledge:
      WriteStatus(run, decision.status, decision.action, work);
      return true;
    case RunAction::kWrite: {
      const bool can_wait = OnlyUsageDiffers(decision.status, run.status) && work.written_at &&
                            now.mono < *work.written_at + kProgressEvery;
      if (can_wait) return false;
      work.written_at = now.mono;
      WriteStatus(run, decision.status, decision.action, work);
      return true;
    }
    case RunAction::kNothing:
      return false;
  }
  return false;
}

void AgentProcess::StartSession(const api::Run& run, Work& work, Now now) {
  work.started = true;
  work.instance = instance_.name;
  SessionSetup setup;
  setup.run = run;
  setup.sidecar = *FindSidecar(run.spec.sidecar_name);
  for (int part = 0; part < kTicketParts; ++part) setup.ticket += ports_.random.Uuid();
  std::erase(setup.ticket, '-');
  setup.kill_at = *AliveUntil(instance_);
  const PostEvent post = [inbox = inbox_, uid = run.metadata.uid](SessionEvent event) {
    inbox->Push(SessionAnswer{uid, std::move(event)});
  };
  work.session = std::make_unique<SidecarSession>(
      std::move(setup), settings_.host,
      SidecarSession::Ports{ports_.processes, ports_.tickets, ports_.store, post});
  ports_.log.Info("a Run is started", {{"run", work.name},
                                       {"sidecar", run.spec.sidecar_name},
                                       {"work", std::string(api::ToString(run.spec.mission_type))},
                                       {"attempt", std::to_string(run.spec.attempt)}});
  work.session->Begin(now);
  dirty_.insert(run.metadata.uid);
}

void AgentProcess::TellEnd(Work& work) {
  const SessionView& view = work.session->view();
  if (view.stage != SessionView::Stage::kDone || std::exchange(work.told, true)) return;
  ports_.log.Info("a Run has ended", {{"run", work.name},
                                      {"result", std::string(api::ToString(view.outcome.phase))},
                                      {"reason", view.outcome.reason},
                                      {"message", view.outcome.message}});
}

void AgentProcess::WriteStatus(const api::Run& run, const api::RunStatus& status, RunAction action,
                               Work& work) {
  work.busy = true;
  work.retry_at.reset();
  const Object object = runs_.Find(settings_.namespace_name, run.metadata.name);
  Json body = object.Body();
  body.Set("status", api::Encode(status));
  ports_.client.Update(
      {api::Run::Type(), std::move(body), "status", std::string(api::field_managers::kAgent)},
      [inbox = inbox_, name = run.metadata.name, uid = run.metadata.uid, action,
       seen = runs_.VersionOf(settings_.namespace_name, run.metadata.name)](Result<Object> answer) {
        inbox->Push(RunAnswer{name, uid, action, seen, std::move(answer)});
      });
}

void AgentProcess::ReadRun(const std::string& name, const std::string& uid, Work& work) {
  work.busy = true;
  ports_.client.Get(
      {api::Run::Type(), settings_.namespace_name, name},
      [inbox = inbox_, name, uid,
       seen = runs_.VersionOf(settings_.namespace_name, name)](Result<Object> answer) {
        inbox->Push(RunAnswer{name, uid, RunAction::kNothing, seen, std::move(answer)});
      });
}

void AgentProcess::Take(const RunAnswer& answer, Now now) {
  const auto found = work_.find(answer.uid);
  dirty_.insert(answer.uid);
  if (found != work_.end()) found->second.busy = false;
  if (answer.object) {
    runs_.Upsert(*answer.object, now);
    if (answer.action == RunAction::kWrite) TellWithdrawal(*answer.object);
    return;
  }
  if (IsMissing(answer.object.error())) {
    return runs_.ConfirmAbsent(settings_.namespace_name, answer.name, answer.seen);
  }
  if (found == work_.end()) return;
  // A write that failed is read back: the Run may have changed, or the answer may have been lost.
  const bool was_read = answer.action == RunAction::kNothing;
  if (!was_read && MustReadFirst(answer.object.error())) {
    return ReadRun(answer.name, answer.uid, found->second);
  }
  ports_.log.Warn("the status of a Run was not written",
                  {{"run", answer.name}, {"error", answer.object.error().message}});
  found->second.retry_at = now.mono + kWriteRetryAfter;
}

/// A Run that has ended without a session was stopped, or could not be done, before it was started.
void AgentProcess::TellWithdrawal(const Object& object) {
  const auto found = work_.find(object.uid());
  if (found != work_.end() && found->second.session) return;
  const auto run = api::FromObject<api::Run>(object);
  if (!run || !HasEnded(run->status.phase)) return;
  ports_.log.Info(
      "a Run has ended before it was started",
      {{"run", object.name()}, {"reason", run->status.reason}, {"message", run->status.message}});
}

// -- The sessions.

void AgentProcess::Take(SessionAnswer answer, Now now) {
  const auto found = work_.find(answer.uid);
  if (found == work_.end() || !found->second.session) return;
  found->second.session->OnEvent(std::move(answer.event), now);
  dirty_.insert(answer.uid);
}

bool AgentProcess::StepSessions(Now now) {
  bool worked = false;
  for (auto& [uid, work] : work_) {
    if (work.retry_at && now.mono >= *work.retry_at) {
      work.retry_at.reset();
      dirty_.insert(uid);
      worked = true;
    }
    if (!work.session) continue;
    const auto progress_due = work.written_at && now.mono >= *work.written_at + kProgressEvery;
    if (progress_due) {
      work.written_at.reset();
      dirty_.insert(uid);
      worked = true;
    }
    const auto wake = work.session->NextWake();
    if (!wake || now.mono < *wake) continue;
    work.session->OnTime(now);
    dirty_.insert(uid);
    worked = true;
  }
  return worked;
}

void AgentProcess::CheckFinished(Now now) {
  if (failure_ && LiveSessions() == 0) finished_ = true;
  if (!drain_until_) return;
  const bool work_left = !work_.empty();
  if (work_left && now.mono < *drain_until_ + kLeaveTime + SidecarSession::kCancelTime +
                                  SidecarSession::kTermTime) {
    return;
  }
  if (!instance_.leave) {
    instance_.leave = true;
    leave_until_ = now.mono + kLeaveTime;
    ports_.waker.Wake();
  }
  const bool never_there = instance_.uid.empty() && !instance_.busy;
  if (instance_.gone || never_there || now.mono >= *leave_until_) finished_ = true;
}

}  // namespace midwatch::agent
