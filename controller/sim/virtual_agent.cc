#include "controller/sim/virtual_agent.h"

#include <map>
#include <utility>

#include "controller/api/agent_instance.h"
#include "controller/api/codec.h"
#include "controller/api/lease.h"
#include "controller/api/names.h"
#include "controller/api/reasons.h"
#include "controller/api/results.h"
#include "controller/api/run.h"
#include "controller/base/digest.h"
#include "controller/env/metrics.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/runtime/worker.h"

namespace midwatch::sim {
namespace {

constexpr Duration kLease = std::chrono::seconds(30);
constexpr Duration kRenew = std::chrono::seconds(10);
constexpr Duration kStartsWithin = std::chrono::milliseconds(50);
constexpr Duration kStopsWithin = std::chrono::seconds(3);

std::string ResultOf(const api::Run& run) {
  switch (run.spec.mission_type) {
    case api::MissionType::kAutoDiagnose:
      return api::Encode(api::Diagnosis{.root_cause = "simulated by " + run.metadata.name,
                                        .category = api::FailureCategory::kUnknown,
                                        .transient = false,
                                        .confidence = api::Confidence::kLow})
          .Dump();
    case api::MissionType::kApprovalRecommend:
      return api::Encode(api::Recommendation{.recommend = api::RecommendedAnswer::kNeedsHuman,
                                             .reason = "simulated by " + run.metadata.name})
          .Dump();
    case api::MissionType::kSummarizeJob:
      break;
  }
  return api::Encode(api::Summary{.summary = "simulated by " + run.metadata.name}).Dump();
}

enum class SidecarState : std::uint8_t { kRunning, kStopping, kDone, kCrashed, kKilled };

}  // namespace

/// One life of the agent process.
class VirtualAgent::Process final : public Reconciler, public Actor {
 public:
  Process(VirtualAgent& host, fakes::SeededRandom random, std::string name);
  ~Process() override;

  Result<Plan> Reconcile(const ObjectKey& key, const View& view, Now now) const override;
  /// The heartbeat.
  bool Step(Now now) override;
  std::optional<MonoTime> NextWake() const override;

  void Drain() {
    draining_ = true;
    beat_seat_.Wake();
  }
  void Freeze(bool frozen);
  bool finished() const { return lost_ || (draining_ && Alive() == 0); }
  void KillAll();

 private:
  /// Starts and stops sidecars for the Worker.
  class Starter final : public OperationRunner {
   public:
    explicit Starter(Process& process) : process_(process) {}
    void Start(std::string name, Json spec, std::function<void(Result<void>)> done) override;

   private:
    Process& process_;
  };
  struct Child {
    SidecarState state = SidecarState::kRunning;
    std::function<void(Result<void>)> ended;
  };

  std::size_t Alive() const;
  void StartSidecar(const std::string& run, const Json& spec,
                    std::function<void(Result<void>)> done);
  void EndSidecar(const std::string& uid, SidecarState state);
  void ArmWatchdog(MonoTime sent);
  Write StatusWrite(const Object& stored, api::Run run, api::RunPhase phase, Now now) const;
  Plan PlanStop(const Object& stored, const api::Run& run, Now now) const;
  void Register(Now now);
  void Renew(Now now);
  void OnRenewed(const Result<Object>& renewed, MonoTime sent);
  void TellDraining();

  VirtualAgent& host_;
  mutable fakes::SeededRandom random_;
  std::string name_;
  NoLog log_;
  NoMetrics metrics_;
  Starter starter_{*this};
  std::map<std::string, Child> children_;  // By UID of the Run.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::uint64_t watchdog_ = 0;  // The one that counts.

  // The heartbeat.
  enum class Beat : std::uint8_t { kRegister, kRegistering, kCreateLease, kWaiting, kRenewing };
  Beat beat_ = Beat::kRegister;
  Object lease_;
  MonoTime next_beat_;
  bool draining_ = false;
  bool told_draining_ = false;
  bool lost_ = false;

  SimKubeClient client_;
  Scheduler::Seat worker_seat_;
  Scheduler::Seat beat_seat_;
  std::unique_ptr<Worker> worker_;
};

VirtualAgent::Process::Process(VirtualAgent& host, fakes::SeededRandom random, std::string name)
    : host_(host),
      random_(random),
      name_(std::move(name)),
      client_(
          {host.world_.scheduler, host.world_.endpoint, host.weather_, host.world_.acknowledged},
          apiserver::Identity::Agent(host.setup_.namespace_name, host.setup_.agent),
          random.Stream("network")),
      worker_seat_(host.world_.scheduler, "agent/" + name_, host.clock_),
      beat_seat_(host.world_.scheduler, "heartbeat/" + name_, host.clock_) {
  Controller controller{.name = "run", .primary = api::Run::Type(), .reconciler = this};
  WorkerOptions options;
  options.sweep_interval = Duration::zero();
  options.operations = {{"sidecar", &starter_}};
  options.scopes[api::Run::Type().Resource()] = {host_.setup_.namespace_name, "",
                                                 "spec.agentRef.name=" + host_.setup_.agent};
  worker_ =
      std::make_unique<Worker>(Worker::Ports{client_, worker_seat_, random_, metrics_, log_},
                               std::vector<Controller>{std::move(controller)}, std::move(options));
  worker_seat_.Put(*worker_);
  beat_seat_.Put(*this);
}

VirtualAgent::Process::~Process() {
  *alive_ = false;
  KillAll();
}

void VirtualAgent::Process::Freeze(bool frozen) {
  worker_seat_.Freeze(frozen);
  beat_seat_.Freeze(frozen);
}

std::size_t VirtualAgent::Process::Alive() const {
  std::size_t alive = 0;
  for (const auto& [uid, child] : children_) {
    alive += child.state == SidecarState::kRunning || child.state == SidecarState::kStopping;
  }
  return alive;
}

// -- Sidecars.

void VirtualAgent::Process::Starter::Start(std::string name, Json spec,
                                           std::function<void(Result<void>)> done) {
  if (spec.At("stop").AsBool()) {
    const auto child = process_.children_.find(name);
    if (child != process_.children_.end() && child->second.state == SidecarState::kRunning) {
      child->second.state = SidecarState::kStopping;
      child->second.ended = std::move(done);
      const auto takes = static_cast<std::int64_t>(
          process_.random_.Below(static_cast<std::uint64_t>(kStopsWithin.count())));
      process_.host_.world_.scheduler.After(Duration(takes), [this, name, alive = process_.alive_] {
        if (*alive) {
          process_.EndSidecar(name, SidecarState::kKilled);
        }
      });
    }
    return;
  }
  process_.StartSidecar(name, spec, std::move(done));
}

void VirtualAgent::Process::StartSidecar(const std::string& uid, const Json& spec,
                                         std::function<void(Result<void>)> done) {
  if (lost_ || children_.contains(uid)) {
    done({});
    return;
  }
  const AgentSetup& setup = host_.setup_;
  children_[uid] = {SidecarState::kRunning, std::move(done)};
  host_.world_.truth.Started({spec.At("run").AsString(), uid, spec.At("pair").AsString(),
                              spec.At("dispatch").AsString(), host_.world_.scheduler.now()});
  if (random_.Chance(setup.hangs)) {
    return;
  }
  const bool crashes = random_.Chance(setup.fails);
  const Duration takes(random_.Between(setup.shortest_work.count(), setup.longest_work.count()));
  host_.world_.scheduler.After(takes, [this, uid, crashes, alive = alive_] {
    if (*alive && children_[uid].state == SidecarState::kRunning) {
      EndSidecar(uid, crashes ? SidecarState::kCrashed : SidecarState::kDone);
    }
  });
}

void VirtualAgent::Process::EndSidecar(const std::string& uid, SidecarState state) {
  Child& child = children_[uid];
  if (child.state != SidecarState::kRunning && child.state != SidecarState::kStopping) {
    return;
  }
  child.state = state;
  host_.world_.truth.Ended(uid);
  if (auto ended = std::exchange(child.ended, {})) {
    ended({});
  }
}

void VirtualAgent::Process::KillAll() {
  for (auto& [uid, child] : children_) {
    if (child.state == SidecarState::kRunning || child.state == SidecarState::kStopping) {
      child.state = SidecarState::kKilled;
      child.ended = {};
      host_.world_.truth.Ended(uid);
    }
  }
}

/// Counts from when the renewal was sent that was acknowledged, and needs nothing of the agent
/// process.
void VirtualAgent::Process::ArmWatchdog(MonoTime sent) {
  const std::uint64_t number = ++watchdog_;
  const SimTime at = host_.clock_.WhenMono(sent + kLease);
  host_.world_.scheduler.At(at, [this, number, alive = alive_] {
    if (*alive && number == watchdog_ && !host_.world_.plants.no_watchdog) {
      lost_ = true;
      KillAll();
    }
  });
}

// -- The heartbeat.

bool VirtualAgent::Process::Step(Now now) {
  if (lost_ || now.mono < next_beat_) {
    return false;
  }
  if (draining_ && !told_draining_ && beat_ == Beat::kWaiting) {
    TellDraining();
    return true;
  }
  switch (beat_) {
    case Beat::kRegister:
      Register(now);
      return true;
    case Beat::kCreateLease:
    case Beat::kWaiting:
      Renew(now);
      return true;
    case Beat::kRegistering:
    case Beat::kRenewing:
      return false;
  }
  return false;
}

std::optional<MonoTime> VirtualAgent::Process::NextWake() const {
  const bool waits =
      beat_ == Beat::kRegister || beat_ == Beat::kCreateLease || beat_ == Beat::kWaiting;
  return waits && !lost_ ? std::optional(next_beat_) : std::nullopt;
}

void VirtualAgent::Process::Register(Now now) {
  beat_ = Beat::kRegistering;
  api::AgentInstance instance;
  instance.metadata.name = name_;
  instance.metadata.namespace_name = host_.setup_.namespace_name;
  instance.spec.agent_ref.name = host_.setup_.agent;
  for (const std::string& sidecar : host_.setup_.sidecars) {
    instance.spec.sidecars.push_back(
        {.name = sidecar, .is_default = instance.spec.sidecars.empty()});
  }
  instance.spec.capacity = host_.setup_.capacity;
  instance.spec.version = "0.1.0";
  instance.spec.protocol_versions = {1};
  instance.spec.hostname = host_.setup_.host;
  Json body = api::ToBody(instance);
  body.Erase("status");
  client_.Create({api::AgentInstance::Type(), std::move(body), "midwatch-agent", false},
                 [this, now](const Result<Object>& made) {
                   const bool there = made || made.error().code == ErrorCode::kAlreadyExists;
                   beat_ = there ? Beat::kCreateLease : Beat::kRegister;
                   next_beat_ = there ? now.mono : now.mono + std::chrono::seconds(2);
                   beat_seat_.Wake();
                 });
}

void VirtualAgent::Process::Renew(Now now) {
  beat_ = Beat::kRenewing;
  auto done = [this, now](const Result<Object>& renewed) { OnRenewed(renewed, now.mono); };
  api::Lease lease;
  lease.metadata.name = name_;
  lease.metadata.namespace_name = host_.setup_.namespace_name;
  lease.spec.holder_identity = name_;
  lease.spec.lease_duration_seconds = 30;
  lease.spec.renew_time = now.wall;
  if (!lease_) {
    client_.Create({api::Lease::Type(), api::ToBody(lease), "midwatch-agent", false},
                   std::move(done));
    return;
  }
  PatchRequest patch;
  patch.type = api::Lease::Type();
  patch.namespace_name = lease.metadata.namespace_name;
  patch.name = name_;
  patch.patch =
      Json::Of({{"metadata",
                 Json::Of({{"uid", lease_.uid()}, {"resourceVersion", lease_.resource_version()}})},
                {"spec", Json::Of({{"renewTime", FormatMicroTime(now.wall)}})}});
  patch.field_manager = "midwatch-agent";
  client_.Patch(std::move(patch), std::move(done));
}

void VirtualAgent::Process::OnRenewed(const Result<Object>& renewed, MonoTime sent) {
  if (renewed) {
    lease_ = *renewed;
    ArmWatchdog(sent);
    beat_ = Beat::kWaiting;
    next_beat_ = sent + kRenew;
    beat_seat_.Wake();
    return;
  }
  const ErrorCode code = renewed.error().code;
  const bool read_first = code == ErrorCode::kConflict || code == ErrorCode::kAlreadyExists ||
                          code == ErrorCode::kOutcomeUnknown;
  next_beat_ = host_.clock_.Read().mono + std::chrono::seconds(read_first ? 0 : 2);
  if (!read_first) {
    beat_ = lease_ ? Beat::kWaiting : Beat::kCreateLease;
    beat_seat_.Wake();
    return;
  }
  client_.Get({api::Lease::Type(), host_.setup_.namespace_name, name_},
              [this](const Result<Object>& found) {
                if (found) {
                  lease_ = *found;
                } else {
                  next_beat_ = host_.clock_.Read().mono + std::chrono::seconds(2);
                }
                beat_ = lease_ ? Beat::kWaiting : Beat::kCreateLease;
                beat_seat_.Wake();
              });
}

void VirtualAgent::Process::TellDraining() {
  beat_ = Beat::kRenewing;
  PatchRequest patch;
  patch.type = api::AgentInstance::Type();
  patch.namespace_name = host_.setup_.namespace_name;
  patch.name = name_;
  patch.patch = Json::Of({{"spec", Json::Of({{"draining", true}})}});
  patch.field_manager = "midwatch-agent";
  client_.Patch(std::move(patch), [this](const Result<Object>& told) {
    told_draining_ = told.has_value();
    beat_ = Beat::kWaiting;
    next_beat_ = host_.clock_.Read().mono + std::chrono::seconds(told ? 0 : 2);
    beat_seat_.Wake();
  });
}

// -- Runs.

Result<Plan> VirtualAgent::Process::Reconcile(const ObjectKey& key, const View& view,
                                              Now now) const {
  const Object stored = view.Find(key);
  if (!stored || lost_) {
    return Plan{};
  }
  MIDWATCH_ASSIGN(const api::Run run, api::FromObject<api::Run>(stored));
  const bool ended = run.status.phase == api::RunPhase::kSucceeded ||
                     run.status.phase == api::RunPhase::kFailed ||
                     run.status.phase == api::RunPhase::kCancelled;
  if (run.spec.instance != name_ || ended) {
    return Plan{};
  }
  if (run.spec.stop_requested && !host_.world_.plants.ignores_stop) {
    return PlanStop(stored, run, now);
  }
  const auto child = children_.find(stored.uid());
  if (child == children_.end()) {
    if (run.status.phase == api::RunPhase::kPending && !host_.world_.plants.starts_unacknowledged) {
      if (draining_) {
        return Plan{};
      }
      return Plan{{StatusWrite(stored, run, api::RunPhase::kAcknowledged, now)}, false, {}};
    }
    Json spec = Json::Of(
        {{"run", stored.namespace_name() + "/" + stored.name()},
         {"dispatch", run.spec.dispatch_ref.namespace_name + "/" + run.spec.dispatch_ref.name},
         {"pair", run.spec.module.namespace_name + "/" + run.spec.job.name + "/" +
                      std::string(api::ToString(run.spec.mission_type))}});
    return Plan{{Start{"sidecar", stored.uid(), std::move(spec)},
                 StatusWrite(stored, run, api::RunPhase::kRunning, now)},
                false,
                {}};
  }
  switch (child->second.state) {
    case SidecarState::kRunning:
      if (run.status.phase != api::RunPhase::kRunning) {
        return Plan{{StatusWrite(stored, run, api::RunPhase::kRunning, now)}, false, {}};
      }
      return Plan{};
    case SidecarState::kStopping:
      return Plan{};
    case SidecarState::kDone:
      return Plan{{StatusWrite(stored, run, api::RunPhase::kSucceeded, now)}, false, {}};
    case SidecarState::kCrashed:
    case SidecarState::kKilled:
      return Plan{{StatusWrite(stored, run, api::RunPhase::kFailed, now)}, false, {}};
  }
  return Plan{};
}

Plan VirtualAgent::Process::PlanStop(const Object& stored, const api::Run& run, Now now) const {
  const auto child = children_.find(stored.uid());
  if (child != children_.end() && child->second.state == SidecarState::kRunning) {
    return {{Start{"sidecar", stored.uid(), Json::Of({{"stop", true}})}}, false, {}};
  }
  if ((child != children_.end() && child->second.state == SidecarState::kStopping) ||
      run.status.phase == api::RunPhase::kPending) {
    return {};  // It ends soon; or it was withdrawn before anybody took it.
  }
  return {{StatusWrite(stored, run, api::RunPhase::kCancelled, now)}, false, {}};
}

Write VirtualAgent::Process::StatusWrite(const Object& stored, api::Run run, api::RunPhase phase,
                                         Now now) const {
  api::RunStatus& status = run.status;
  status.observed_generation = run.metadata.generation;
  status.phase = phase;
  switch (phase) {
    case api::RunPhase::kAcknowledged:
      status.acknowledged_at = now.wall;
      break;
    case api::RunPhase::kRunning:
      status.started_at = now.wall;
      break;
    case api::RunPhase::kSucceeded: {
      const std::string result = ResultOf(run);
      status.result = api::RunResult{.digest = DigestOf(result),
                                     .media_type = "application/json",
                                     .size = static_cast<std::int64_t>(result.size()),
                                     .inline_json = result};
      status.message = "done by " + run.metadata.name;
      status.finished_at = now.wall;
      status.sidecar_stopped = true;
      break;
    }
    case api::RunPhase::kFailed:
      status.reason = api::dispatch_reason::kSidecarFailed;
      status.message = "exit code 1";
      status.finished_at = now.wall;
      status.sidecar_stopped = true;
      break;
    default:
      status.finished_at = now.wall;
      status.sidecar_stopped = true;
  }
  UpdateRequest update = StatusUpdate(stored, run);
  update.field_manager = "midwatch-agent";
  return update;
}

// -- The host.

VirtualAgent::VirtualAgent(World world, AgentSetup setup, fakes::SeededRandom random)
    : world_(std::move(world)),
      setup_(std::move(setup)),
      random_(random),
      clock_(world_.scheduler.now(), random_.Between(-45'000, 45'000),
             random_.Between(1, 1'000'000'000'000)) {}

VirtualAgent::~VirtualAgent() = default;

void VirtualAgent::Boot() {
  ++boots_;
  const std::string life = std::to_string(boots_);
  process_ =
      std::make_unique<Process>(*this, random_.Stream("life " + life), setup_.host + "-" + life);
}

void VirtualAgent::Crash() { process_.reset(); }

void VirtualAgent::Drain() {
  if (process_ != nullptr) {
    process_->Drain();
  }
}

void VirtualAgent::Freeze(bool frozen) {
  if (process_ != nullptr) {
    process_->Freeze(frozen);
  }
}

bool VirtualAgent::finished() const { return process_ != nullptr && process_->finished(); }

}  // namespace midwatch::sim
