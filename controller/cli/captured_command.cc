#include "controller/cli/captured_command.h"

#include <memory>
#include <mutex>
#include <optional>

#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

class Capture final : public ProcessSink {
 public:
  explicit Capture(Waker& waker) : waker_(waker) {}

  void OnStdout(std::string_view bytes) override {
    const std::scoped_lock lock(mutex_);
    text_.append(bytes.substr(0, kMostBytes - text_.size()));
  }
  void OnStderr(std::string_view) override {}
  void OnExit(ProcessExit exit) override {
    {
      const std::scoped_lock lock(mutex_);
      exit_ = exit;
    }
    waker_.Wake();
  }

  std::optional<ProcessExit> exit() const {
    const std::scoped_lock lock(mutex_);
    return exit_;
  }
  std::string text() const {
    const std::scoped_lock lock(mutex_);
    return text_;
  }

 private:
  Waker& waker_;
  mutable std::mutex mutex_;
  std::string text_;
  std::optional<ProcessExit> exit_;
};

}  // namespace

Result<std::string> OutputOf(const std::vector<std::string>& command, Duration deadline,
                             Context& context) {
  const auto capture = std::make_shared<Capture>(context.world.waiter);  // Shared with the process.
  ProcessSpec spec;
  spec.command = command;
  spec.environment = context.world.environment;
  MIDWATCH_ASSIGN(const auto process, context.world.processes.Start(spec, capture));
  process->CloseInput();
  const auto ended = [&] { return capture->exit().has_value(); };
  if (!context.WaitFor({}, context.Time().mono + deadline, ended)) {
    return Fail(ErrorCode::kTimeout, Quote(command.front()) + " took too long");
  }
  if (capture->exit()->code != 0 || capture->exit()->signal != 0) {
    return Fail(ErrorCode::kInvalid, Quote(command.front()) + " failed");
  }
  return capture->text();
}

}  // namespace midwatch::cli
