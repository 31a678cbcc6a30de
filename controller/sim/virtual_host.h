#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "controller/api/run.h"
#include "controller/env/process_runner.h"
#include "controller/env/ticket_server.h"
#include "controller/sim/hosts.h"
#include "controller/sim/scheduler.h"

namespace midwatch::sim {

/// How the sidecars of a host behave.
struct SidecarHabits {
  Duration shortest_work = std::chrono::seconds(5);
  Duration longest_work = std::chrono::minutes(3);
  std::uint64_t crash = 40;       ///< Per mille that end with exit code 1,
  std::uint64_t forget = 20;      ///< that end their turn without a result,
  std::uint64_t long_work = 20;   ///< that work for up to two hours,
  std::uint64_t hang = 3;         ///< that never end by themselves,
  std::uint64_t stubborn = 150;   ///< that hear neither session/cancel nor SIGTERM,
  std::uint64_t lose_tools = 30;  ///< whose tools break off in the middle of a call (f29).
  // Planted bugs.
  bool immortal = false;     ///< Nothing that the agent does ends it.
  bool no_watchdog = false;  ///< The watchdog's deadline kills nobody.
};

/// A machine on which sidecars run: the ProcessRunner with its watchdog, the TicketServer, and
/// sidecars that speak the Agent Client Protocol and submit a result over MCP. It goes on while the
/// agent process is frozen, and kills what a dead one has left. Everything happens in the
/// scheduler's time.
class VirtualHost final : public ProcessRunner, public TicketServer {
 public:
  struct World {
    Scheduler& scheduler;
    SidecarTruth& truth;
    const SimClock& clock;
    /// The durable Run of that UID.
    std::function<const api::Run*(const std::string& uid)> find_run;
    std::function<void()> result_taken;  ///< A sidecar has learnt that its result was taken in.
  };

  VirtualHost(World world, SidecarHabits habits, fakes::SeededRandom random);

  Result<std::unique_ptr<Process>> Start(const ProcessSpec& spec,
                                         std::shared_ptr<ProcessSink> sink) override;
  Result<std::unique_ptr<TicketSocket>> Open(
      std::string name, Secret<std::string> ticket,
      std::function<std::shared_ptr<TicketSink>()> accept) override;

 private:
  class Machine;  // One sidecar process.
  class Handle;
  class Connection;
  class Socket;
  struct Listening {
    std::string ticket;
    std::function<std::shared_ptr<TicketSink>()> accept;
  };

  World world_;
  SidecarHabits habits_;
  fakes::SeededRandom random_;
  std::map<std::string, Listening> sockets_;  // By path.
};

}  // namespace midwatch::sim
