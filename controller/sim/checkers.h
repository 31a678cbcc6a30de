#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/sim/git_checker.h"
#include "controller/sim/hosts.h"
#include "controller/sim/model.h"
#include "controller/sim/sim_clock.h"

namespace midwatch::sim {

/// Something that must never happen, and did.
struct Violation {
  std::string checker;
  std::string what;
  SimTime at = 0;
};

// clang-format off
/// Section 5 of the design, looked at after every durable change, acknowledgement and start of a
/// sidecar; and what must be true of a world that has come to rest.
///
///   checker                    | design section 5
///   ---------------------------|------------------------------------------------------------------
///   one-live-run               | 1: two sidecars of one (job, type) are alive
///   matches-all, one-dispatch  | 2: a transition's missions; their Dispatches, once each
///   authorised                 | 3: assigned to an Agent that may work there
///   nothing-waits-for-nothing  | 4: parked though nothing stands in the way (at rest)
///   terminal, current-run-only | 5
///   stops                      | 7: a sidecar goes on after its Dispatch has ended
///   used-time                  | 4.3: a Dispatch's sidecars worked for longer than its timeout
///   git-atomic, git-ownership  | 8 (git_checker.h)
///   acknowledged-is-durable    | 9
///   quiet                      | 11: a resync of an unchanged world writes (simulation.cc counts)
///   converges                  | everything has ended, or waits for a reason (at rest)
// clang-format on
class Checkers {
 public:
  explicit Checkers(const SimTime& now) : now_(now) {}

  /// From now on item 8 is looked at too. Both outlive it.
  void FollowGit(const GitHosting& hosting, const Requests& requests);

  /// Before the model has taken the row in, and after.
  void OnRow(const JournalRow& row);
  void OnAcknowledged(const ObjectKey& key, const Object& object, std::int64_t durable);
  void OnSidecarStarted(const Sidecar& started, const std::vector<Sidecar>& others);
  /// Now and then: what has gone on for too long.
  void OnTime(const SidecarTruth& truth);
  /// The world is at rest: no faults, nothing running, nothing in flight.
  void OnRest(const SidecarTruth& truth);

  const Model& model() const { return model_; }
  const std::optional<Violation>& violation() const { return violation_; }
  void Fail(std::string checker, std::string what);

  /// How old the view may be on which an assignment was decided: the longest back-offs of an
  /// informer.
  static constexpr Duration kStalest = std::chrono::minutes(3);
  /// How long a sidecar may go on after its Dispatch has ended.
  static constexpr Duration kStopsWithin = std::chrono::minutes(5);
  /// How much longer than its timeout a Dispatch may work: what is not counted when a clock is set
  /// back and the controller starts again, a few times over, and until its sidecar has stopped.
  static constexpr Duration kOverTimeBy = std::chrono::minutes(30);
  /// How often OnTime is called.
  static constexpr Duration kLooksEvery = std::chrono::seconds(20);

 private:
  /// A transition that missions listen to and whose match is not recorded yet.
  struct Pending {
    std::string job;
    std::string uid;
    std::string key;
    api::MissionType type;
    std::set<std::string> always;  ///< Ids of the missions that have covered it all the time,
    std::set<std::string> ever;    ///< and at any time.
  };
  struct Lapsed {  // A grant that has been withdrawn.
    SimTime at;
    std::function<bool(const std::string& agent, const std::string& space,
                       const std::string& module)>
        granted;
  };

  void OnJob(const api::ModuleJob* before, const api::ModuleJob* after);
  void OnMatch(const api::ModuleJob& job, const api::JobMatch& match);
  void UpdatePending();
  void OnDispatch(const api::Dispatch* before, const api::Dispatch* after);
  void OnAssigned(const api::Dispatch& dispatch);
  void OnSucceeded(const api::Dispatch& dispatch);
  void OnReport(const api::Report& report);
  void OnOther(const JournalRow& row);
  void RememberGrants(const JournalRow& row);
  bool RecentlyGranted(const std::string& agent, const std::string& space,
                       const std::string& module) const;
  void RestJobs();
  void RestDispatches();
  void RestRuns(const SidecarTruth& truth);
  std::string WhyStillParked(const api::Dispatch& dispatch) const;

  const SimTime& now_;
  Model model_;
  std::optional<Violation> violation_;
  std::optional<GitChecker> git_;
  std::vector<Pending> pending_;
  std::map<std::string, std::string> created_;  // Job uid, key and mission id → Dispatch.
  std::vector<Lapsed> lapsed_;
  std::map<std::string, Duration> worked_;  // By UID of the Dispatch: its sidecars, in all.
  std::map<std::string, SimTime>
      over_since_;  // Runs' UIDs whose Dispatch has ended, with a sidecar.
};

}  // namespace midwatch::sim
