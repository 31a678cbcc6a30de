#include "controller/cli/kind_target.h"

#include <algorithm>
#include <array>

#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

struct Names {
  std::string_view kind;
  std::string_view plural;
  std::string_view short_name;
};
constexpr std::array kNames = {Names{"modulejob", "modulejobs", "mj"},
                               Names{"dispatch", "dispatches", "dp"}, Names{"run", "runs", "run"},
                               Names{"report", "reports", "rep"}};

}  // namespace

Result<std::string> KindOf(const KindAndName& target, const std::vector<std::string>& kinds) {
  if (target.kind.empty()) {
    return kinds.front();
  }
  const std::string lower = ToLower(target.kind);
  const std::string said = lower.substr(0, lower.find('.'));
  for (const Names& names : kNames) {
    const bool named = said == names.kind || said == names.plural || said == names.short_name;
    if (named && std::find(kinds.begin(), kinds.end(), names.kind) != kinds.end()) {
      return std::string(names.kind);
    }
  }
  std::vector<std::string> forms;
  for (const std::string& kind : kinds) {
    forms.push_back(kind + "/NAME");
  }
  return Fail(ErrorCode::kInvalid,
              Quote(target.kind + "/" + target.name) + ": expected " + Join(forms, " or "));
}

}  // namespace midwatch::cli
