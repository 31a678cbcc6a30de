#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "controller/sim/sim_clock.h"
#include "controller/testing/seeded_random.h"

namespace midwatch::sim {

/// What can go wrong, each named by its row of fault-patterns.tsv. f07, f22, f24, f25 and f26 are
/// made by the workload, f29 by the sidecars, f35 by the tuning, f36 and f37 by the simulation
/// itself.
enum class FaultKind : std::uint8_t {
  kF01CrashBetweenWrites,
  kF02CrashAfterChild,
  kF03CrashAfterResult,
  kF04LagAfterRestart,
  kF05StaleRead,
  kF06MissedEvents,
  kF08DuplicateEvents,
  kF09Reordered,
  kF10Resync,
  kF11LostAnswers,
  kF12ConflictStorm,
  kF13Throttled,
  kF14LeaderLost,
  kF15TwoLeaders,
  kF16ClockForward,
  kF17ClockBack,
  kF20SlowHandler,
  kF21PoisonObject,
  kF31DiskFull,
  kF31DiskUnknown,
  kF33RestartLoop,
  kF34Partition,
  kF34GitDown,
  kF34GitHangs,
  kF34GitGone,
  kAgentKilled,
  kAgentFrozen,
  kAgentCutOff,
  kAgentAnswersLost,
};

struct FaultRow {
  FaultKind kind;
  std::string_view row;  ///< Of fault-patterns.tsv.
  std::string_view what;
  int per_hour_per_mille;  ///< How often, in thousandths.
};
std::span<const FaultRow> FaultRows();
const FaultRow& RowOf(FaultKind kind);

struct Fault {
  SimTime at = 0;
  FaultKind kind = {};
  Duration lasts = Duration::zero();
  std::uint64_t seed = 0;
};

/// What happens in [from, to), in order: of the kinds that this seed has chosen (about half of
/// them), so that seeds differ in character.
std::vector<Fault> DrawFaults(SimTime from, SimTime to, fakes::SeededRandom random);

}  // namespace midwatch::sim
