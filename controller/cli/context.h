#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/cli/capabilities.h"
#include "controller/cli/exit_codes.h"
#include "controller/cli/style.h"

namespace midwatch::cli {

/// What every command works with: the world, and how to say things. Not thread-safe.
class Context {
 public:
  Context(Capabilities& world_used, ColourChoice colour);

  Capabilities& world;
  const Style out;  ///< Of standard output.
  const Style err;  ///< Of standard error.

  Now Time() const { return world.clock.Read(); }
  /// To standard output, as it is.
  void Print(std::string_view text) { world.out.Write(text); }
  /// To standard error, as a line.
  void Note(std::string_view text) { world.err.Write(std::string(text) + "\n"); }
  void Warn(std::string_view text);
  /// `error: …` and, if there is one, `hint: …` on standard error. Gives `code` back.
  int Refuse(int code, std::string_view message, std::string_view hint = {});
  /// `hint: …` on standard error; nothing if it is empty.
  void Hint(std::string_view hint);
  /// Refuse with the code and hint that belong to the error. `about` is put before the message.
  int Refuse(const Error& error, std::string_view about = {});

  /// Columns to fill with text: of the terminal, at most kWidestText.
  std::size_t Width() const;

  /// Waits until `done` or the deadline; on a terminal with a spinner and `what` on standard error.
  /// True if done. `done` is asked after every wake, and not again once it has said so: what it
  /// takes, such as a signal, it takes once.
  bool WaitFor(std::string_view what, MonoTime deadline, const std::function<bool()>& done);

  static constexpr std::size_t kWidestText = 100;
};

/// Whether an output is coloured: as chosen, else on a terminal, unless $NO_COLOR is set or $TERM
/// is dumb.
bool IsColoured(ColourChoice choice, bool is_terminal,
                const std::map<std::string, std::string>& environment);
/// `error: …` and, if there is one, `hint: …`, each a line.
std::string ErrorText(std::string_view message, std::string_view hint, const Style& style);

/// The exit code for a command that could not be carried out because of the error.
int ExitCodeOf(ErrorCode code);
/// What to do next, or an empty text.
std::string HintFor(const Error& error);

}  // namespace midwatch::cli
