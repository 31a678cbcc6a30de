#include "controller/cli/declaring_source.h"

#include "controller/api/git_source.h"
#include "controller/api/names.h"
#include "controller/cli/style.h"

namespace midwatch::cli {

std::string WhoDeclares(const Object& object, ApiSession& session) {
  const auto& annotations = object.meta().annotations;
  const auto said = [&](std::string_view name) {
    const auto found = annotations.find(name);
    return found == annotations.end() ? std::string() : found->second;
  };
  const auto key = ParseNamespacedKey(said(api::annotations::kSourceIdentity));
  if (!key) {
    return {};
  }
  const auto source = session.GetAs<api::GitSource>(key->namespace_name, key->name);
  if (source ? source->spec.suspend : source.error().code == ErrorCode::kNotFound) {
    return {};
  }
  return HarmlessLine("GitSource " + key->namespace_name + "/" + key->name + " declares it in " +
                      said(api::annotations::kSourceFile));
}

}  // namespace midwatch::cli
