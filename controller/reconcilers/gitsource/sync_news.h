#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controller/api/git_source.h"
#include "controller/env/log.h"
#include "controller/runtime/operation.h"

namespace midwatch::gitsource {

/// The operation's name, as registered with the Worker.
inline constexpr std::string_view kSyncNews = "git-sync-news";

/// What the log should say of a source.
struct SyncNews {
  bool failing = false;  ///< Else it has recovered.
  std::string revision;  ///< The one that was tried; empty if none could be fetched.
  std::string reason;    ///< Of the condition Ready.
  std::int64_t errors = 0;
  std::string message;

  friend bool operator==(const SyncNews&, const SyncNews&) = default;
};

/// Something, if the change of the status is worth a line: a source begins to fail, fails for
/// another reason or with another revision, or has recovered. Failing on as before is no news.
std::optional<SyncNews> NewsOf(const api::GitSourceStatus& before,
                               const api::GitSourceStatus& after);

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
