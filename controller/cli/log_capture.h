#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "controller/agent/secret_mask.h"

namespace midwatch::cli {

/// Replaces secrets by `***`: the values of environment variables whose names look secret (TOKEN,
/// PASSWORD, SECRET, KEY, CREDENTIAL, …), and of values of several lines each line; in JSON too.
/// Immutable.
class SecretMask {
 public:
  explicit SecretMask(const std::map<std::string, std::string>& environment);

  std::string Apply(std::string text) const { return mask_(std::move(text)); }

 private:
  agent::SecretMask mask_;
};

/// True for names such as DB_PASSWORD, GITHUB_TOKEN, AWS_SECRET_ACCESS_KEY.
bool LooksSecret(std::string_view name);

/// Keeps the output of a command, its beginning and its end if it is too long. Thread-safe.
class LogCapture {
 public:
  static constexpr std::size_t kHead = std::size_t{4} << 20;
  static constexpr std::size_t kTail = std::size_t{12} << 20;

  explicit LogCapture(std::size_t head = kHead, std::size_t tail = kTail)
      : most_head_(head), most_tail_(tail) {}

  void Add(std::string_view bytes);
  /// What was kept, masked, without escape sequences and carriage returns; where something is left
  /// out it says so. Cut at line ends, so that no part of a secret stays at the cut.
  std::string Take(const SecretMask& mask);

 private:
  void Trim();

  const std::size_t most_head_;
  const std::size_t most_tail_;
  std::mutex mutex_;
  std::string head_;
  std::string tail_;
  bool head_full_ = false;
  std::size_t left_out_ = 0;
};

}  // namespace midwatch::cli
