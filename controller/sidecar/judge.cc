#include "controller/sidecar/judge.h"

#include <algorithm>
#include <array>

namespace midwatch::sidecar {
namespace {

struct StateVerb {
  std::string_view state;
  std::string_view verb;
};
constexpr std::array kStateVerbs = {
    StateVerb{"Running", "is still running"}, StateVerb{"ApprovalRequired", "waits for approval"},
    StateVerb{"Succeeded", "succeeded"}, StateVerb{"Failed", "failed"},
    StateVerb{"Cancelled", "was cancelled"}};

}  // namespace

std::string OutcomeOf(const Facts& facts) {
  const Json& job = facts.job.At("job");
  const std::string& state = job.At("state").AsString();
  const auto found = std::find_if(kStateVerbs.begin(), kStateVerbs.end(),
                                  [&](const StateVerb& row) { return row.state == state; });
  const std::string verb(found == kStateVerbs.end() ? "is in state " + state : found->verb);
  const Json& code = job.At("exitCode");
  return verb + (code.IsInt() ? ", with exit code " + code.Dump() : "");
}

bool IsElsewhere(const Facts& facts, std::string_view state) {
  return facts.job.At("job", "state").AsString() != state;
}

}  // namespace midwatch::sidecar
