#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "controller/base/time.h"
#include "controller/env/http_client.h"

namespace midwatch::cmd {

/// Whether a kubeconfig may do what no Agent's token may, as a SelfSubjectAccessReview says. For
/// one thread.
class RightsCheck {
 public:
  /// True once, when the server has said so. Until it has answered it is asked again now and then.
  bool Exceeds(HttpClient& http, const std::string& namespace_name, MonoTime now);

 private:
  enum class Answer : std::uint8_t { kNone, kAwaited, kNo, kYes };
  std::shared_ptr<std::atomic<Answer>> answer_ =
      std::make_shared<std::atomic<Answer>>(Answer::kNone);  // Shared with the client.
  MonoTime ask_at_{};
};

}  // namespace midwatch::cmd
