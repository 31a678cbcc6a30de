#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "controller/env/process_runner.h"

namespace midwatch::posix {

/// Keeps what a process said and waits for what it will say. Thread-safe.
class ProcessRecorder final : public ProcessSink {
 public:
  static constexpr std::chrono::seconds kPatience{30};

  void OnStdout(std::string_view bytes) override { Append(output_, bytes); }
  void OnStderr(std::string_view bytes) override { Append(errors_, bytes); }
  void OnExit(ProcessExit exit) override {
    const std::lock_guard lock(mutex_);
    exit_ = exit;
    changed_.notify_all();
  }

  /// Waits until the output contains `text`; the output, or empty if that did not happen.
  std::string WaitForOutput(std::string_view text) {
    std::unique_lock lock(mutex_);
    const bool found = changed_.wait_for(
        lock, kPatience, [&] { return output_.find(text) != std::string::npos || exit_; });
    return found ? output_ : std::string();
  }

  std::optional<ProcessExit> WaitForExit() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return exit_.has_value(); });
    return exit_;
  }

  std::string output() {
    const std::lock_guard lock(mutex_);
    return output_;
  }
  std::string errors() {
    const std::lock_guard lock(mutex_);
    return errors_;
  }

 private:
  void Append(std::string& to, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    to.append(bytes);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;
  std::string errors_;
  std::optional<ProcessExit> exit_;
};

}  // namespace midwatch::posix
