#include "controller/cli/session_text.h"

#include <algorithm>
#include <array>

#include "controller/agent/session_record.h"
#include "controller/base/digest.h"
#include "controller/base/text.h"
#include "controller/object/json.h"

namespace midwatch::cli {
namespace {

using agent::RecordKind;

constexpr std::size_t kLabelWidth = 12;
constexpr std::size_t kTextColumn = kLabelWidth + 2;
constexpr std::size_t kLongestData = 400;
constexpr std::size_t kLongestResult = 4000;
constexpr std::size_t kMostLines = 12;  // Of a tool's result.

struct Look {
  RecordKind kind;
  std::string_view label;
  Colour colour;
};
constexpr std::array kLooks = {Look{RecordKind::kReasoning, "reasoning", Colour::kMagenta},
                               Look{RecordKind::kAnswer, "answer", Colour::kNone},
                               Look{RecordKind::kPrompt, "prompt", Colour::kBlue},
                               Look{RecordKind::kToolCall, "tool call", Colour::kCyan},
                               Look{RecordKind::kToolResult, "tool result", Colour::kGreen},
                               Look{RecordKind::kPlan, "plan", Colour::kBlue},
                               Look{RecordKind::kPermission, "permission", Colour::kYellow},
                               Look{RecordKind::kUsage, "usage", Colour::kNone},
                               Look{RecordKind::kResult, "result", Colour::kGreen},
                               Look{RecordKind::kSystem, "system", Colour::kYellow},
                               Look{RecordKind::kDiagnostic, "stderr", Colour::kRed}};

Look LookOf(const std::string& word) {
  const auto found = std::find_if(kLooks.begin(), kLooks.end(),
                                  [&](const Look& look) { return WordOf(look.kind) == word; });
  return found == kLooks.end() ? Look{RecordKind::kSystem, word, Colour::kNone} : *found;
}

std::string Cut(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) {
    return text;
  }
  return std::string(Utf8Prefix(text, limit)) + " … (" + std::to_string(text.size() - limit) +
         " more bytes)";
}

std::string PlanText(const Json& entries) {
  std::vector<std::string> lines;
  for (const Json& entry : entries.Items()) {
    const std::string& status = entry.At("status").AsString();
    const std::string_view mark = status == "completed"     ? "✓ "
                                  : status == "in_progress" ? "▸ "
                                                            : "· ";
    lines.push_back(std::string(mark) + entry.At("content").AsString());
  }
  return Join(lines, "\n");
}

/// `sha256:0792d5e5ec48…`; what is long is cut, lists are counted.
std::string ShowValue(const Json& value) {
  constexpr std::size_t kShownOfDigest = 19;
  constexpr std::size_t kLongestValue = 100;
  if (value.IsArray() && !value.Items().empty()) {
    return "[" + Count(value.Items().size(), "item") + "]";
  }
  const std::string text = value.IsString() ? value.AsString() : value.Dump();
  const std::size_t shown = IsDigest(text) ? kShownOfDigest : kLongestValue;
  return text.size() <= shown ? text : std::string(Utf8Prefix(text, shown)) + "…";
}

std::string Pairs(const Json& object) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : object.Members()) {
    parts.push_back(name + "=" + ShowValue(value));
  }
  return Cut(Join(parts, " "), kLongestData);
}

/// The gist of a result of any type.
std::string Gist(const Json& result) {
  for (const std::string_view member : {"rootCause", "reason", "summary"}) {
    if (const Json* text = result.Find(member)) {
      const std::string& answer = result.At("recommend").AsString();
      return (answer.empty() ? "" : answer + ": ") + text->AsString();
    }
  }
  return Pairs(result);
}

std::string FirstLines(const std::string& text) {
  const std::vector<std::string_view> lines = Split(Trim(text), '\n');
  std::string out;
  for (std::size_t i = 0; i < std::min(lines.size(), kMostLines); ++i) {
    out += (i == 0 ? "" : "\n") + std::string(lines[i]);
  }
  return lines.size() <= kMostLines ? out
                                    : out + "\n… " + Count(lines.size() - kMostLines, "more line");
}

/// What is shown of a line: its text, and what matters of its other members.
std::string BodyOf(const Json& line, RecordKind kind) {
  const std::string& text = line.At("text").AsString();
  const bool failed = line.At("status").AsString() == "failed";
  switch (kind) {
    case RecordKind::kToolCall: {
      const std::string title = text.empty() ? line.At("title").AsString() : text;
      const std::string input = Pairs(line.At("input"));
      return title + (input.empty() ? "" : "  " + input);
    }
    case RecordKind::kToolResult:
      return (failed ? "failed: " : "") + FirstLines(Cut(text, kLongestResult));
    case RecordKind::kPlan:
      return PlanText(line.At("entries"));
    case RecordKind::kResult:
      return text + (line.Find("result") == nullptr ? "" : ": " + Gist(line.At("result")));
    default:
      break;
  }
  Json rest = line;
  for (const std::string_view known : {"at", "kind", "text"}) {
    rest.Erase(known);
  }
  const std::string data = Pairs(rest);
  return text + (text.empty() || data.empty() ? "" : "\n") + data;
}

}  // namespace

std::string SessionText::Add(std::string_view bytes) {
  std::string out;
  open_.append(bytes);
  std::size_t at = 0;
  for (std::size_t end = open_.find('\n'); end != std::string::npos; end = open_.find('\n', at)) {
    out += ShowLine(std::string_view(open_).substr(at, end - at));
    at = end + 1;
  }
  open_.erase(0, at);
  return out;
}

std::string SessionText::ShowLine(std::string_view line) {
  const auto parsed = ParseJson(line);
  if (!parsed || !parsed->IsObject()) {
    return line.empty() ? std::string()
                        : Finish() + style_.Bold(PadRight("unreadable", kLabelWidth)) + "  " +
                              HarmlessLine(line) + "\n";
  }
  const std::string& kind = parsed->At("kind").AsString();
  const Look look = LookOf(kind);
  if (kind == flowing_) {
    return Flow(Harmless(parsed->At("text").AsString()));
  }
  std::string out =
      Finish() +
      style_.Bold(style_.In(look.colour, PadRight(HarmlessLine(look.label), kLabelWidth))) + "  ";
  if (look.kind == RecordKind::kReasoning || look.kind == RecordKind::kAnswer) {
    flowing_ = kind;
    colour_ = look.colour;
    column_ = kTextColumn;
    return out + Flow(Harmless(parsed->At("text").AsString()));
  }
  const std::string body = Harmless(BodyOf(*parsed, look.kind));
  const std::string indent(kTextColumn, ' ');
  const std::string wrapped = Indented(body.empty() ? "-" : body, indent, width_);
  bool first = true;
  for (const std::string_view part :
       Split(std::string_view(wrapped).substr(0, wrapped.size() - 1), '\n')) {
    const std::string_view shown = part.size() > kTextColumn ? part.substr(kTextColumn) : "";
    out += (first ? "" : indent) + style_.In(look.colour, shown) + "\n";
    first = false;
  }
  return out;
}

std::string SessionText::Flow(const std::string& text) {
  std::string out;
  std::string line;  // What this call adds to the line that it stands in.
  const auto end_line = [&] {
    out += style_.In(colour_, line) + "\n" + std::string(kTextColumn, ' ');
    line.clear();
    column_ = kTextColumn;
    space_ = false;
  };
  const auto end_word = [&] {
    if (column_ > kTextColumn && column_ + 1 + DisplayWidth(word_) > width_) {
      end_line();
    }
    line += TakeWord();
    space_ = space_ || column_ > kTextColumn;
  };
  for (const char c : text) {
    if (c == ' ' || c == '\n') {
      if (!word_.empty()) {
        end_word();
      }
      line_ends_ = line_ends_ || c == '\n';
      continue;
    }
    if (line_ends_ && column_ > kTextColumn) {
      end_line();
    }
    line_ends_ = false;
    word_.push_back(c);
  }
  return out + style_.In(colour_, line);
}

/// The word with the space before it.
std::string SessionText::TakeWord() {
  const std::string out = (space_ && !word_.empty() ? " " : "") + word_;
  column_ += DisplayWidth(out);
  space_ = space_ && word_.empty();
  word_.clear();
  return out;
}

std::string SessionText::Finish() {
  if (flowing_.empty()) {
    return {};
  }
  flowing_.clear();
  const std::string rest = style_.In(colour_, TakeWord());
  space_ = false;
  line_ends_ = false;
  return rest + "\n";
}

}  // namespace midwatch::cli
