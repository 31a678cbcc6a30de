#include "controller/reconcilers/gitsource/sync_news.h"

#include <algorithm>

namespace midwatch::gitsource {
namespace {

api::Condition Ready(const api::GitSourceStatus& status) {
  const auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                                  [](const api::Condition& c) { return c.type == "Ready"; });
  return found != status.conditions.end()
             ? *found
             : api::Condition{.status = api::ConditionStatus::kUnknown};
}

std::string CommitOf(const std::optional<api::GitRevision>& revision) {
  return revision ? revision->revision : "";
}

SyncNews Seen(const api::GitSourceStatus& status) {
  const api::Condition ready = Ready(status);
  return {.revision = CommitOf(status.attempted),
          .reason = ready.reason,
          .errors = status.error_count,
          .message = ready.message};
}

/// A source that is suspended, or is fetched for the first time, may not be ready either.
bool SaysThatItFails(const api::GitSourceStatus& status) {
  const api::Condition ready = Ready(status);
  return ready.status == api::ConditionStatus::kFalse && ready.reason != "Suspended" &&
         ready.reason != "Fetching";
}

}  // namespace

std::optional<SyncNews> NewsOf(const api::GitSourceStatus& before,
                               const api::GitSourceStatus& after) {
  const SyncNews was = Seen(before);
  SyncNews is = Seen(after);
  const bool failed = before.failing_since || SaysThatItFails(before);
  bool same = false;
  if (after.failing_since) {
    is.kind = NewsKind::kFailing;
    same = !SaysThatItFails(after) ||
           (failed && was.reason == is.reason && was.revision == is.revision);
  } else if (failed) {
    is.kind = NewsKind::kRecovered;
    same = SaysThatItFails(after);  // It does as long as objects wait to be written.
  } else {
    is.kind = NewsKind::kApplied;
    same = CommitOf(before.applied) == CommitOf(after.applied);
  }
  return same ? std::nullopt : std::optional(std::move(is));
}

Occurrence OccurrenceOf(const SyncNews& news) {
  const bool failing = news.kind == NewsKind::kFailing;
  return {.warning = failing,
          .reason = failing                             ? news.reason
                    : news.kind == NewsKind::kRecovered ? "Recovered"
                                                        : "Applied",
          .message = news.message,
          .which = news.revision};
}

Json ToJson(const SyncNews& news, const std::string& source) {
  return Json::Of({{"source", source},
                   {"failing", news.kind == NewsKind::kFailing},
                   {"revision", news.revision},
                   {"reason", news.reason},
                   {"errors", news.errors},
                   {"message", news.message}});
}

void SyncNewsLog::Start(std::string, Json spec, std::function<void(Result<void>)> done) {
  const std::string& source = spec.At("source").AsString();
  const std::string& revision = spec.At("revision").AsString();
  const std::string& message = spec.At("message").AsString();
  if (spec.At("failing").AsBool()) {
    log_.Warn("sync failed", {{"source", source},
                              {"revision", revision},
                              {"reason", spec.At("reason").AsString()},
                              {"errors", std::to_string(spec.At("errors").AsInt())},
                              {"detail", message}});
  } else {
    log_.Info("sync recovered", {{"source", source}, {"revision", revision}, {"detail", message}});
  }
  done({});
}

}  // namespace midwatch::gitsource
