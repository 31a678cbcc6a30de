#include "controller/sim/simulation.h"

#include <algorithm>
#include <memory>

#include "controller/api/embedded_document.h"
#include "controller/base/check.h"
#include "controller/sim/world.h"

namespace midwatch::sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// How long the world may take to come to rest: three attempts of a sidecar that hangs for three
/// hours.
constexpr Duration kRestWithin = hours(12);
/// Nothing may change for this long before it counts as rest.
constexpr Duration kQuiet = minutes(6);

Kinds BuildKinds() {
  std::vector<std::string_view> documents;
  for (const auto& some : {api::EmbeddedCrds(), api::EmbeddedCoreCrds()}) {
    for (const api::EmbeddedDocument& document : some) {
      documents.push_back(document.json);
    }
  }
  auto registry = apiserver::ResourceRegistry::Build(documents);
  auto schemas = manifest::ManifestSchemas::FromCrds(api::EmbeddedDefinitions());
  MIDWATCH_CHECK(registry.has_value() && schemas.has_value());
  return {*std::move(registry), *std::move(schemas)};
}

/// One epoch: work and faults, then rest.
class Run {
 public:
  explicit Run(const Scenario& scenario)
      : scenario_(scenario), kinds_(BuildKinds()), world_(scenario, kinds_) {}

  Outcome Go() {
    world_.Begin();
    for (int epoch = 0; epoch < scenario_.hours && !world_.checkers.violation(); ++epoch) {
      Work(epoch);
      Rest();
    }
    outcome_.violation = world_.checkers.violation();
    outcome_.hash = world_.trace.hash();
    outcome_.last_lines = world_.trace.Lines();
    outcome_.steps = world_.scheduler.steps();
    outcome_.simulated = world_.scheduler.now();
    outcome_.runs = world_.runs;
    outcome_.revision = world_.disk().revision();
    return outcome_;
  }

 private:
  void Work(int epoch) {
    Scheduler& scheduler = world_.scheduler;
    const SimTime from = scheduler.now();
    const fakes::SeededRandom random = RandomOfEpoch(scenario_.seed, epoch);
    for (const WorkItem& item :
         DrawWork(scenario_.density, from, from + kEpoch, random.Stream("work"))) {
      if (!scenario_.without_work.contains(outcome_.work++)) {
        scheduler.At(item.at, [this, item] { world_.Do(item); });
      }
    }
    for (const Fault& fault : FaultsOfEpoch(scenario_.seed, epoch, from)) {
      if (!scenario_.without_faults.contains(outcome_.faults++)) {
        scheduler.At(fault.at, [this, fault] { world_.Do(fault); });
      }
    }
    world_.RunUntil(from + kEpoch);
  }

  void Rest() {
    world_.Heal();
    // The pipelines finish what they have begun.
    if (!world_.RunUntil(world_.scheduler.now() + Duration(minutes(25)).count())) {
      return;
    }
    const SimTime latest = world_.scheduler.now() + kRestWithin.count();
    while (!Settled()) {
      if (world_.checkers.violation()) {
        return;
      }
      if (world_.scheduler.now() > latest) {
        world_.checkers.OnRest(world_.truth);  // May know more exactly what does not end.
        world_.checkers.Fail("converges",
                             "the world does not come to rest; last change: " + world_.last_change);
        return;
      }
    }
    world_.checkers.OnRest(world_.truth);
    LookAgain();
    for (const auto& [path, dispatch] : world_.checkers.model().dispatches) {
      outcome_.dispatches += IsTerminal(dispatch.status.phase);
    }
    world_.workload().CleanUp();
    world_.RunUntil(world_.scheduler.now() + Duration(minutes(2)).count());
  }

  /// True if nothing changed for kQuiet.
  bool Settled() {
    const std::uint64_t before = world_.changes();
    const bool fine = world_.RunUntil(world_.scheduler.now() + kQuiet.count());
    return fine && world_.changes() == before && world_.truth.alive().empty() && world_.Idle();
  }

  /// Design section 5, item 11. A Dispatch whose time is up meanwhile is news: then again.
  void LookAgain() {
    constexpr int kTries = 20;
    for (int i = 0; i < kTries && !world_.checkers.violation(); ++i) {
      const std::uint64_t before = world_.changes();
      const std::uint64_t expired = world_.expired();
      world_.Restart();
      world_.RunUntil(world_.scheduler.now() + Duration(minutes(3)).count());
      if (world_.changes() == before) {
        return;
      }
      if (world_.expired() == expired) {
        world_.checkers.Fail("quiet", "a second look at an unchanged world wrote " +
                                          std::to_string(world_.changes() - before) +
                                          " times, last " + world_.last_change);
      }
    }
  }

  const Scenario& scenario_;
  const Kinds kinds_;
  World world_;
  Outcome outcome_;
};

std::string Joined(const std::set<std::size_t>& numbers) {
  std::string out;
  for (const std::size_t number : numbers) {
    out += (out.empty() ? "" : ",") + std::to_string(number);
  }
  return out;
}

/// Leaves out as much of [0, count) as it can, in halves, quarters, …; `fails` tells whether it
/// still fails.
template <typename Fails>
void LeaveOut(std::set<std::size_t>& without, std::size_t count, int& budget, const Fails& fails) {
  for (std::size_t piece = std::max<std::size_t>(count / 2, 1);; piece /= 2) {
    for (std::size_t from = 0; from < count && budget > 0; from += piece) {
      std::set<std::size_t> tried = without;
      for (std::size_t i = from; i < std::min(from + piece, count); ++i) {
        tried.insert(i);
      }
      if (tried.size() == without.size()) {
        continue;
      }
      --budget;
      if (fails(tried)) {
        without = std::move(tried);
      }
    }
    if (piece == 1 || budget <= 0) {
      return;
    }
  }
}

}  // namespace

Outcome Simulate(const Scenario& scenario) { return Run(scenario).Go(); }

std::string ReplayCommand(const Scenario& scenario) {
  std::string out = "simulate --seed " + std::to_string(scenario.seed) + " --hours " +
                    std::to_string(scenario.hours);
  if (!scenario.plant.empty()) {
    out += " --plant " + scenario.plant;
  }
  if (!scenario.without_faults.empty()) {
    out += " --without-faults " + Joined(scenario.without_faults);
  }
  if (!scenario.without_work.empty()) {
    out += " --without-work " + Joined(scenario.without_work);
  }
  return out;
}

Scenario Shrink(const Scenario& failing, const Violation& violation, int budget) {
  Scenario best = failing;
  best.verbose = false;
  const Outcome whole = Simulate(best);
  const auto still_fails = [&](const Scenario& scenario) {
    const Outcome outcome = Simulate(scenario);
    return outcome.violation && outcome.violation->checker == violation.checker;
  };
  LeaveOut(best.without_faults, whole.faults, budget, [&](const std::set<std::size_t>& without) {
    Scenario tried = best;
    tried.without_faults = without;
    return still_fails(tried);
  });
  LeaveOut(best.without_work, whole.work, budget, [&](const std::set<std::size_t>& without) {
    Scenario tried = best;
    tried.without_work = without;
    return still_fails(tried);
  });
  return best;
}

}  // namespace midwatch::sim
