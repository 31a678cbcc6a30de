#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch::sidecar {

// What a script does next. Call, Finish, Exit and Hang end a turn of it.
struct Think {
  std::string text;
};
struct Say {
  std::string text;
};
struct ShowPlan {
  Json entries;  ///< As the `plan` update of the protocol has them.
};
struct SendUpdate {
  Json update;  ///< A `session/update` as it is.
};
struct SendRaw {
  std::string line;  ///< Anything at all, for tests of what must not happen.
};
struct CallTool {
  std::string tool;
  Json arguments;
};
struct Finish {
  std::string stop_reason = "end_turn";
};
struct Exit {
  int code = 0;
};
struct Hang {};
using Action =
    std::variant<Think, Say, ShowPlan, SendUpdate, SendRaw, CallTool, Finish, Exit, Hang>;

struct ToolAnswer {
  std::string text;
  bool is_error = false;
};

/// What the scripted sidecar does with one prompt: rules or a transcript. Pure.
class Script {
 public:
  virtual ~Script() = default;
  /// The next actions; `answer` is that to the last CallTool, none at the beginning.
  virtual std::vector<Action> Next(const std::optional<ToolAnswer>& answer) = 0;
};

}  // namespace midwatch::sidecar
