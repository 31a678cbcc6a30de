#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "controller/apiserver/identity.h"
#include "controller/apiserver/requests.h"
#include "controller/base/result.h"

namespace midwatch::apiserver {

/// One thing that an Agent's identity may do in its own namespace, with objects that name the
/// Agent. What no row allows is refused, reading included.
struct AgentRule {
  std::string_view resource;     ///< `runs.midwatch.dev`
  std::string_view subresource;  ///< Empty or `status`.
  std::string_view verbs;        ///< Separated by spaces. Lists and watches must select the field.
  std::string_view field;        ///< What names the Agent: `spec.agentRef.name`, of the object, or
  std::string_view via;          ///< of the one of the same name of this resource, unless empty.
  std::string_view own_name;     ///< A field that must have the object's own name, unless empty.
  bool named_by_agent = false;   ///< The Agent names it: not so that it gets in the way of a lock.
  std::size_t most = 0;          ///< Objects that an Agent may have; 0: no bound of their own.
};

/// A crashed process leaves one behind for an hour; an Agent has a few processes.
inline constexpr std::size_t kMaxInstancesPerAgent = 64;

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

/// True if the rule's field of this object has the Agent's name.
bool NamesAgent(const AgentRule& rule, const Identity& identity, const Json& object);
bool NamesAgent(const AgentRule& rule, const Identity& identity, const Version& object);
/// True if the rule lets an object of an Agent have its own name.
bool MayHaveName(const AgentRule& rule, const Json& object);

/// True if it has no finalizer and no owner that an Agent may not set, but for those it had. With a
/// resource `via`, the one of the same name there may own it, and owns it from its creation on:
/// what an Agent leaves behind goes with it.
bool MayBeHeld(const ResourceType* via, const Json* stored, const Json& wanted);

/// The refusal: `runs.midwatch.dev "x" is forbidden: User "…" cannot get resource "runs" …`.
Error ForbiddenError(const Identity& identity, const Attributes& asked, std::string_view why = {});

/// Paths that are no resources: health and version are for everybody, discovery and OpenAPI for who
/// has a token, the rest for administrators.
Result<void> AuthorizePath(const Identity& identity, std::string_view verb, std::string_view path);

}  // namespace midwatch::apiserver
