#include "controller/cli/declaring_source.h"

#include <vector>

#include "controller/api/git_source.h"
#include "controller/api/names.h"
#include "controller/base/text.h"
#include "controller/cli/style.h"

namespace midwatch::cli {

std::string WhoDeclares(const Object& object, ApiSession& session) {
  const auto& annotations = object.meta().annotations;
  const auto said = [&](std::string_view name) {
    const auto found = annotations.find(name);
    return found == annotations.end() ? std::string() : found->second;
  };
  const std::string identity = said(api::annotations::kSourceIdentity);
  const std::vector<std::string_view> parts = Split(identity, '/');
  if (parts.size() != 3) {
    return {};
  }
  const std::string space(parts[1]);
  const std::string name(parts[2]);
  const auto source = session.GetAs<api::GitSource>(space, name);
  if (source ? source->spec.suspend : source.error().code == ErrorCode::kNotFound) {
    return {};
  }
  return HarmlessLine("GitSource " + space + "/" + name + " declares it in " +
                      said(api::annotations::kSourceFile));
}

}  // namespace midwatch::cli
