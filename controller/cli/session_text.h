#pragma once

#include <string>
#include <string_view>

#include "controller/cli/style.h"

namespace midwatch::cli {

/// Lines of a session log (agent/session_log.h) as people read them: reasoning, tool calls and
/// results told apart by a word and a colour. Pieces of one text that follow each other flow
/// together.
class SessionText {
 public:
  SessionText(const Style& style, std::size_t width) : style_(style), width_(width) {}

  /// What to print for bytes of the log; they may end within a line, which then waits for its rest.
  /// It may end within a line itself.
  std::string Add(std::string_view bytes);
  /// Ends what is open. To be printed last.
  std::string Finish();

 private:
  std::string ShowLine(std::string_view line);
  std::string Flow(const std::string& text);
  std::string TakeWord();

  const Style style_;
  const std::size_t width_;
  std::string open_;               // A line without its end.
  std::string flowing_;            // The kind of the text that flows; empty: none.
  Colour colour_ = Colour::kNone;  // Of the flowing text.
  std::string word_;               // Of it, the end not seen yet.
  std::size_t column_ = 0;         // Where it stands, without `word_`.
  bool line_ends_ = false;         // Before the next word.
  bool space_ = false;             // One comes before the next word.
};

}  // namespace midwatch::cli
