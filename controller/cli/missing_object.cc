#include "controller/cli/missing_object.h"

#include <algorithm>
#include <vector>

#include "controller/base/text.h"
#include "controller/cli/object_reference.h"

namespace midwatch::cli {
namespace {

constexpr std::int64_t kMostLookedAt = 500;

std::vector<Object> FirstOf(const ResourceType& type, const std::string& space, std::string fields,
                            ApiSession& session) {
  const auto page = session.ListPage({.type = type,
                                      .namespace_name = space,
                                      .label_selector = {},
                                      .field_selector = std::move(fields),
                                      .limit = kMostLookedAt,
                                      .continue_token = {},
                                      .resource_version = {}});
  return page ? page->items : std::vector<Object>();
}

std::string WhereItIs(const ResourceType& type, const std::string& name, ApiSession& session) {
  const std::vector<Object> elsewhere =
      type.namespaced ? FirstOf(type, {}, "metadata.name=" + name, session) : std::vector<Object>();
  if (!elsewhere.empty()) {
    return "there is one in namespace " + elsewhere.front().namespace_name() + ": add -n " +
           elsewhere.front().namespace_name();
  }
  const std::string space = type.namespaced ? session.namespace_name() : std::string();
  const std::vector<Object> others = FirstOf(type, space, {}, session);
  std::vector<std::string_view> names;
  for (const Object& object : others) {
    names.push_back(object.name());
  }
  const auto longer = std::find_if(names.begin(), names.end(), [&](std::string_view one) {
    return !name.empty() && one.starts_with(name);
  });
  const auto near = longer != names.end() ? std::optional(*longer) : NearestWord(name, names);
  if (near) {
    return "did you mean " + Quote(*near) + "?";
  }
  if (others.empty() && IsKindWord(space)) {
    return Quote(space) + " was taken for a namespace: a kind is expected to be " +
           ToLower(type.kind);
  }
  return "midwatch get " + type.plural + (type.namespaced ? " -A" : "") + " lists those that exist";
}

}  // namespace

std::string HintForObject(const Error& error, const ResourceType& type, const std::string& name,
                          ApiSession& session) {
  return error.code == ErrorCode::kNotFound ? WhereItIs(type, name, session) : HintFor(error);
}

int RefuseObject(const Error& error, const ResourceType& type, const std::string& name,
                 Context& context, ApiSession& session) {
  return context.Refuse(ExitCodeOf(error.code), Harmless(error.message),
                        HintForObject(error, type, name, session));
}

std::optional<api::Dispatch> FindDispatchInstead(const Error& error, const std::string& name,
                                                 ApiSession& session) {
  if (error.code != ErrorCode::kNotFound) {
    return std::nullopt;
  }
  const auto dispatch = session.GetAs<api::Dispatch>(session.namespace_name(), name);
  return dispatch ? std::optional(*dispatch) : std::nullopt;
}

}  // namespace midwatch::cli
