#include "controller/sim/agent_host.h"

#include <utility>

namespace midwatch::sim {

/// Members in the order in which they need each other: a crash destroys the last first.
struct AgentHost::Life {
  Life(AgentHost& host, fakes::SeededRandom stream)
      : random(stream.Stream("agent")),
        client(
            {host.world_.scheduler, host.world_.endpoint, host.weather_, host.world_.acknowledged},
            apiserver::Identity::Agent(host.setup_.namespace_name, host.setup_.agent),
            stream.Stream("network")),
        seat(host.world_.scheduler, "agent " + host.setup_.host, host.clock_),
        process({client, host.host_, host.host_, host.world_.store, random, seat, host.world_.log,
                 host.metrics_},
                SettingsOf(host.setup_)) {
    seat.Put(process);
  }

  static agent::AgentSettings SettingsOf(const AgentSetup& setup) {
    agent::AgentSettings settings;
    settings.namespace_name = setup.namespace_name;
    settings.agent = setup.agent;
    settings.hostname = setup.host;
    settings.config.capacity = setup.capacity;
    settings.config.sidecars = {
        {.name = "scripted", .command = "/bin/sidecar", .is_default = true}};
    settings.host.version = "0.1.0";
    settings.host.mcp_command = {"/bin/midwatch", "mcp"};
    return settings;
  }

  fakes::SeededRandom random;
  SimKubeClient client;
  Scheduler::Seat seat;
  agent::AgentProcess process;
};

AgentHost::AgentHost(World world, AgentSetup setup, fakes::SeededRandom random)
    : world_(std::move(world)),
      setup_(std::move(setup)),
      random_(random),
      clock_(world_.scheduler.now(), random_.Between(-45'000, 45'000),
             random_.Between(1, 1'000'000'000'000)),
      host_({world_.scheduler, world_.truth, clock_, world_.find_run, [this] { OnResultTaken(); }},
            setup_.habits, random.Stream("sidecars")) {}

AgentHost::~AgentHost() = default;

void AgentHost::Boot() {
  life_ = std::make_unique<Life>(*this, random_.Stream("life " + std::to_string(++boots_)));
}

void AgentHost::Crash() { life_.reset(); }

void AgentHost::OnResultTaken() {
  if (!crash_after_result_) {
    return;
  }
  const Duration down = *std::exchange(crash_after_result_, std::nullopt);
  world_.scheduler.After(Duration(random_.Between(0, 2'000)), [this] { Crash(); });
  world_.scheduler.After(down, [this] {
    if (!up()) {
      Boot();
    }
  });
}

void AgentHost::Drain() {
  if (life_ != nullptr) {
    life_->process.Drain();
    life_->seat.Wake();
  }
}

void AgentHost::Freeze(bool frozen) {
  if (life_ != nullptr) {
    life_->seat.Freeze(frozen);
  }
}

bool AgentHost::finished() const { return life_ != nullptr && life_->process.finished(); }

}  // namespace midwatch::sim
