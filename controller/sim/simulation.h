#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/sim/checkers.h"
#include "controller/sim/workload.h"

namespace midwatch::sim {

/// Which run it is. Equal scenarios give equal outcomes, hash included.
struct Scenario {
  std::uint64_t seed = 1;
  int hours = 1;      ///< Of work and faults; the rests in between come on top.
  std::string plant;  ///< Empty: none.
  Density density;
  bool verbose = false;
  // For the shrinker: what is left out, by position in what the seed drew.
  std::set<std::size_t> without_faults;
  std::set<std::size_t> without_work;
};

struct Outcome {
  std::optional<Violation> violation;
  std::uint64_t hash = 0;
  std::vector<std::string> last_lines;  ///< Of the trace.
  std::uint64_t steps = 0;
  SimTime simulated = 0;
  std::size_t faults = 0;  ///< Drawn, for the shrinker; some may have been left out.
  std::size_t work = 0;
  std::size_t dispatches = 0;  ///< That ended.
  std::size_t runs = 0;        ///< Sidecars that were started.
  std::int64_t revision = 0;   ///< Durable changes.
};

/// Runs a whole installation in a virtual world: real storage, watches, reconcilers and runtime;
/// virtual journal, network, clocks, agents, pipelines and people. Work and faults come in epochs
/// of an hour; after each the faults stop (f37), the world must come to rest, everything is looked
/// at again (f10), and nothing may be written.
Outcome Simulate(const Scenario& scenario);

/// The command that runs it again.
std::string ReplayCommand(const Scenario& scenario);

/// Leaves out faults and work as long as the same checker still fails; at most `budget` runs.
Scenario Shrink(const Scenario& failing, const Violation& violation, int budget);

}  // namespace midwatch::sim
