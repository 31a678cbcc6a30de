#pragma once

#include "controller/env/terminal.h"

namespace midwatch::posix {

/// Output to a descriptor that stays open: 1 or 2.
class StandardOutput final : public Output {
 public:
  explicit StandardOutput(int descriptor) : descriptor_(descriptor) {}
  void Write(std::string_view bytes) override;

 private:
  const int descriptor_;
};

/// What descriptors 1 and 2 of this process are.
Terminal TerminalOfProcess();

}  // namespace midwatch::posix
