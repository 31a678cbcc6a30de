#include "controller/reconcilers/gitsource/gitsource_plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "controller/base/digest.h"
#include "controller/base/text.h"
#include "controller/manifest/ordering.h"
#include "controller/reconcilers/scope/conditions.h"

namespace midwatch::gitsource {
namespace {

constexpr std::size_t kMaxErrorMessage = 1'024;
constexpr std::size_t kMaxErrorName = 512;
constexpr std::size_t kMaxConditionMessage = 4'096;
constexpr std::size_t kShortCommit = 12;

Duration RetryDelay(int failures, Duration interval) {
  constexpr int kMaxDoublings = 16;
  const int doublings = std::clamp(failures - 1, 0, kMaxDoublings);
  return std::min(Duration(kFirstRetry.count() << doublings), interval);
}

std::string_view FetchReason(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnauthorized:
      return "LoginRefused";
    case ErrorCode::kNotFound:
      return "NotFound";
    case ErrorCode::kTimeout:
      return "Timeout";
    case ErrorCode::kTooLarge:
      return "TooLarge";
    case ErrorCode::kInvalid:
    case ErrorCode::kForbidden:
      return "InvalidSource";
    case ErrorCode::kInsufficientStorage:
      return "DiskFull";
    case ErrorCode::kInternal:
      return "FetchFailed";
    default:
      return "Unreachable";
  }
}

std::string Plural(std::int64_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string Cut(std::string_view text, std::size_t limit) {
  return std::string(Utf8Prefix(text, limit));
}

api::SyncError ToSyncError(const manifest::ManifestError& error) {
  api::SyncError out;
  out.path = Cut(error.path, kMaxErrorMessage);
  if (error.at.line > 0) {
    out.line = error.at.line;
    out.column = std::max<std::int64_t>(error.at.column, 1);
  }
  out.code = manifest::NameOf(error.code);
  out.object = Cut(error.object, kMaxErrorName);
  out.field = Cut(error.field, kMaxErrorName);
  out.message = Cut(error.message, kMaxErrorMessage);
  return out;
}

api::SyncError ToSyncError(const WriteFailure& failure) {
  api::SyncError out;
  out.code = "WriteRefused";
  out.object = Cut(failure.key.ToString(), kMaxErrorName);
  out.message = Cut(failure.error.message, kMaxErrorMessage);
  return out;
}

api::GitRevision RevisionAt(const Snapshot& snapshot, const std::optional<api::GitRevision>& old,
                            WallTime now) {
  const GitRevision& revision = snapshot.revision;
  if (old && old->revision == revision.commit && old->tree_id == revision.tree) {
    return *old;
  }
  return {.revision = revision.commit, .tree_id = revision.tree, .at = now};
}

// Builds one status from the one before.
class StatusWriter {
 public:
  StatusWriter(const api::GitSource& source, const SyncState& state, WallTime now)
      : source_(source), state_(state), now_(now), status_(source.status) {}

  api::GitSourceStatus Write() {
    const bool looked_at = status_.observed_generation == source_.metadata.generation;
    status_.observed_generation = source_.metadata.generation;
    status_.active = !source_.spec.suspend;
    if (source_.spec.suspend) {
      WriteSuspended();
    } else if (state_.outcome == nullptr) {
      if (!looked_at) {
        WriteFetching();
      }
    } else {
      WriteOutcome(*state_.outcome);
    }
    return std::move(status_);
  }

 private:
  void Set(std::string_view type, bool holds, std::string_view reason, const std::string& message) {
    SetCondition(status_.conditions,
                 {.type = type,
                  .holds = holds,
                  .reason = reason,
                  .message = Cut(message, kMaxConditionMessage)},
                 now_);
  }

  void SetAll(bool ready, bool reconciling, bool stalled, std::string_view reason,
              const std::string& message) {
    Set("Ready", ready, reason, message);
    Set("Reconciling", reconciling, reason, reconciling ? message : "");
    Set("Stalled", stalled, reason, stalled ? message : "");
  }

  void WriteSuspended() {
    SetAll(status_.applied.has_value(), false, false, "Suspended", "not synced while suspended");
  }

  void WriteFetching() {
    Set("Ready", false, "Fetching", "fetching the repository");
    Set("Reconciling", true, "Fetching", "fetching the repository");
    Set("Stalled", false, "Fetching", "");
  }

  void WriteOutcome(const FetchOutcome& outcome) {
    status_.last_handled_sync_request =
        outcome.sync_request.empty() ? status_.last_handled_sync_request : outcome.sync_request;
    if (outcome.snapshot != nullptr) {
      WriteDurations(outcome);
      WriteErrors(*outcome.snapshot);
      WriteCounts();  // Before the revisions: it looks at what they were.
      status_.attempted = RevisionAt(*outcome.snapshot, status_.attempted, now_);
      if (InForce()) {
        status_.applied = RevisionAt(*state_.revision, status_.applied, now_);
      }
    }
    const bool good = !outcome.error && status_.error_count == 0 && state_.done;
    if (good) {
      status_.failing_since.reset();
    } else if (!status_.failing_since && (outcome.error || status_.error_count > 0)) {
      status_.failing_since = now_;
    }
    WriteConditions(outcome);
  }

  /// Everything that the revision declares is there.
  bool InForce() const {
    return state_.done && state_.plan != nullptr && state_.plan->errors.empty() &&
           state_.refused.empty() && state_.plan->waiting.empty();
  }

  void WriteDurations(const FetchOutcome& outcome) {
    const bool same =
        status_.attempted && status_.attempted->revision == outcome.snapshot->revision.commit;
    if (same && !state_.attempt) {
      return;
    }
    const auto millis = [](Duration duration) {
      return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    };
    const Duration applied =
        state_.attempt
            ? state_.attempt->ended.value_or(state_.attempt->started) - state_.attempt->started
            : Duration(0);
    status_.durations = api::SyncDurations{.fetch_millis = millis(outcome.fetch_time),
                                           .load_millis = millis(outcome.load_time),
                                           .apply_millis = millis(applied)};
  }

  void WriteErrors(const Snapshot& newest) {
    const bool compared = state_.revision == &newest && state_.plan != nullptr;
    const std::vector<manifest::ManifestError>& errors =
        compared ? state_.plan->errors : newest.declared.errors;
    status_.error_count = static_cast<std::int64_t>(errors.size() + state_.refused.size());
    status_.errors.clear();
    for (const manifest::ManifestError& error : errors) {
      if (status_.errors.size() < kMaxErrorsShown) {
        status_.errors.push_back(ToSyncError(error));
      }
    }
    for (const WriteFailure& failure : state_.refused) {
      if (status_.errors.size() < kMaxErrorsShown) {
        status_.errors.push_back(ToSyncError(failure));
      }
    }
  }

  void WriteCounts() {
    if (state_.plan == nullptr || state_.plan->refused) {
      return;
    }
    const auto unchanged = static_cast<std::int64_t>(state_.plan->unchanged);
    const auto failed = static_cast<std::int64_t>(state_.refused.size());
    const auto names = [&](const std::optional<api::GitRevision>& known) {
      return known && known->revision == state_.revision->revision.commit;
    };
    const bool same = names(status_.applied) || names(status_.attempted);
    api::SyncCounts counts =
        same && !state_.attempt ? status_.counts.value_or(api::SyncCounts()) : api::SyncCounts();
    if (const auto& attempt = state_.attempt) {
      counts.created = attempt->created;
      counts.updated = attempt->updated;
      counts.pruned = attempt->pruned;
    }
    counts.unchanged = std::max<std::int64_t>(unchanged - counts.created - counts.updated, 0);
    counts.failed = failed;
    counts.total = state_.inventory;
    status_.counts = counts;
  }

  void WriteConditions(const FetchOutcome& outcome) {
    if (outcome.error) {
      const std::string_view reason = FetchReason(outcome.error->code);
      const bool stalled = reason == "InvalidSource";
      SetAll(false, !stalled, stalled, reason, "fetch: " + outcome.error->message);
    } else if (status_.error_count > 0) {
      WriteRefused();
    } else if (!state_.done || (state_.plan != nullptr && !state_.plan->waiting.empty())) {
      Set("Reconciling", true, "Applying", "applying " + ShortCommit());
      Set("Stalled", false, "Applying", "");
    } else {
      SetAll(true, false, false, "Succeeded",
             ShortCommit() + " is in force: " + Plural(state_.inventory, "object"));
    }
  }

  void WriteRefused() {
    const bool whole = state_.plan == nullptr || state_.plan->refused ||
                       state_.revision != state_.outcome->snapshot.get();
    const std::string message =
        ShortCommit() + " has " + Plural(status_.error_count, "error") +
        (whole ? ", nothing of it is written: " : ", the rest of it is written: ") + FirstError();
    SetAll(false, false, true, whole ? "InvalidRevision" : "PartlyApplied", message);
  }

  std::string FirstError() const {
    const api::SyncError& first = status_.errors.front();
    std::string text = first.path.empty() ? first.object : first.path;
    if (first.line) {
      text += ":" + std::to_string(*first.line) + ":" + std::to_string(first.column.value_or(1));
    }
    text += ": " + (first.field.empty() ? "" : first.field + ": ") + first.message;
    return text;
  }

  std::string ShortCommit() const {
    return state_.outcome->snapshot->revision.commit.substr(0, kShortCommit);
  }

  const api::GitSource& source_;
  const SyncState& state_;
  const WallTime now_;
  api::GitSourceStatus status_;
};

}  // namespace

Duration JitteredInterval(const std::string& source, Duration interval) {
  constexpr int kDigits = 8;
  constexpr double kRange = 4294967295.0;
  const std::string hash = Sha256Hex(source).substr(0, kDigits);
  const double place = static_cast<double>(std::stoul(hash, nullptr, 16)) / kRange;  // 0 to 1.
  const double factor = 1.0 + kIntervalJitter * (2.0 * place - 1.0);
  const double micros = static_cast<double>(std::max(interval, kShortestInterval).count()) * factor;
  return Duration(std::llround(micros));
}

FetchDecision PlanFetch(const api::GitSource& source, const FetchSpec& spec,
                        const FetchOutcome* outcome, MonoTime now) {
  if (source.spec.suspend) {
    return {};
  }
  if (outcome == nullptr || outcome->fingerprint != spec.Fingerprint()) {
    return {.start = true, .wake_at = {}};
  }
  const bool asked = !spec.sync_request.empty() && spec.sync_request != outcome->sync_request &&
                     spec.sync_request != source.status.last_handled_sync_request;
  const Duration interval = JitteredInterval(spec.Source(), source.spec.interval);
  const Duration wait = outcome->error ? RetryDelay(outcome->failures, interval) : interval;
  const MonoTime due = outcome->finished.mono + wait;
  if (asked || due <= now) {
    return {.start = true, .wake_at = {}};
  }
  return {.start = false, .wake_at = due};
}

const Snapshot* RevisionToApply(const api::GitSource& source, const FetchOutcome& outcome) {
  const bool atomic = source.spec.failure_policy == api::FailurePolicy::kAtomic;
  const bool has_errors = outcome.snapshot != nullptr && !outcome.snapshot->declared.errors.empty();
  return atomic && has_errors ? outcome.valid.get() : outcome.snapshot.get();
}

std::vector<std::size_t> NextWave(const manifest::SyncPlan& plan, const std::set<ObjectKey>& held) {
  std::vector<std::size_t> wave;
  const manifest::SyncStep* first = nullptr;
  bool passed_over = false;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const manifest::SyncStep& step = plan.steps[i];
    const bool prunes = step.verb == manifest::SyncVerb::kPrune;
    if (held.contains(step.key)) {
      passed_over = passed_over || !prunes;
      continue;
    }
    if (first == nullptr) {
      if (prunes && passed_over) {
        break;
      }
      first = &step;
    }
    const bool first_prunes = first->verb == manifest::SyncVerb::kPrune;
    if (prunes != first_prunes || step.order != first->order) {
      break;
    }
    wave.push_back(i);
  }
  return wave;
}

bool IsRefusal(ErrorCode code) {
  switch (code) {
    case ErrorCode::kConflict:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kExpired:
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kTooManyRequests:
      return false;
    default:
      return true;
  }
}

api::GitSourceStatus PlanStatus(const api::GitSource& source, const SyncState& state,
                                WallTime now) {
  return StatusWriter(source, state, now).Write();
}

}  // namespace midwatch::gitsource
