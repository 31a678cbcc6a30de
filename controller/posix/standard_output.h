#pragma once

#include <atomic>
#include <functional>

#include "controller/env/terminal.h"

namespace midwatch::posix {

/// Output to a descriptor that stays open: 1 or 2.
class StandardOutput final : public Output {
 public:
  /// `on_gone` is called by the first Write that finds the peer gone.
  explicit StandardOutput(int descriptor, std::function<void()> on_gone = {})
      : descriptor_(descriptor), on_gone_(std::move(on_gone)) {}
  void Write(std::string_view bytes) override;
  bool IsGone() const override { return gone_; }

 private:
  const int descriptor_;
  const std::function<void()> on_gone_;
  std::atomic<bool> gone_ = false;
};

/// What descriptors 1 and 2 of this process are.
Terminal TerminalOfProcess();

}  // namespace midwatch::posix
