#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "controller/agent/instance_plan.h"
#include "controller/agent/run_plan.h"
#include "controller/agent/sidecar_session.h"
#include "controller/api/agent_config.h"
#include "controller/env/actor.h"
#include "controller/env/artifact_store.h"
#include "controller/env/inbox.h"
#include "controller/env/kube_client.h"
#include "controller/env/log.h"
#include "controller/env/metrics.h"
#include "controller/env/process_runner.h"
#include "controller/env/random.h"
#include "controller/env/ticket_server.h"
#include "controller/runtime/index.h"
#include "controller/runtime/informer.h"

namespace midwatch::agent {

struct AgentSettings {
  std::string namespace_name;
  std::string agent;  ///< Name of the Agent.
  std::string hostname;
  api::AgentConfig config;
  HostConfig host;
  Duration drain_time = std::chrono::seconds(30);  ///< What runs gets this long after Drain.
};

/// `midwatch agent`: registers an AgentInstance, renews its Lease, takes the Runs that name it, and
/// has a session do each. Decisions stand in instance_plan.h and run_plan.h; this carries them out.
///
/// Guarantees
/// - A sidecar starts only after the acknowledgement was accepted, which carries the
///   resourceVersion, and only while the Lease holds by CLOCK_BOOTTIME from when the last
///   acknowledged renewal was sent.
/// - Each renewal moves the watchdogs' deadline; nothing else does.
/// - A terminal status is written once no process of the sidecar is left, and says so.
/// - A lost incarnation gets another name; what it still has to say about its Runs it says.
///
/// - A server that refuses the token (401, 403) at the first registration is the end; later a 401
///   is said in the log, and drained: sidecars die with the Lease. After a 403 it asks again.
///
/// Drain and finished may be called from any thread. The actor may be destroyed when `finished`;
/// destroyed earlier, its processes are killed.
class AgentProcess final : public Actor {
 public:
  struct Ports {
    KubeClient& client;
    ProcessRunner& processes;
    TicketServer& tickets;
    ArtifactStore& store;
    Random& random;  ///< Not shared with anybody else.
    Waker& waker;
    Log& log;
    Metrics& metrics;
  };

  /// What the ports refer to outlives the process.
  AgentProcess(Ports ports, AgentSettings settings);
  ~AgentProcess() override;

  bool Step(Now now) override;
  std::optional<MonoTime> NextWake() const override;

  /// Takes no new work, lets what runs end within the drain time, then stops it and leaves.
  void Drain();
  bool finished() const { return finished_; }
  /// Once finished: why, if it was not asked to.
  const std::optional<Error>& failure() const { return failure_; }
  const std::string& instance() const { return instance_.name; }

  static constexpr std::int64_t kProtocolVersion = 1;
  static constexpr Duration kWriteRetryAfter = std::chrono::seconds(1);
  static constexpr Duration kProgressEvery =
      std::chrono::seconds(10);  ///< Status while nothing but usage changes.
  static constexpr Duration kLeaveTime =
      std::chrono::seconds(10);  ///< For the last writes of a drained agent.

 private:
  struct InstanceAnswer {
    std::uint64_t incarnation = 0;
    InstanceAction action = InstanceAction::kNothing;
    MonoTime sent;
    Result<Object> object;
  };
  struct RunAnswer {
    std::string name;
    std::string uid;
    RunAction action = RunAction::kNothing;  ///< kNothing: it was only read.
    std::int64_t seen = 0;                   ///< The version that was known when it was asked.
    Result<Object> object;
  };
  struct SessionAnswer {
    std::string uid;
    SessionEvent event;
  };
  using Item = std::variant<InstanceAnswer, RunAnswer, SessionAnswer>;

  /// What is kept about one Run, by its UID.
  struct Work {
    std::string name;
    std::unique_ptr<SidecarSession> session;
    std::string instance;  ///< The incarnation whose Lease the session lives by.
    bool busy = false;     ///< A request about it is on its way.
    bool started = false;  ///< Its one session was made.
    bool told = false;     ///< The log has its end.
    std::optional<MonoTime> retry_at;
    std::optional<MonoTime> written_at;

    bool Waits(Now now) const { return busy || (retry_at && now.mono < *retry_at); }
  };

  bool TakeItem(Now now);
  bool StepInformers(Now now);
  void Take(const InstanceAnswer& answer, Now now);
  void Take(const RunAnswer& answer, Now now);
  void Take(SessionAnswer answer, Now now);
  bool StepInstance(Now now);
  void Carry(InstanceAction action, Now now);
  void TakeFailure(InstanceAction action, const Error& error, Now now);
  void TakeRefusal(const Error& error);
  void NoticeFailure(const Error& error, Now now);
  void NoticeAnswer(Now now);
  Duration NextBackOff();
  void StartOver();
  Json InstanceBody() const;
  Json LeaseBody(Now now) const;
  void NoticeLost();

  bool StepRuns(Now now);
  bool StepRun(const std::string& uid, Now now);
  bool Carry(const api::Run& run, RunDecision decision, Work& work, Now now);
  void StartSession(const api::Run& run, Work& work, Now now);
  void TellEnd(Work& work);
  void TellWithdrawal(const Object& object);
  void WriteStatus(const api::Run& run, const api::RunStatus& status, RunAction action, Work& work);
  void ReadRun(const std::string& name, const std::string& uid, Work& work);
  bool StepSessions(Now now);
  void MoveDeadlines(Now now);
  void CheckFinished(Now now);
  bool IsAlive(Now now) const;
  AgentView ViewFor(const api::Run& run, Now now) const;
  std::int64_t LiveSessions() const;
  const api::SidecarConfig* FindSidecar(const std::string& name) const;
  void MarkDirty(const Object& run);
  void MarkAllDirty();
  bool DropDeleted(const std::string& uid, Now now);

  Ports ports_;
  const AgentSettings settings_;
  std::unique_ptr<Random> jitter_;
  std::shared_ptr<Inbox<Item>> inbox_;
  InstanceState instance_;
  std::uint64_t incarnation_ = 0;
  bool was_registered_ = false;        // Under whatever name.
  int failures_ = 0;                   // Of what the instance has to say, in a row.
  std::string said_failure_;           // What the log has of them, to say it once.
  std::optional<MonoTime> cut_since_;  // Nobody has answered since.
  std::optional<Error> failure_;       // Read by others once finished_.
  Json lease_;                         // As it was last seen.
  Index runs_;
  Index instances_;
  Informer run_informer_;
  Informer instance_informer_;
  std::map<std::string, Work> work_;          // By UID.
  std::map<std::string, std::string> names_;  // UID to name, of the Runs that were seen.
  std::set<std::string> dirty_;               // UIDs to be looked at.
  std::atomic<bool> drain_asked_ = false;
  std::optional<MonoTime> drain_until_;
  std::optional<MonoTime> leave_until_;
  std::optional<MonoTime> instance_wake_;
  bool instance_changed_ = false;  // What the API says about our instance.
  bool was_alive_ = false;
  bool drain_over_ = false;
  std::atomic<bool> finished_ = false;
};

}  // namespace midwatch::agent
