#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "controller/cli/api_session.h"
#include "controller/object/object_key.h"

namespace midwatch::cli {

/// The objects of one selection as they are now: a list, kept up by a watch. If the watch ends it
/// lists again, no faster than once a second. Not thread-safe; watch events are queued and taken by
/// Refresh.
class LiveList {
 public:
  /// Context and session outlive it.
  LiveList(Context& context, ApiSession& session, ListRequest what);

  /// Brings `objects` up to date with what has arrived. An error is that of a list that failed; the
  /// next call may succeed.
  Result<void> Refresh();
  const std::map<ObjectKey, Object>& objects() const { return objects_; }

 private:
  class Sink;
  Result<void> ListAgain();
  void Take();

  Context& context_;
  ApiSession& session_;
  ListRequest what_;
  std::map<ObjectKey, Object> objects_;
  std::shared_ptr<Sink> sink_;  // Shared with the watch.
  std::unique_ptr<WatchHandle> watch_;
  std::optional<MonoTime> listed_at_;
};

}  // namespace midwatch::cli
