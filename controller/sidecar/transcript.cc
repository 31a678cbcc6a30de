#include "controller/sidecar/transcript.h"

#include "controller/base/text.h"

namespace midwatch::sidecar {
namespace {

Result<Action> ParseStep(const Json& step) {
  if (const Json* text = step.Find("think")) return Action(Think{text->AsString()});
  if (const Json* text = step.Find("say")) return Action(Say{text->AsString()});
  if (const Json* update = step.Find("update")) return Action(SendUpdate{*update});
  if (const Json* line = step.Find("raw")) return Action(SendRaw{line->AsString()});
  if (const Json* reason = step.Find("stop")) return Action(Finish{reason->AsString()});
  if (const Json* code = step.Find("exit")) return Action(Exit{static_cast<int>(code->AsInt())});
  if (step.Find("hang") != nullptr) return Action(Hang{});
  if (const Json* tool = step.Find("call")) {
    return Action(CallTool{tool->AsString(), step.At("arguments")});
  }
  const Json* flood = step.Find("flood");
  const bool fits =
      flood != nullptr && flood->AsInt() > 0 && flood->AsInt() <= Transcript::kMaxFlood;
  if (fits) return Action(SendRaw{std::string(static_cast<std::size_t>(flood->AsInt()), 'x')});
  return Fail(ErrorCode::kInvalid,
              "expected one of think, say, update, call, raw, flood, stop, exit, hang");
}

bool EndsTurn(const Action& action) {
  return std::holds_alternative<CallTool>(action) || std::holds_alternative<Finish>(action) ||
         std::holds_alternative<Exit>(action) || std::holds_alternative<Hang>(action);
}

}  // namespace

Result<std::unique_ptr<Transcript>> Transcript::Parse(std::string_view text) {
  auto transcript = std::make_unique<Transcript>();
  std::size_t number = 0;
  for (const std::string_view raw : Split(text, '\n')) {
    ++number;
    const std::string_view line = Trim(raw);
    if (line.empty() || line.front() == '#') continue;
    const std::string where = "transcript:" + std::to_string(number) + ": ";
    const auto json = ParseJson(line);
    if (!json) return Fail(ErrorCode::kInvalid, where + json.error().message);
    auto step = ParseStep(*json);
    if (!step) return Fail(ErrorCode::kInvalid, where + step.error().message);
    if (transcript->steps_.size() == kMaxSteps) {
      return Fail(ErrorCode::kTooLarge, where + "more than 100000 steps");
    }
    transcript->steps_.push_back(std::move(*step));
  }
  return transcript;
}

std::vector<Action> Transcript::Next(const std::optional<ToolAnswer>&) {
  std::vector<Action> actions;
  while (next_ < steps_.size()) {
    actions.push_back(steps_[next_++]);
    if (EndsTurn(actions.back())) return actions;
  }
  actions.emplace_back(Finish{});
  return actions;
}

}  // namespace midwatch::sidecar
