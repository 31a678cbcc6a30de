#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "controller/sim/sim_clock.h"
#include "controller/testing/seeded_random.h"

namespace midwatch::sim {

/// What can go wrong, each named by its row of fault-patterns.tsv. Where the other rows are made is
/// told in tests/simulation/README.md.
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
  kAgentHeartbeatDeleted,
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

inline constexpr SimTime kEpoch = 3'600'000'000;  ///< An hour of work and faults; then comes rest.

/// Of a seed, what everything that happens in one epoch is drawn from.
fakes::SeededRandom RandomOfEpoch(std::uint64_t seed, int epoch);

/// What breaks in an epoch that begins then, in order: of the kinds that it has chosen (about half
/// of them), so that seeds differ in character.
std::vector<Fault> FaultsOfEpoch(std::uint64_t seed, int epoch, SimTime from);

}  // namespace midwatch::sim
