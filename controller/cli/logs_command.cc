#include "controller/api/dispatch.h"
#include "controller/api/run.h"
#include "controller/cli/api_session.h"
#include "controller/cli/commands.h"
#include "controller/cli/kind_target.h"
#include "controller/cli/session_text.h"

namespace midwatch::cli {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr Duration kBetweenReads = std::chrono::milliseconds(300);

/// The Run that is meant: by its name, or the current one of a Dispatch.
Result<api::NamespacedRef> FindRun(const KindAndName& target, const std::string& kind,
                                   ApiSession& session) {
  if (kind == "run") {
    return api::NamespacedRef{.namespace_name = session.namespace_name(), .name = target.name};
  }
  MIDWATCH_ASSIGN(const auto dispatch,
                  session.GetAs<api::Dispatch>(session.namespace_name(), target.name));
  if (!dispatch.status.run) {
    return Fail(ErrorCode::kNotFound, "dispatch/" + target.name + " has no Run: it is " +
                                          std::string(api::ToString(dispatch.status.phase)));
  }
  return *dispatch.status.run;
}

/// The name under which the agent of a Run writes its session log.
std::string SessionLogOf(const api::Run& run) {
  return "runs/" + run.metadata.namespace_name + "/" + run.metadata.name;
}

bool HasEnded(api::RunPhase phase) {
  return phase == api::RunPhase::kSucceeded || phase == api::RunPhase::kFailed ||
         phase == api::RunPhase::kCancelled;
}

class Follower {
 public:
  Follower(const LogsOptions& options, api::NamespacedRef run, Context& context,
           ApiSession& session)
      : options_(options),
        run_(std::move(run)),
        context_(context),
        session_(session),
        text_(context.out, context.Width()) {}

  int Run() {
    if (options_.follow) {
      context_.world.waiter.CatchSignals();
    }
    for (;;) {
      // Looked at before reading: what was written until then will be read.
      const auto run = session_.GetAs<api::Run>(run_.namespace_name, run_.name);
      if (!run) {
        return context_.Refuse(run.error());
      }
      if (const auto read = ReadOn(*run); !read) {
        return context_.Refuse(read.error());
      }
      if (!options_.follow || (HasEnded(run->status.phase) && run->status.session_log)) {
        return Finish(*run);
      }
      int signal = 0;
      context_.WaitFor(offset_ == 0 ? "waiting for the session to begin" : "",
                       context_.Time().mono + kBetweenReads, [&] {
                         signal = context_.world.waiter.TakeSignal().value_or(0);
                         return signal != 0;
                       });
      if (signal != 0) {
        context_.Print(text_.Finish());
        return kExitSignalBase + signal;
      }
    }
  }

 private:
  Result<void> ReadOn(const api::Run& run) {
    for (;;) {
      auto bytes = session_.ReadLog(SessionLogOf(run), offset_, kPiece);
      if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
        return {};  // Nothing was written yet.
      }
      if (!bytes) {
        return Fail(bytes.error());
      }
      if (bytes->empty()) {
        return {};
      }
      offset_ += bytes->size();
      context_.Print(options_.output == OutputFormat::kJson ? *bytes : text_.Add(*bytes));
    }
  }

  int Finish(const api::Run& run) {
    context_.Print(text_.Finish());
    if (offset_ == 0) {
      context_.Note("The session of run/" + run_.name + " is empty; the Run is " +
                    std::string(api::ToString(run.status.phase)) + ".");
    } else if (options_.follow) {
      const std::string_view phase = api::ToString(run.status.phase);
      context_.Note(context_.err.In(ColourOfState(phase), std::string(phase)) +
                    (run.status.message.empty() ? "" : ": " + Harmless(run.status.message)));
    }
    return kExitDone;
  }

  const LogsOptions& options_;
  const api::NamespacedRef run_;
  Context& context_;
  ApiSession& session_;
  SessionText text_;
  std::uint64_t offset_ = 0;
};

}  // namespace

int Run(const LogsOptions& options, Context& context) {
  const auto kind = KindOf(options.target, {"run", "dispatch"});
  if (!kind) {
    return context.Refuse(kExitUsage, kind.error().message);
  }
  auto session = ApiSession::Open(context, options.client);
  if (!session) {
    return context.Refuse(session.error());
  }
  auto run = FindRun(options.target, *kind, *session);
  if (!run) {
    return context.Refuse(ExitCodeOf(run.error().code), run.error().message,
                          *kind == "dispatch" ? "midwatch why dispatch/" + options.target.name +
                                                    " says what stands in the way"
                                              : "");
  }
  return Follower(options, *std::move(run), context, *session).Run();
}

}  // namespace midwatch::cli
