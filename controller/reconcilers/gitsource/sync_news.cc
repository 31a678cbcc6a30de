#include "controller/reconcilers/gitsource/sync_news.h"

#include <algorithm>

namespace midwatch::gitsource {
namespace {

const api::Condition* Ready(const api::GitSourceStatus& status) {
  const auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                                  [](const api::Condition& c) { return c.type == "Ready"; });
  return found == status.conditions.end() ? nullptr : &*found;
}

SyncNews Seen(const api::GitSourceStatus& status) {
  SyncNews news;
  news.failing = status.failing_since.has_value();
  news.revision = status.attempted ? status.attempted->revision : "";
  news.errors = status.error_count;
  if (const api::Condition* ready = Ready(status)) {
    news.reason = ready->reason;
    news.message = ready->message;
  }
  return news;
}

}  // namespace

std::optional<SyncNews> NewsOf(const api::GitSourceStatus& before,
                               const api::GitSourceStatus& after) {
  const SyncNews was = Seen(before);
  SyncNews is = Seen(after);
  const bool other = was.revision != is.revision || was.reason != is.reason;
  const bool news = is.failing ? !was.failing || other : was.failing;
  return news ? std::optional(std::move(is)) : std::nullopt;
}

Json ToJson(const SyncNews& news, const std::string& source) {
  return Json::Of({{"source", source},
                   {"failing", news.failing},
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
    log_.Info("sync recovered",
              {{"source", source}, {"revision", revision}, {"detail", message}});
  }
  done({});
}

}  // namespace midwatch::gitsource
