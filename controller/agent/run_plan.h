#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/api/run.h"
#include "controller/base/time.h"

namespace midwatch::agent {

/// How the work on a Run ended.
struct RunOutcome {
  api::RunPhase phase = api::RunPhase::kFailed;
  std::string reason;
  std::string message;

  friend bool operator==(const RunOutcome&, const RunOutcome&) = default;
};

/// What this process knows about its own session for a Run.
struct SessionView {
  enum class Stage : std::uint8_t {
    kPreparing,  ///< Inputs are fetched; no process yet.
    kRunning,
    kStopping,
    kDone,  ///< No process is left and the log is written.
  };
  Stage stage = Stage::kPreparing;
  api::RunStatus
      facts;  ///< What goes into the status: times, result, usage, producer, prompt, artifacts.
  RunOutcome outcome;  ///< Once it is kDone.
};

/// What else matters.
struct AgentView {
  std::string instance;  ///< The present incarnation.
  bool alive = false;    ///< Its Lease holds.
  bool draining = false;
  bool drain_over = false;    ///< What runs has had its time.
  std::int64_t sessions = 0;  ///< Live ones.
  std::int64_t capacity = 1;
  bool offers_sidecar = true;  ///< The one that the Run names.
};

enum class RunAction : std::uint8_t {
  kNothing,
  kAcknowledge,  ///< Write `status`; the sidecar may start only once that was accepted.
  kStart,
  kStop,    ///< Politely, then by force; it ends as `outcome` says.
  kKill,    ///< At once; likewise.
  kWrite,   ///< Write `status`.
  kForget,  ///< All is said: drop what is kept about it.
};

struct RunDecision {
  RunAction action = RunAction::kNothing;
  api::RunStatus status = {};
  RunOutcome outcome = {};
};

/// What to do about one Run. First rule that applies wins. `session` is null if there is none.
RunDecision PlanRun(const api::Run& run, const SessionView* session, const AgentView& agent,
                    Now now);

/// How a Run ends whose sidecar died with the Lease.
RunOutcome LeaseLost();

}  // namespace midwatch::agent
