#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "controller/cli/context.h"

namespace midwatch::cli {

/// Starts something and waits until its completion has been called: from any thread, before or
/// after this has given up (kTimeout), which says `no answer from <whom>`.
template <typename T, typename Start>
Result<T> Await(Context& context, Duration deadline, const std::string& whom, Start start) {
  struct Answer {
    std::mutex mutex;
    std::optional<Result<T>> result;
  };
  const auto answer = std::make_shared<Answer>();  // Shared with the completion.
  Waiter* const waiter = &context.world.waiter;
  start([answer, waiter](Result<T> result) {
    {
      const std::scoped_lock lock(answer->mutex);
      answer->result = std::move(result);
    }
    waiter->Wake();
  });
  const auto arrived = [&answer] {
    const std::scoped_lock lock(answer->mutex);
    return answer->result.has_value();
  };
  if (!context.WaitFor({}, context.Time().mono + deadline, arrived)) {
    return Fail(ErrorCode::kTimeout, "no answer from " + whom + " in " + FormatDuration(deadline));
  }
  const std::scoped_lock lock(answer->mutex);
  return *std::move(answer->result);
}

}  // namespace midwatch::cli
