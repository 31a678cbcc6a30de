#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controller/api/git_source.h"
#include "controller/env/log.h"
#include "controller/reconcilers/scope/occurrence.h"
#include "controller/runtime/operation.h"

namespace midwatch::gitsource {

/// The operation's name, as registered with the Worker.
inline constexpr std::string_view kSyncNews = "git-sync-news";

enum class NewsKind : std::uint8_t {
  kFailing,    ///< It begins to fail, for another reason, or with another revision.
  kRecovered,  ///< It has failed and does not any more.
  kApplied,    ///< A revision is in force that was not, and none had failed. The log is silent.
};

/// What there is to say of a source.
struct SyncNews {
  NewsKind kind = NewsKind::kFailing;
  std::string revision;  ///< The one that was tried; empty if none could be fetched.
  std::string reason;    ///< Of the condition Ready.
  std::int64_t errors = 0;
  std::string message;

  friend bool operator==(const SyncNews&, const SyncNews&) = default;
};

/// What the change of the status has to tell, if anything; failing on as before is no news. What
/// the log says and the Event tells are made of it.
std::optional<SyncNews> NewsOf(const api::GitSourceStatus& before,
                               const api::GitSourceStatus& after);

Occurrence OccurrenceOf(const SyncNews& news);
Json ToJson(const SyncNews& news, const std::string& source);

/// The operation `git-sync-news`: writes a line. Thread-safe as its log is.
class SyncNewsLog final : public OperationRunner {
 public:
  explicit SyncNewsLog(Log& log) : log_(log) {}
  void Start(std::string name, Json spec, std::function<void(Result<void>)> done) override;

 private:
  Log& log_;
};

}  // namespace midwatch::gitsource
