#include "controller/cli/context.h"

#include <algorithm>
#include <array>

#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

constexpr Duration kSpinnerTick = std::chrono::milliseconds(100);
// How often `done` is asked although nothing woke us: it may have something to try again.
constexpr Duration kLookAgain = std::chrono::seconds(1);
constexpr std::array<std::string_view, 10> kSpinner = {"⠋", "⠙", "⠹", "⠸", "⠼",
                                                       "⠴", "⠦", "⠧", "⠇", "⠏"};
constexpr std::string_view kClearLine = "\r\x1b[2K";

/// `error: …`. Further lines of the text stand under the first, so that none looks like ours.
std::string Labelled(std::string_view label, Colour colour, std::string_view text,
                     const Style& style) {
  const std::string harmless = Harmless(text);
  std::string out;
  for (const std::string_view line : Split(Trim(harmless), '\n')) {
    out += (out.empty() ? style.In(colour, label) : std::string(label.size(), ' ')) + " ";
    out.append(line).append("\n");
  }
  return out;
}

}  // namespace

bool IsColoured(ColourChoice choice, bool is_terminal,
                const std::map<std::string, std::string>& environment) {
  if (choice != ColourChoice::kAuto) {
    return choice == ColourChoice::kAlways;
  }
  const auto no_colour = environment.find("NO_COLOR");
  const auto term = environment.find("TERM");
  return is_terminal && (no_colour == environment.end() || no_colour->second.empty()) &&
         (term == environment.end() || term->second != "dumb");
}

std::string ErrorText(std::string_view message, std::string_view hint, const Style& style) {
  std::string text = Labelled("error:", Colour::kRed, message, style);
  return hint.empty() ? text : text + Labelled("hint:", Colour::kCyan, hint, style);
}

Context::Context(Capabilities& world_used, ColourChoice colour)
    : world(world_used),
      out(IsColoured(colour, world_used.terminal.out_is_terminal, world_used.environment)),
      err(IsColoured(colour, world_used.terminal.err_is_terminal, world_used.environment)) {}

void Context::Warn(std::string_view text) {
  world.err.Write(Labelled("warning:", Colour::kYellow, text, err));
}

int Context::Refuse(int code, std::string_view message, std::string_view hint) {
  world.err.Write(ErrorText(message, hint, err));
  return code;
}

void Context::Hint(std::string_view hint) {
  if (!hint.empty()) {
    world.err.Write(Labelled("hint:", Colour::kCyan, hint, err));
  }
}

int Context::Refuse(const Error& error, std::string_view about) {
  const std::string message =
      about.empty() ? error.message : std::string(about) + ": " + error.message;
  return Refuse(ExitCodeOf(error.code), message, HintFor(error));
}

std::size_t Context::Width() const {
  return std::min(static_cast<std::size_t>(std::max(world.terminal.columns, 40)), kWidestText);
}

bool Context::WaitFor(std::string_view what, MonoTime deadline, const std::function<bool()>& done) {
  const auto term = world.environment.find("TERM");
  const bool spins = world.terminal.err_is_terminal && !what.empty() &&
                     (term == world.environment.end() || term->second != "dumb");
  const auto room = static_cast<std::size_t>(std::max(world.terminal.columns - 3, 1));
  std::size_t frame = 0;
  bool drawn = false;
  bool is_done = false;
  while (!(is_done = done())) {
    const MonoTime now = Time().mono;
    if (now >= deadline) {
      break;
    }
    if (spins) {
      world.err.Write(std::string(kClearLine) +
                      err.In(Colour::kCyan, kSpinner[frame++ % kSpinner.size()]) + " " +
                      std::string(Utf8Prefix(what, room)));
      drawn = true;
    }
    world.waiter.WaitUntil(std::min(deadline, now + (drawn ? kSpinnerTick : kLookAgain)));
  }
  if (drawn) {
    world.err.Write(kClearLine);
  }
  return is_done;
}

int ExitCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kTooManyRequests:
      return kExitUnreachable;
    default:
      return kExitFailed;
  }
}

std::string HintFor(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnavailable:
      return error.message.find("certificate") == std::string::npos
                 ? "is the server running, and does the kubeconfig name it? see --kubeconfig"
                 : "use the kubeconfig that this server wrote: it has its certificate authority";
    case ErrorCode::kTimeout:
      return "the server did not answer in time; try again";
    case ErrorCode::kOutcomeUnknown:
      return "the answer was lost: it may have happened; look before you try again";
    case ErrorCode::kNotFound:
      return error.message.starts_with("no kubeconfig")
                 ? "midwatch serve writes one into its data directory: export "
                   "KUBECONFIG=DIR/kubeconfig"
                 : "";
    case ErrorCode::kUnauthorized:
      return "the token is not valid for this server; use the kubeconfig that it wrote";
    case ErrorCode::kForbidden:
      return error.message.find(" is forbidden: ") != std::string::npos &&
                     error.message.find(" is forbidden: User ") == std::string::npos
                 ? ""  // Nobody may.
                 : "use a kubeconfig whose user may do this";
    case ErrorCode::kConflict:
      return "somebody else changed or manages it; look at it and try again";
    default:
      return {};
  }
}

}  // namespace midwatch::cli
