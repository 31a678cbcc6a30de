#include "controller/apiserver/authorizer.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "controller/apiserver/write_plan.h"
#include "controller/base/text.h"
#include "controller/object/name_rules.h"

namespace midwatch::apiserver {
namespace {

constexpr AgentRule kAgentRules[] = {
    {"agentinstances.midwatch.dev", "", "get list watch create update patch delete",
     "spec.agentRef.name", "", "", true, kMaxInstancesPerAgent},
    {"leases.coordination.k8s.io", "", "get create update patch delete", "spec.agentRef.name",
     "agentinstances.midwatch.dev", "spec.holderIdentity", true},
    {"runs.midwatch.dev", "", "get list watch", "spec.agentRef.name", "", ""},
    {"runs.midwatch.dev", "status", "get update patch", "spec.agentRef.name", "", ""},
};

constexpr std::string_view kOwnDomain = "midwatch.dev/";

/// Who may ask for a path and what is below it.
struct PathRule {
  std::string_view path;
  bool anonymous;  ///< Otherwise: everybody who has a token.
};
constexpr PathRule kPathRules[] = {
    {"/healthz", true}, {"/livez", true}, {"/readyz", true},   {"/version", true},
    {"/api", false},    {"/apis", false}, {"/openapi", false},
};

bool HasWord(std::string_view words, std::string_view word) {
  const auto all = Split(words, ' ');
  return std::find(all.begin(), all.end(), word) != all.end();
}

const std::string& TextAt(const Json& object, std::string_view path) {
  const Json* at = &object;
  for (const std::string_view name : Split(path, '.')) {
    at = &at->At(name);
  }
  return at->AsString();
}

bool Covers(std::string_view rule, std::string_view path) {
  return path.starts_with(rule) && (path.size() == rule.size() || path[rule.size()] == '/');
}

tl::unexpected<Error> Unauthorized() { return Fail(ErrorCode::kUnauthorized, "Unauthorized"); }

}  // namespace

std::span<const AgentRule> AgentRules() { return kAgentRules; }

Error ForbiddenError(const Identity& identity, const Attributes& asked, std::string_view why) {
  const ResourceType& type = asked.target.resource->type;
  const std::string& sub = asked.target.subresource;
  std::string text = type.Resource();
  if (!asked.target.name.empty()) {
    text += " " + Quote(asked.target.name);
  }
  text += " is forbidden: User " + Quote(identity.username) + " cannot " + std::string(asked.verb) +
          " resource " + Quote(sub.empty() ? type.plural : type.plural + "/" + sub) +
          " in API group " + Quote(type.group);
  text += asked.target.namespace_name.empty()
              ? " at the cluster scope"
              : " in the namespace " + Quote(asked.target.namespace_name);
  if (!why.empty()) {
    text += ": " + std::string(why);
  }
  Json details = Json::Of({{"kind", type.plural}});
  if (!type.group.empty()) {
    details.Set("group", type.group);
  }
  if (!asked.target.name.empty()) {
    details.Set("name", asked.target.name);
  }
  return {ErrorCode::kForbidden, std::move(text), details.Dump()};
}

Result<const AgentRule*> Authorize(const Identity& identity, const Attributes& asked) {
  if (identity.IsAdministrator()) {
    return nullptr;
  }
  if (identity.kind != Identity::Kind::kAgent) {
    return Unauthorized();
  }
  const Target& target = asked.target;
  const std::string resource = target.resource->type.Resource();
  for (const AgentRule& rule : kAgentRules) {
    if (rule.resource == resource && rule.subresource == target.subresource &&
        HasWord(rule.verbs, asked.verb) && target.namespace_name == identity.agent_namespace) {
      return &rule;
    }
  }
  return Fail(ForbiddenError(identity, asked));
}

bool NamesAgent(const AgentRule& rule, const Identity& identity, const Json& object) {
  return !identity.agent_name.empty() && TextAt(object, rule.field) == identity.agent_name;
}

bool NamesAgent(const AgentRule& rule, const Identity& identity, const Version& object) {
  const std::vector<SelectableField>& fields = object.resource().selectable;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == rule.field) {  // Read once for all who ask.
      return !identity.agent_name.empty() && object.SelectableValues()[i] == identity.agent_name;
    }
  }
  return NamesAgent(rule, identity, object.object().Body());
}

bool MayHaveName(const AgentRule& rule, const Json& object) {
  const std::string& name = object.At("metadata", "name").AsString();
  return !(rule.named_by_agent && name.starts_with(kLockPrefix)) &&
         (rule.own_name.empty() || TextAt(object, rule.own_name) == name);
}

bool MayBeHeld(const ResourceType* via, const Json* stored, const Json& wanted) {
  const auto all_new = [&](std::string_view field, const auto& fits) {
    const auto& has = wanted.At("metadata", field).Items();
    if (std::all_of(has.begin(), has.end(), fits)) {
      return true;  // As of nearly every write.
    }
    std::unordered_set<std::string> had;  // There may be tens of thousands.
    if (stored != nullptr) {
      for (const Json& item : stored->At("metadata", field).Items()) {
        had.insert(item.Dump());
      }
    }
    return std::all_of(has.begin(), has.end(),
                       [&](const Json& item) { return fits(item) || had.contains(item.Dump()); });
  };
  const auto finalizer_fits = [](const Json& finalizer) {
    const std::string& name = finalizer.AsString();
    return name.starts_with(kOwnDomain) || name == kForegroundFinalizer || name == kOrphanFinalizer;
  };
  const auto owner_fits = [&](const Json& owner) {
    return via != nullptr && owner.At("kind").AsString() == via->kind &&
           owner.At("apiVersion").AsString() == via->ApiVersion() &&
           owner.At("name") == wanted.At("metadata", "name");
  };
  const auto has_owner = [&](const Json& object) {
    const auto& owners = object.At("metadata", "ownerReferences").Items();
    return std::any_of(owners.begin(), owners.end(), owner_fits);
  };
  const bool must_have = via != nullptr && (stored == nullptr || has_owner(*stored));
  return all_new("finalizers", finalizer_fits) && all_new("ownerReferences", owner_fits) &&
         (!must_have || has_owner(wanted));
}

Result<void> AuthorizePath(const Identity& identity, std::string_view verb, std::string_view path) {
  if (identity.IsAdministrator()) {
    return {};
  }
  const bool reads = verb == "get" || verb == "head";
  const bool known = identity.kind == Identity::Kind::kAgent;
  for (const PathRule& rule : kPathRules) {
    if (reads && Covers(rule.path, path) && (rule.anonymous || known)) {
      return {};
    }
  }
  if (!known) {
    return Unauthorized();
  }
  if (reads && path == "/") {
    return {};
  }
  return Fail(ErrorCode::kForbidden, "forbidden: User " + Quote(identity.username) + " cannot " +
                                         std::string(verb) + " path " + Quote(path));
}

}  // namespace midwatch::apiserver
