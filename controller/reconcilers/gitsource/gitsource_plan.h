#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/api/git_source.h"
#include "controller/base/time.h"
#include "controller/manifest/sync_plan.h"
#include "controller/reconcilers/gitsource/fetch_spec.h"
#include "controller/reconcilers/gitsource/snapshot_cache.h"
#include "controller/runtime/view.h"

namespace midwatch::gitsource {

// ---- When to fetch

/// Failed fetches are tried again after this, doubled each time, and never later than the interval.
inline constexpr Duration kFirstRetry = std::chrono::seconds(5);
/// An interval is stretched or shortened by up to this share, the same for a source at all times.
inline constexpr double kIntervalJitter = 0.05;
inline constexpr Duration kShortestInterval = std::chrono::seconds(1);

/// The interval of one source, so that many with the same interval do not fetch at once.
Duration JitteredInterval(const std::string& source, Duration interval);

struct FetchDecision {
  bool start = false;
  std::optional<MonoTime> wake_at;  ///< None: nothing will change by time alone.
};

/// First rule that applies wins: suspended: never. Nothing fetched yet for this url, ref, path and
/// Secret, or a sync was asked for: now. Failed: after a back-off. Else after the interval.
FetchDecision PlanFetch(const api::GitSource& source, const FetchSpec& spec,
                        const FetchOutcome* outcome, MonoTime now);

// ---- What to write

/// The revision that is to be in force: the newest, or, of a source that is Atomic while the newest
/// has errors, the newest without. Null: none is known.
const Snapshot* RevisionToApply(const api::GitSource& source, const FetchOutcome& outcome);

/// Positions of the steps that may be made now, in any order: those of the first kind-order group
/// that is left (manifest::WriteStep). `held` steps are passed over; while there are any, or other
/// writes are left, nothing is pruned.
std::vector<std::size_t> NextWave(const manifest::SyncPlan& plan, const std::set<ObjectKey>& held);

/// Whether the API has said no, so that the same write again gives the same answer; everything else
/// is tried again at once.
bool IsRefusal(ErrorCode code);

// ---- What to say

/// Writes since the source was last in its declared state.
struct Attempt {
  std::int64_t created = 0;  ///< Accepted.
  std::int64_t updated = 0;
  std::int64_t pruned = 0;
  MonoTime started;
  std::optional<MonoTime> ended;
};

/// What is known of a sync. Pointers may be null.
struct SyncState {
  const FetchOutcome* outcome = nullptr;
  const Snapshot* revision = nullptr;        ///< RevisionToApply.
  const manifest::SyncPlan* plan = nullptr;  ///< From what is live to `revision`.
  bool done = false;                         ///< None of its steps is left but refused ones.
  std::vector<WriteFailure> refused;
  std::optional<Attempt> attempt;  ///< None: nothing had to be written.
  std::int64_t inventory = 0;      ///< Live objects with the source's mark.
};

inline constexpr std::size_t kMaxErrorsShown = 100;

/// The status that says so. Equal to the present one if there is nothing new: times are kept where
/// what they belong to has not changed.
api::GitSourceStatus PlanStatus(const api::GitSource& source, const SyncState& state, WallTime now);

}  // namespace midwatch::gitsource
