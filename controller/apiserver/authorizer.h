#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "controller/apiserver/identity.h"
#include "controller/apiserver/requests.h"
#include "controller/base/result.h"

namespace midwatch::apiserver {

/// What a rule demands beside verb and resource.
enum class Ownership : std::uint8_t {
  kByField,     ///< A field of the object names the Agent; lists and watches must select it.
  kByInstance,  ///< The object has the name of an AgentInstance of the Agent.
};

/// One thing that an Agent's identity may do in its own namespace. What no row allows is refused,
/// reading included.
struct AgentRule {
  std::string_view resource;     ///< `runs.midwatch.dev`
  std::string_view subresource;  ///< Empty or `status`.
  std::string_view verbs;        ///< Separated by spaces.
  Ownership ownership;
  std::string_view field;  ///< kByField: `spec.agentRef.name`.
};

/// The table: its AgentInstances, their Leases, its Runs and their status.
std::span<const AgentRule> AgentRules();

/// What is asked for, before any object is looked at.
struct Attributes {
  std::string_view verb;
  const Target& target;
};

/// The rule that lets the identity try; nullptr for an administrator, who may do everything.
/// kForbidden (kUnauthorized for nobody) in Kubernetes' wording otherwise.
Result<const AgentRule*> Authorize(const Identity& identity, const Attributes& asked);

/// True if the rule covers this object of the identity: the field has the Agent's name.
bool Owns(const AgentRule& rule, const Identity& identity, const Json& object);

/// The refusal: `runs.midwatch.dev "x" is forbidden: User "…" cannot get resource "runs" …`.
Error ForbiddenError(const Identity& identity, const Attributes& asked, std::string_view why = {});

/// Paths that are no resources: health and version are for everybody, discovery and OpenAPI for who
/// has a token, the rest for administrators.
Result<void> AuthorizePath(const Identity& identity, std::string_view verb, std::string_view path);

}  // namespace midwatch::apiserver
