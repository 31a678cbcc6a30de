#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "controller/api/codec.h"
#include "controller/base/text.h"
#include "controller/cli/commands.h"
#include "controller/cli/job_files.h"
#include "controller/cli/job_reporter.h"
#include "controller/cli/job_results.h"
#include "controller/cli/state_word.h"

namespace midwatch::cli {
namespace {

/// How long the command's start is held up by an API that does not answer.
constexpr Duration kStartPatience = std::chrono::seconds(5);
/// How long its end is tried to be reported.
constexpr Duration kEndPatience = std::chrono::seconds(30);
constexpr Duration kForever = std::chrono::hours(24 * 365);

/// Passes the command's output on and keeps it.
class PassingSink final : public ProcessSink {
 public:
  explicit PassingSink(Capabilities& world) : world_(world) {}

  void OnStdout(std::string_view bytes) override {
    world_.out.Write(bytes);
    Keep(bytes);
  }
  void OnStderr(std::string_view bytes) override {
    world_.err.Write(bytes);
    Keep(bytes);
  }
  /// As if the command wrote to our output itself: with no reader left it gets SIGPIPE.
  bool WantsMore() const override { return !world_.out.IsGone(); }
  void OnExit(ProcessExit exit) override {
    {
      const std::scoped_lock lock(mutex_);
      exit_ = exit;
    }
    world_.waiter.Wake();
  }

  std::optional<ProcessExit> exit() const {
    const std::scoped_lock lock(mutex_);
    return exit_;
  }
  LogCapture& log() { return log_; }
  /// The command has left its last line without an end.
  bool stands_in_line() const {
    const std::scoped_lock lock(mutex_);
    return stands_in_line_;
  }

 private:
  void Keep(std::string_view bytes) {
    log_.Add(bytes);
    const std::scoped_lock lock(mutex_);
    stands_in_line_ = bytes.empty() ? stands_in_line_ : bytes.back() != '\n';
  }

  Capabilities& world_;
  LogCapture log_;
  mutable std::mutex mutex_;
  std::optional<ProcessExit> exit_;
  bool stands_in_line_ = false;
};

bool IsAnOrderToEnd(int signal) { return signal != SIGUSR1 && signal != SIGUSR2; }

std::string SignalName(int number) {
  switch (number) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGHUP:
      return "SIGHUP";
    case SIGQUIT:
      return "SIGQUIT";
    case SIGKILL:
      return "SIGKILL";
    default:
      return "signal " + std::to_string(number);
  }
}

/// How the command ended.
struct Ending {
  int exit_code = 0;    ///< What this process shall exit with.
  std::string message;  ///< Empty if there is nothing to say beside the exit code.
  bool cancelled = false;
};

class Execution {
 public:
  Execution(const JobExecOptions& options, Context& context)
      : options_(options),
        context_(context),
        mask_(context.world.environment),
        sink_(std::make_shared<PassingSink>(context.world)),
        job_(MakeJob(options.facts, context.world.environment, context.world.random.NameSuffix())) {
  }

  int Run() {
    if (auto session = ApiSession::Open(context_, options_.client)) {
      session_.emplace(*std::move(session));
    } else {
      Warn("not reported: " + session.error().message);
    }
    context_.world.waiter.CatchSignals();
    ReportStart();
    const Ending ending = RunCommand();
    if (session_) {
      if (sink_->stands_in_line()) {
        context_.world.err.Write("\n");
      }
      ReportEnd(ending);
    }
    return ending.exit_code;
  }

 private:
  void Warn(const std::string& text) { context_.Warn("midwatch: " + Harmless(text)); }

  void ReportStart() {
    job_.spec.transitions = {
        {.seq = 0, .state = api::JobState::kRunning, .at = context_.Time().wall}};
    if (!session_) {
      return;
    }
    session_->SetDeadline(kStartPatience);
    if (const auto created = JobReporter(context_, *session_, kStartPatience).Create(job_, {});
        !created) {
      end_patience_ = kStartPatience;  // It is not there; who waits shall not wait long.
      Warn("the start of the job is not reported: " + created.error().message);
      if (created.error().code == ErrorCode::kAlreadyExists) {
        Warn("nothing will be reported: a retry is a new job, give it another --job-id");
        session_.reset();
      }
    }
  }

  Ending RunCommand() {
    if (const auto signal = context_.world.waiter.TakeSignal()) {
      return EndingOf({.code = 0, .signal = *signal},
                      *signal);  // It came before the command began.
    }
    ProcessSpec spec;
    spec.command = options_.command;
    spec.pass_through = true;
    spec.environment = context_.world.environment;
    spec.environment["MIDWATCH_JOB"] = job_.metadata.namespace_name + "/" + job_.metadata.name;
    auto process = context_.world.processes.Start(spec, sink_);
    if (!process) {
      const std::string why =
          "cannot start " + Quote(options_.command.front()) + ": " + process.error().message;
      context_.Refuse(kExitNotStarted, why);
      sink_->log().Add("midwatch: " + why + "\n");
      return {.exit_code = kExitNotStarted, .message = why};
    }
    int signal = 0;
    while (!sink_->exit()) {
      context_.WaitFor({}, context_.Time().mono + kForever, [&] {
        if (const auto taken = context_.world.waiter.TakeSignal()) {
          signal = IsAnOrderToEnd(*taken) ? *taken : signal;
          (*process)->Signal(*taken);
        }
        return sink_->exit().has_value();
      });
    }
    return EndingOf(*sink_->exit(), signal);
  }

  static Ending EndingOf(ProcessExit exit, int passed_on) {
    Ending ending{.exit_code = exit.signal != 0 ? kExitSignalBase + exit.signal : exit.code,
                  .message = {}};
    if (passed_on != 0 && ending.exit_code != 0) {
      ending.cancelled = true;
      ending.message = "cancelled by " + SignalName(passed_on);
    } else if (exit.signal != 0) {
      ending.message = "ended by " + SignalName(exit.signal);
    }
    return ending;
  }

  api::JobState StateOf(const Ending& ending) const {
    if (ending.cancelled) {
      return api::JobState::kCancelled;
    }
    if (options_.approval_exit_code == std::int64_t{ending.exit_code}) {
      return api::JobState::kApprovalRequired;
    }
    return ending.exit_code == 0 ? api::JobState::kSucceeded : api::JobState::kFailed;
  }

  void AddArtifact(Result<api::Artifact> artifact, std::string_view what, JobNews& news) {
    if (artifact) {
      news.artifacts.push_back(*std::move(artifact));
    } else {
      Warn("the " + std::string(what) + " is not uploaded: " + artifact.error().message);
    }
  }

  void ReportEnd(const Ending& ending) {
    session_->SetDeadline(kStartPatience);
    const api::JobState state = StateOf(ending);
    JobNews news{.state = state,
                 .at = context_.Time().wall,
                 .exit_code = ending.exit_code,
                 .message = ending.message};
    const MonoTime deadline = context_.Time().mono + end_patience_;
    const UploadTarget to{context_, *session_, deadline};
    AddArtifact(UploadText("log", sink_->log().Take(mask_), "text/plain", to), "log", news);
    if (!options_.plan.empty()) {
      AddArtifact(UploadFile("plan", options_.plan, mask_, to), "plan", news);
    }
    const auto reported =
        JobReporter(context_, *session_, deadline - context_.Time().mono)
            .Report(job_.metadata.namespace_name, job_.metadata.name, news, &job_);
    if (!reported) {
      return Warn("the end of the job is not reported: " + reported.error().message);
    }
    context_.Note(context_.err.Dim("midwatch:") + " modulejob/" + job_.metadata.namespace_name +
                  "/" + job_.metadata.name + " is " +
                  ShowState(api::ToString(state), context_.err) + ", exit code " +
                  std::to_string(ending.exit_code));
    if (options_.wait && !ending.cancelled) {
      WaitForResults(*reported, *options_.wait, {context_.world.err, context_.err}, context_,
                     *session_);
    }
  }

  const JobExecOptions& options_;
  Context& context_;
  const SecretMask mask_;
  const std::shared_ptr<PassingSink> sink_;  // Shared with the process.
  std::optional<ApiSession> session_;
  Duration end_patience_ = kEndPatience;
  api::ModuleJob job_;
};

}  // namespace

int Run(const JobExecOptions& options, Context& context) {
  return Execution(options, context).Run();
}

}  // namespace midwatch::cli
