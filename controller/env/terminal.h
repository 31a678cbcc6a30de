#pragma once

#include <string_view>

namespace midwatch {

/// Standard output or standard error. Any thread; the bytes are out when Write returns. A peer that
/// is gone is not an error: what is written is dropped.
class Output {
 public:
  virtual ~Output() = default;
  virtual void Write(std::string_view bytes) = 0;
  /// The peer is gone: a Write has shown it.
  virtual bool IsGone() const { return false; }
};

/// What the outputs of this process go to.
struct Terminal {
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int columns = 80;
};

}  // namespace midwatch
