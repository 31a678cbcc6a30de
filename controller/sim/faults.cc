#include "controller/sim/faults.h"

#include <algorithm>
#include <array>
#include <string>

#include "controller/base/check.h"

namespace midwatch::sim {
namespace {

using enum FaultKind;

constexpr std::array kRows = {
    FaultRow{kF01CrashBetweenWrites, "f01", "the server dies shortly after some write", 3000},
    FaultRow{kF02CrashAfterChild, "f02", "the server dies right after it made a Dispatch or Run",
             2000},
    FaultRow{kF03CrashAfterResult, "f03", "an agent dies right after a result was submitted", 1500},
    FaultRow{kF04LagAfterRestart, "f04", "after a restart every resource is seen late", 1000},
    FaultRow{kF05StaleRead, "f05", "events and answers lag behind the writes", 1500},
    FaultRow{kF06MissedEvents, "f06", "the reconcilers lose their connection", 1500},
    FaultRow{kF08DuplicateEvents, "f08", "events come twice", 1500},
    FaultRow{kF09Reordered, "f09", "events of different resources overtake each other", 1500},
    FaultRow{kF10Resync, "f10", "everything is looked at again", 500},
    FaultRow{kF11LostAnswers, "f11", "writes happen and nobody learns of it", 2000},
    FaultRow{kF12ConflictStorm, "f12", "most writes are refused as conflicts", 1000},
    FaultRow{kF13Throttled, "f13", "requests are throttled", 500},
    FaultRow{kF14LeaderLost, "f14", "the leadership is lost in the middle of a step", 1000},
    FaultRow{kF15TwoLeaders, "f15", "two processes reconcile at the same time", 800},
    FaultRow{kF16ClockForward, "f16", "a clock jumps forward", 500},
    FaultRow{kF17ClockBack, "f17", "a clock jumps back", 500},
    FaultRow{kF20SlowHandler, "f20", "the reconcilers stand still for a while", 1000},
    FaultRow{kF21PoisonObject, "f21", "an object appears that cannot be understood", 800},
    FaultRow{kF31DiskFull, "f31", "the disk is full", 500},
    FaultRow{kF31DiskUnknown, "f31", "a commit ends and nobody knows how", 500},
    FaultRow{kF33RestartLoop, "f33", "the server dies again and again", 500},
    FaultRow{kF34Partition, "f34", "agents cannot reach the API", 500},
    FaultRow{kF34GitDown, "f34", "the git remote cannot be reached", 800},
    FaultRow{kF34GitHangs, "f34", "the git remote never ends its answer", 500},
    FaultRow{kF34GitGone, "f34", "the git remote says that there is no such repository", 500},
    FaultRow{kAgentKilled, "f01", "an agent process is killed", 3000},
    FaultRow{kAgentFrozen, "f20", "an agent process is stopped and goes on", 2500},
    FaultRow{kAgentCutOff, "f34", "an agent cannot reach the API", 2500},
    FaultRow{kAgentAnswersLost, "f11", "an agent does not get its answers", 2000},
    FaultRow{kAgentHeartbeatDeleted, "f34", "an agent is cut off, and its heartbeat deleted", 2500},
};

constexpr bool InOrder() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].kind) != i) {
      return false;
    }
  }
  return true;
}
static_assert(InOrder(), "every FaultKind has its row, in order");

}  // namespace

std::span<const FaultRow> FaultRows() { return kRows; }

const FaultRow& RowOf(FaultKind kind) { return kRows.at(static_cast<std::size_t>(kind)); }

fakes::SeededRandom RandomOfEpoch(std::uint64_t seed, int epoch) {
  return fakes::SeededRandom(seed).Stream("epoch " + std::to_string(epoch));
}

std::vector<Fault> FaultsOfEpoch(std::uint64_t seed, int epoch, SimTime from) {
  fakes::SeededRandom random = RandomOfEpoch(seed, epoch).Stream("faults");
  const SimTime to = from + kEpoch;
  std::vector<Fault> faults;
  for (const FaultRow& row : kRows) {
    if (!random.Chance(500)) {
      continue;
    }
    const std::int64_t expected = row.per_hour_per_mille;
    const auto count = static_cast<std::int64_t>(
        random.Below(static_cast<std::uint64_t>(2 * expected / 1000 + 2)));
    for (std::int64_t i = 0; i < count; ++i) {
      const Duration lasts(random.Chance(700) ? random.Between(100'000, 20'000'000)
                                              : random.Between(20'000'000, 180'000'000));
      faults.push_back({random.Between(from, to - 1), row.kind, lasts, random.Next()});
    }
  }
  std::stable_sort(faults.begin(), faults.end(),
                   [](const Fault& a, const Fault& b) { return a.at < b.at; });
  return faults;
}

}  // namespace midwatch::sim
