#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/sidecar/script.h"

namespace midwatch::sidecar {

/// A recorded or invented session, one JSON object a line; lines that begin with `#` are comments:
///
///     {"think": TEXT}  {"say": TEXT}  {"update": UPDATE}  {"call": TOOL, "arguments": {…}}
///     {"raw": LINE}  {"flood": BYTES}  {"stop": REASON}  {"exit": CODE}  {"hang": true}
///
/// `flood` is one line of that many bytes. The end of the file is `{"stop": "end_turn"}`.
class Transcript final : public Script {
 public:
  /// kInvalid names the line. At most kMaxSteps.
  static Result<std::unique_ptr<Transcript>> Parse(std::string_view text);

  std::vector<Action> Next(const std::optional<ToolAnswer>& answer) override;

  static constexpr std::size_t kMaxSteps = 100'000;
  static constexpr std::int64_t kMaxFlood = std::int64_t{256} << 20;

 private:
  std::vector<Action> steps_;
  std::size_t next_ = 0;
};

}  // namespace midwatch::sidecar
