#pragma once

#include <string>
#include <string_view>

#include "controller/cli/style.h"

namespace midwatch::cli {

/// Lines of a session log (agent/session_log.h) as people read them: reasoning, tool calls and results
/// told apart by a word and a colour. Pieces of one text that follow each other are one block.
class SessionText {
 public:
  SessionText(const Style& style, std::size_t width) : style_(style), width_(width) {}

  /// What to print for bytes of the log; they may end within a line, which then waits for its rest.
  std::string Add(std::string_view bytes);

 private:
  std::string ShowLine(std::string_view line);

  const Style style_;
  const std::size_t width_;
  std::string open_;       // A line without its end.
  std::string last_kind_;  // Of the block that is open.
};

}  // namespace midwatch::cli
