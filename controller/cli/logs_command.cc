#include <algorithm>
#include <optional>
#include <utility>

#include "controller/api/dispatch.h"
#include "controller/api/run.h"
#include "controller/api/run_ending.h"
#include "controller/cli/api_session.h"
#include "controller/cli/commands.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/session_text.h"
#include "controller/cli/state_word.h"

namespace midwatch::cli {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr Duration kBetweenReads = std::chrono::milliseconds(300);
/// A session goes on while its server restarts, and so does who follows it.
constexpr Duration kPatience = std::chrono::minutes(2);

/// The last Run that has begun of a Dispatch that has none now: its attempt failed, and it waits
/// for another.
std::optional<api::NamespacedRef> LastRunOf(const api::Dispatch& dispatch, ApiSession& session) {
  auto runs =
      session.ListAs<api::Run>({.type = {},
                                .namespace_name = dispatch.spec.agent_ref.namespace_name,
                                .label_selector = {},
                                .field_selector = "spec.dispatchRef.uid=" + dispatch.metadata.uid,
                                .continue_token = {},
                                .resource_version = {}});
  if (!runs) {
    return std::nullopt;
  }
  runs->erase(std::remove_if(runs->begin(), runs->end(), api::IsWithdrawn), runs->end());
  if (runs->empty()) {
    return std::nullopt;
  }
  const auto& last = *std::max_element(
      runs->begin(), runs->end(),
      [](const auto& a, const auto& b) { return a.spec.ordinal < b.spec.ordinal; });
  return api::NamespacedRef{.namespace_name = last.metadata.namespace_name,
                            .name = last.metadata.name};
}

/// The Run of a Dispatch. None: it is said why, and `code` is set.
std::optional<api::NamespacedRef> FindRunOf(const std::string& dispatch_name, Context& context,
                                            ApiSession& session, int& code) {
  const auto dispatch = session.GetAs<api::Dispatch>(session.namespace_name(), dispatch_name);
  if (!dispatch) {
    code = RefuseObject(dispatch.error(), api::Dispatch::Type(), dispatch_name, context, session);
    return std::nullopt;
  }
  auto run = dispatch->status.run ? dispatch->status.run : LastRunOf(*dispatch, session);
  if (!run) {
    code = context.Refuse(kExitFailed,
                          "dispatch/" + dispatch_name + " has no Run: it is " +
                              std::string(ResultWord(api::ToString(dispatch->status.phase))),
                          "midwatch why dispatch/" + dispatch_name + session.namespace_option() +
                              std::string(WhatWhySays(dispatch->status.phase)));
  }
  return run;
}

/// The name under which the agent of a Run writes its session log.
std::string SessionLogOf(const api::Run& run) {
  return "runs/" + run.metadata.namespace_name + "/" + run.metadata.name;
}

/// How a session ended to which nothing more will come.
struct Ending {
  std::string word;
  std::string message;
};
std::optional<Ending> FindEnding(const api::Run& run) {
  if (api::HasEnded(run.status.phase)) {
    return run.status.session_log
               ? std::optional(
                     Ending{std::string(api::ToString(run.status.phase)), run.status.message})
               : std::nullopt;
  }
  if (api::IsWithdrawn(run)) {
    return Ending{"Cancelled", "it was withdrawn: no instance took it"};
  }
  if (api::IsLost(run)) {
    return Ending{"Lost", "its instance is silent"};
  }
  return std::nullopt;
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
      const auto run = LookAndRead();
      if (!run && !AwaitsServer(run.error())) {
        context_.Print(text_.Finish());
        if (FindDispatchInstead(run.error(), run_.name, session_)) {
          return context_.Refuse(kExitFailed, run.error().message,
                                 "there is a Dispatch of that name: midwatch logs dispatch/" +
                                     run_.name + session_.namespace_option());
        }
        return RefuseObject(run.error(), api::Run::Type(), run_.name, context_, session_);
      }
      if (run && (!options_.follow || FindEnding(*run))) {
        return Finish(*run);
      }
      int signal = 0;
      context_.WaitFor(run && offset_ == 0 ? "waiting for the session to begin" : "",
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
  /// The Run, looked at before reading: what was written until then is read.
  Result<api::Run> LookAndRead() {
    MIDWATCH_ASSIGN(api::Run run, session_.GetAs<api::Run>(run_.namespace_name, run_.name));
    MIDWATCH_TRY(ReadOn(run));
    answered_at_ = context_.Time().mono;
    lost_ = false;
    return run;
  }

  /// It has answered before, and may soon again. Said once.
  bool AwaitsServer(const Error& error) {
    const bool away = error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
    if (!away || !options_.follow || !answered_at_ ||
        context_.Time().mono >= *answered_at_ + kPatience) {
      return false;
    }
    if (!std::exchange(lost_, true)) {
      context_.Print(text_.Finish());
      context_.Warn(Harmless(error.message) + "; it is tried again for " +
                    FormatDuration(kPatience));
    }
    return true;
  }

  Result<void> ReadOn(const api::Run& run) {
    for (;;) {
      const auto bytes = session_.ReadLog(SessionLogOf(run), offset_, kPiece);
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
      const bool raw = options_.output == OutputFormat::kJson;
      const bool on_terminal = context_.world.terminal.out_is_terminal;
      context_.Print(!raw ? text_.Add(*bytes) : on_terminal ? Harmless(*bytes) : *bytes);
    }
  }

  int Finish(const api::Run& run) {
    context_.Print(text_.Finish());
    const auto ending = FindEnding(run);
    if (offset_ == 0) {
      context_.Note(
          "The session of run/" + run_.name + " is empty; the Run is " +
          std::string(ResultWord(ending ? ending->word : api::ToString(run.status.phase))) + ".");
    } else if (options_.follow && ending) {
      context_.Note(ShowState(ending->word, context_.err) +
                    (ending->message.empty() ? "" : ": " + HarmlessLine(ending->message)));
    }
    return kExitDone;
  }

  const LogsOptions& options_;
  const api::NamespacedRef run_;
  Context& context_;
  ApiSession& session_;
  SessionText text_;
  std::uint64_t offset_ = 0;
  std::optional<MonoTime> answered_at_;  // The server, last.
  bool lost_ = false;                    // Since then.
};

}  // namespace

int Run(const LogsOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client, options.target.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  std::optional<api::NamespacedRef> run;
  if (options.target.kind != "dispatch") {
    run = {.namespace_name = session->namespace_name(), .name = options.target.name};
  } else {
    int code = kExitDone;
    run = FindRunOf(options.target.name, context, *session, code);
    if (!run) {
      return code;
    }
  }
  return Follower(options, *std::move(run), context, *session).Run();
}

}  // namespace midwatch::cli
