#include "controller/sim/world.h"

#include <utility>

#include "controller/api/codec.h"
#include "controller/api/reasons.h"
#include "controller/testing/object_builder.h"

namespace midwatch::sim {

/// Warnings go into the trace; what a sweep finds is always a bug.
class World::TraceLog final : public Log {
 public:
  explicit TraceLog(World& world) : world_(world) {}
  void Write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    if (level < LogLevel::kWarn) {
      return;
    }
    std::string line(message);
    for (const LogField& field : fields) {
      line.append(" ").append(field.name).append("=").append(field.value);
    }
    if (message.starts_with("the sweep found")) {
      world_.checkers.Fail("sweep", line);
    }
    world_.Say("log: " + line);
  }

 private:
  World& world_;
};

World::World(const Scenario& scenario, const Kinds& kinds)
    : scheduler(fakes::SeededRandom(scenario.seed).Stream("scheduler"), trace),
      checkers(scheduler.now()),
      scenario_(scenario),
      random_(scenario.seed),
      log_(std::make_unique<TraceLog>(*this)),
      store_(scheduler),
      endpoint_(scheduler),
      user_({scheduler, endpoint_, fair_, {}}, apiserver::Identity::Administrator(),
            random_.Stream("user")),
      requests_(
          {scheduler, user_, [this](const std::string& what) { checkers.Fail("workload", what); }}),
      git_work_({scheduler.now(), requests_, checkers.model(), git_}) {
  trace.SetVerbose(scenario.verbose);
  disk_.SetObserver([this](const JournalRow& row) { OnRow(row); });
  truth.SetObserver([this](const Sidecar& started, const std::vector<Sidecar>& others) {
    ++runs;
    Say("sidecar of " + started.run + " starts");
    checkers.OnSidecarStarted(started, others);
  });
  checkers.FollowGit(git_, requests_);
  server_ = std::make_unique<Server>(MakeInstallation(kinds), random_.Stream("server"));
  workload_ = std::make_unique<Workload>(Workload::World{scheduler, requests_, checkers.model(),
                                                         store_.Keep("start\nerror: it broke\n")},
                                         scenario.density);
}

World::~World() {
  second_.reset();
  agents_.clear();
  server_.reset();
}

Installation World::MakeInstallation(const Kinds& kinds) {
  fakes::SeededRandom tune = random_.Stream("tuning");
  Tuning tuning;  // f35: some installations are very small.
  if (tune.Chance(250)) {
    tuning.max_active_plans = 1 + tune.Below(4);
  }
  if (tune.Chance(250)) {
    tuning.log_max_changes = 20 + tune.Below(200);
  }
  // Without sweeps what they would hide stays to be seen at rest; with them it is told at once.
  tuning.sweep_interval = std::chrono::minutes(tune.Chance(300) ? 0 : tune.Between(2, 15));
  return {scheduler,
          disk_,
          endpoint_,
          metrics_,
          *log_,
          kinds.registry,
          kinds.schemas,
          git_,
          tuning,
          scenario_.plant,
          [this](const ObjectKey& key, const Object& object, bool) {
            checkers.OnAcknowledged(key, object, disk_.revision());
          },
          [this] {
            scheduler.After(Duration::zero(), [this] { CrashServer(std::chrono::seconds(1)); });
          }};
}

void World::OnRow(const JournalRow& row) {
  trace.Mix(static_cast<std::uint64_t>(row.revision));
  trace.Mix(row.bytes);
  const bool forgotten = row.key.resource == "events" && row.deleted;  // Its time was up.
  if ((row.key.resource != "leases.coordination.k8s.io" || row.key.name.starts_with("lock-")) &&
      !forgotten) {
    ++changes_;
    last_change = row.key.ToString();
    std::string line =
        std::to_string(row.revision) + (row.deleted ? " delete " : " ") + last_change;
    checkers.OnRow(row);
    if (const auto found =
            checkers.model().dispatches.find(row.key.namespace_name + "/" + row.key.name);
        row.key.resource == "dispatches.midwatch.dev" &&
        found != checkers.model().dispatches.end()) {
      line.append(" ").append(api::ToString(found->second.status.phase));
      line.append(" ").append(found->second.status.reason);
      expired_ += found->second.status.reason == api::dispatch_reason::kExpired ? 1 : 0;
    }
    Say(line);
  }
  const bool child =
      row.key.resource == "dispatches.midwatch.dev" || row.key.resource == "runs.midwatch.dev";
  if (armed_ == Armed::kAnyRow || (armed_ == Armed::kChild && child)) {
    armed_ = Armed::kNo;
    scheduler.After(armed_delay_, [this] { CrashServer(std::chrono::milliseconds(500)); });
  }
}

void World::Begin() {
  server_->Boot();
  workload_->CreateTopology(random_.Stream("topology"));
  const Density& density = scenario_.density;
  for (int agent = 0; agent < density.agents; ++agent) {
    for (int instance = 0; instance < density.instances; ++instance) {
      AgentSetup setup;
      setup.namespace_name = Workload::kAgentNamespace;
      setup.agent = Workload::AgentName(agent);
      setup.host = setup.agent + "-host-" + std::to_string(instance);
      setup.capacity = random_.Stream(setup.host).Between(1, 4);
      setup.habits.immortal = scenario_.plant == "ignore-stop";
      setup.habits.no_watchdog = scenario_.plant == "no-watchdog";
      agents_.push_back(std::make_unique<AgentHost>(
          AgentHost::World{scheduler, endpoint_, store_, truth, *log_,
                           [this](const std::string& uid) { return FindRun(uid); },
                           server_->installation().acknowledged},
          setup, random_.Stream("agent " + setup.host)));
    }
  }
  RunUntil(scheduler.now() + Duration(std::chrono::seconds(20)).count());
  for (const auto& agent : agents_) {
    agent->Boot();
  }
  git_work_.Begin(random_.Stream("repositories"));
  if (scenario_.plant == "drop-event") {
    server_->weather().drop_event = 20;
  }
  Tick();
  RunUntil(scheduler.now() + Duration(std::chrono::minutes(1)).count());
}

const api::Run* World::FindRun(const std::string& uid) const {
  for (const auto& [path, run] : checkers.model().runs) {
    if (run.metadata.uid == uid) {
      return &run;
    }
  }
  return nullptr;
}

bool World::RunUntil(SimTime end) {
  while (!checkers.violation() && scheduler.RunOne(end)) {
    if (scheduler.livelocked()) {
      checkers.Fail("livelock", "the world does not come to rest; last: " + scheduler.last_actor());
    }
  }
  return !checkers.violation();
}

/// Once a minute: what has gone on for too long, and agents that have ended.
void World::Tick() {
  scheduler.After(Checkers::kLooksEvery, [this] {
    checkers.OnTime(truth);
    TendAgents();
    Tick();
  });
}

/// An agent that has lost its Lease or has drained ends; its service manager starts it again.
void World::TendAgents() {
  for (const auto& agent : agents_) {
    if (agent->finished()) {
      agent->Crash();
      agent->Boot();
    }
  }
}

void World::Do(const WorkItem& item) {
  switch (item.kind) {
    case WorkKind::kCommit:
      return git_work_.Commit(fakes::SeededRandom(item.seed));
    case WorkKind::kByHand:
      return git_work_.ByHand(fakes::SeededRandom(item.seed));
    case WorkKind::kHost:
      break;
    default:
      return workload_->Do(item);
  }
  AgentHost& agent = *agents_[item.seed % agents_.size()];
  Say("host " + agent.setup().host + (agent.up() ? " drains" : " starts"));
  if (agent.up()) {
    agent.Drain();
  } else {
    agent.Boot();
  }
}

void World::CrashServer(Duration down) {
  if (!server_->up()) {
    return;
  }
  Say("server crashes");
  server_->Crash();
  scheduler.After(down, [this] {
    if (!server_->up()) {
      Say("server starts");
      server_->Boot();
    }
  });
}

void World::During(Duration lasts, std::function<void()> end) {
  scheduler.After(lasts, [this, began = healed_, end = std::move(end)] {
    if (began == healed_) {
      end();
    }
  });
}

void World::Do(const Fault& fault) {
  fakes::SeededRandom random(fault.seed);
  const FaultRow& row = RowOf(fault.kind);
  Say("fault " + std::string(row.row) + " " + std::string(row.what));
  switch (fault.kind) {
    case FaultKind::kAgentKilled:
    case FaultKind::kAgentFrozen:
    case FaultKind::kAgentCutOff:
    case FaultKind::kAgentAnswersLost:
    case FaultKind::kAgentHeartbeatDeleted:
    case FaultKind::kF03CrashAfterResult:
    case FaultKind::kF34Partition:
      return DoAgentFault(fault, random);
    case FaultKind::kF34GitDown:
    case FaultKind::kF34GitHangs:
    case FaultKind::kF34GitGone:
      return DoGitFault(fault);
    case FaultKind::kF04LagAfterRestart:
    case FaultKind::kF05StaleRead:
    case FaultKind::kF06MissedEvents:
    case FaultKind::kF08DuplicateEvents:
    case FaultKind::kF09Reordered:
    case FaultKind::kF11LostAnswers:
    case FaultKind::kF12ConflictStorm:
    case FaultKind::kF13Throttled:
      return DoWeather(fault);
    default:
      return DoServerFault(fault, random);
  }
}

void World::DoAgentFault(const Fault& fault, fakes::SeededRandom random) {
  AgentHost& agent = *agents_[random.Below(agents_.size())];
  switch (fault.kind) {
    case FaultKind::kAgentKilled:
      agent.Crash();
      During(fault.lasts, [&agent] {
        if (!agent.up()) {
          agent.Boot();
        }
      });
      return;
    case FaultKind::kF03CrashAfterResult:
      return agent.CrashAfterResult(std::chrono::seconds(random.Between(1, 20)));
    case FaultKind::kAgentFrozen:
      agent.Freeze(true);
      return During(fault.lasts, [&agent] { agent.Freeze(false); });
    case FaultKind::kAgentHeartbeatDeleted:
      DeleteHeartbeatOf(agent);
      [[fallthrough]];
    case FaultKind::kAgentCutOff:
      agent.weather().down = true;
      return During(fault.lasts, [&agent] { agent.weather().down = false; });
    case FaultKind::kAgentAnswersLost:
      agent.weather().lose_answer = 200;
      agent.weather().late = 100;
      agent.weather().longest_delay = std::chrono::seconds(2);
      return During(fault.lasts, [&agent] { agent.weather() = {}; });
    default:
      for (const auto& each : agents_) {
        each->weather().down = true;
      }
      During(fault.lasts, [this] {
        for (const auto& each : agents_) {
          each->weather().down = false;
        }
      });
  }
}

void World::DeleteHeartbeatOf(const AgentHost& agent) {
  for (const auto& [path, instance] : checkers.model().instances) {
    if (instance.spec.hostname == agent.setup().host) {
      requests_.Delete(api::Lease::Type(), path);
    }
  }
}

void World::DoGitFault(const Fault& fault) {
  bool& broken = fault.kind == FaultKind::kF34GitDown    ? git_.down
                 : fault.kind == FaultKind::kF34GitHangs ? git_.hangs
                                                         : git_.gone;
  broken = true;
  During(fault.lasts, [&broken] { broken = false; });
}

void World::DoWeather(const Fault& fault) {
  LinkWeather& weather = server_->weather();
  switch (fault.kind) {
    case FaultKind::kF04LagAfterRestart:
      // Lists are consistent reads (KubeClient); what follows them lags, each resource on its own.
      weather.longest_delay = std::chrono::seconds(20);
      CrashServer(std::chrono::milliseconds(100));
      break;
    case FaultKind::kF05StaleRead:
      weather.longest_delay = std::chrono::seconds(3);
      break;
    case FaultKind::kF06MissedEvents:
      weather.down = true;
      break;
    case FaultKind::kF08DuplicateEvents:
      weather.duplicate = 500;
      break;
    case FaultKind::kF09Reordered:
      weather.longest_delay = std::chrono::milliseconds(50);
      break;
    case FaultKind::kF11LostAnswers:
      weather.lose_answer = 150;
      weather.lose_request = 50;
      weather.late = 100;
      break;
    case FaultKind::kF12ConflictStorm:
      weather.conflict = 800;
      break;
    default:
      weather.throttle = 500;
  }
  During(fault.lasts, [this] {
    const std::uint64_t drops = server_->weather().drop_event;
    server_->weather() = {};
    server_->weather().drop_event = drops;
  });
}

void World::DoServerFault(const Fault& fault, fakes::SeededRandom random) {
  const Installation& installation = server_->installation();
  switch (fault.kind) {
    case FaultKind::kF01CrashBetweenWrites:
      armed_ = Armed::kAnyRow;
      armed_delay_ = Duration(random.Between(0, 3000));
      return;
    case FaultKind::kF02CrashAfterChild:
      armed_ = Armed::kChild;
      armed_delay_ = Duration(random.Between(0, 300));
      return;
    case FaultKind::kF10Resync:
      return CrashServer(Duration::zero());
    case FaultKind::kF14LeaderLost:
      server_->Lead(false);
      return During(fault.lasts, [this] { server_->Lead(true); });
    case FaultKind::kF15TwoLeaders:
      if (second_ == nullptr) {
        second_ = std::make_unique<ControllerProcess>(
            ControllerProcess::World{installation, server_->clock(), second_weather_,
                                     second_leadership_},
            "second controller", random);
        During(fault.lasts, [this] { second_.reset(); });
      }
      return;
    case FaultKind::kF21PoisonObject:
      return Poison(random);
    case FaultKind::kF16ClockForward:
    case FaultKind::kF17ClockBack: {
      constexpr Duration kJumps[] = {std::chrono::hours(1), std::chrono::hours(3),
                                     std::chrono::hours(24), std::chrono::hours(24 * 365)};
      const Duration by = fault.kind == FaultKind::kF16ClockForward ? kJumps[random.Below(4)]
                                                                    : -kJumps[random.Below(2)];
      if (random.Chance(500)) {
        server_->clock().JumpWall(by);
      } else {
        agents_[random.Below(agents_.size())]->clock().JumpWall(by);
      }
      return;
    }
    case FaultKind::kF20SlowHandler:
      server_->FreezeController(true);
      server_->weather().held_until = scheduler.now() + fault.lasts.count();
      return During(fault.lasts, [this] { server_->FreezeController(false); });
    case FaultKind::kF31DiskFull:
      server_->disk_weather().full = true;
      return During(fault.lasts, [this] { server_->disk_weather().full = false; });
    case FaultKind::kF31DiskUnknown:
      server_->disk_weather().unknown = 100;
      return During(fault.lasts, [this] { server_->disk_weather().unknown = 0; });
    default:
      return RestartLoop(10, random);
  }
}

/// f21: an object as another version of Midwatch, or a mistake, may have left it in the store: it
/// is none of its kind. Everything else must go on. After a while somebody deletes it.
void World::Poison(fakes::SeededRandom random) {
  const ResourceType* const kTypes[] = {
      &api::ModuleJob::Type(),     &api::Dispatch::Type(),        &api::Run::Type(),
      &api::AgentInstance::Type(), &api::AgentAssignment::Type(), &api::OrganizationMission::Type(),
      &api::Lease::Type(),         &api::GitSource::Type(),
  };
  const ResourceType& type = *kTypes[random.Below(std::size(kTypes))];
  const std::string space = type.namespaced ? std::string(Workload::kAgentNamespace) : "";
  const std::string name = "poison-" + std::to_string(random.Below(1'000'000));
  if (!server_->up() || armed_ != Armed::kNo) {
    return;
  }
  server_->Crash();
  fakes::ObjectBuilder poison(type, name, space);
  poison.Uid("uid-" + name).Version(disk_.revision() + 1).Set("spec", 5);
  disk_.Apply({{.revision = disk_.revision() + 1,
                .deleted = false,
                .key = {type.Resource(), space, name},
                .uid = "uid-" + name,
                .bytes = poison.json().Dump(),
                .previous = 0}});
  server_->Boot();
  scheduler.After(std::chrono::minutes(random.Between(1, 10)), [this, &type, space, name] {
    requests_.Delete(type, space.empty() ? name : space + "/" + name);
  });
}

void World::RestartLoop(int times, fakes::SeededRandom random) {
  CrashServer(Duration(random.Between(0, 500'000)));
  if (times > 1) {
    During(Duration(random.Between(50'000, 5'000'000)),
           [this, times, random] { RestartLoop(times - 1, random); });
  }
}

void World::Heal() {
  ++healed_;
  Say("faults stop");
  armed_ = Armed::kNo;
  const std::uint64_t drops = server_->weather().drop_event;
  server_->weather() = {};
  server_->weather().drop_event = drops;
  server_->disk_weather() = {};
  server_->FreezeController(false);
  server_->Lead(true);
  git_.down = git_.hangs = git_.gone = false;
  second_.reset();
  if (!server_->up()) {
    server_->Boot();
  }
  for (const auto& agent : agents_) {
    agent->weather() = {};
    agent->Freeze(false);
    if (!agent->up()) {
      agent->Boot();
    }
  }
}

void World::Restart() {
  server_->Crash();
  server_->Boot();
}

}  // namespace midwatch::sim
