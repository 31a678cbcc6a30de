#include "controller/reconcilers/status/status_reconciler.h"

#include <utility>

#include "controller/api/core.h"
#include "controller/api/module.h"
#include "controller/api/names.h"
#include "controller/api/stack.h"
#include "controller/base/text.h"
#include "controller/reconcilers/scope/scope.h"
#include "controller/reconcilers/scope/typed_view.h"
#include "controller/reconcilers/status/status_plan.h"

namespace midwatch::status {
namespace {

constexpr std::string_view kInstances = "status-instances-by-agent";

/// What an object refers to: `Kind|namespace/name` of each, the name of an index value.
constexpr std::string_view kReferrers = "referrers";

std::string Referent(std::string_view kind, std::string_view space, std::string_view name) {
  return std::string(kind) + "|" + std::string(space) + "/" + std::string(name);
}

std::string IndexName(const ResourceType& type) {
  return std::string(kReferrers) + "-" + type.plural;
}

std::vector<std::string> ReferentsOfAssignment(const Object& object) {
  const auto* typed = api::PeekObject<api::AgentAssignment>(object);
  if (!typed) {
    return {};
  }
  const api::AgentAssignmentSpec& spec = typed->spec;
  std::vector<std::string> out = {Referent("Agent", object.namespace_name(), spec.agent_ref.name)};
  if (spec.stack_ref) {
    out.push_back(Referent("Stack", "", spec.stack_ref->name));
  }
  if (spec.namespace_ref) {
    out.push_back(Referent("Namespace", "", spec.namespace_ref->name));
  }
  if (spec.module_ref) {
    out.push_back(Referent("Module", spec.module_ref->namespace_name, spec.module_ref->name));
  }
  return out;
}

std::vector<std::string> ReferentsOfMission(const Object& object) {
  const auto mission = ToScopedMission(object);
  if (!mission) {
    return {};
  }
  const api::MissionSpec& spec = mission->spec;
  std::vector<std::string> out = {
      Referent("Agent", spec.agent_ref.namespace_name, spec.agent_ref.name)};
  if (spec.stack_ref) {
    out.push_back(Referent("Stack", "", spec.stack_ref->name));
  }
  if (spec.module_ref) {
    out.push_back(Referent("Module", object.namespace_name(), spec.module_ref->name));
  }
  return out;
}

/// What the object refers to, but for its Agent, and is not seen: `Stack "shop"`; empty if all is.
std::string MissingScope(const View& view, const std::vector<std::string>& referents) {
  for (const std::string& referent : referents) {
    const std::size_t bar = referent.find('|');
    const std::size_t slash = referent.find('/', bar);
    const std::string kind = referent.substr(0, bar);
    const std::string space = referent.substr(bar + 1, slash - bar - 1);
    const std::string name = referent.substr(slash + 1);
    const bool missing = (kind == "Stack" && !view.Find(TypedKey<api::Stack>({}, name))) ||
                         (kind == "Namespace" && !view.Find(TypedKey<api::Namespace>({}, name))) ||
                         (kind == "Module" && !view.Find(TypedKey<api::Module>(space, name)));
    if (missing) {
      return kind + " " + Quote(space.empty() ? name : space + "/" + name);
    }
  }
  return {};
}

template <typename T>
void AddStatus(const Object& stored, const T& typed, const decltype(T::status)& wanted,
               Plan& plan) {
  if (wanted == typed.status) {
    return;
  }
  UpdateRequest update = StatusUpdate<T>(stored, wanted);
  update.field_manager = api::field_managers::kController;
  plan.effects.emplace_back(Write(std::move(update)));
}

Result<Plan> OfAgent(const Object& stored, const View& view, Now now) {
  MIDWATCH_ASSIGN(api::Agent agent, api::FromObject<api::Agent>(stored));
  const auto instances = DecodeAll<api::AgentInstance>(
      view.ByIndex(kInstances, stored.namespace_name() + "/" + stored.name()));
  const auto wanted = PlanAgent(agent, instances, now.wall);
  Plan plan;
  AddStatus(stored, agent, wanted, plan);
  return plan;
}

Result<Plan> OfAssignment(const Object& stored, const View& view, Now now) {
  MIDWATCH_ASSIGN(api::AgentAssignment typed, api::FromObject<api::AgentAssignment>(stored));
  const auto agent = TypedKey<api::Agent>(stored.namespace_name(), typed.spec.agent_ref.name);
  const std::string missing = MissingScope(view, ReferentsOfAssignment(stored));
  const auto wanted = PlanAssignment(typed, static_cast<bool>(view.Find(agent)), missing, now.wall);
  Plan plan;
  AddStatus(stored, typed, wanted, plan);
  return plan;
}

template <typename T>
Result<Plan> OfMission(const Object& stored, const View& view, Now now) {
  MIDWATCH_ASSIGN(T typed, api::FromObject<T>(stored));
  const api::NamespacedRef& agent = typed.spec.agent_ref;
  const MissionFacts facts{.generation = stored.meta().generation,
                           .agent_exists = static_cast<bool>(
                               view.Find(TypedKey<api::Agent>(agent.namespace_name, agent.name))),
                           .missing_scope = MissingScope(view, ReferentsOfMission(stored))};
  const auto wanted = PlanMission(typed.spec, typed.status, facts, now.wall);
  Plan plan;
  AddStatus(stored, typed, wanted, plan);
  return plan;
}

using Decide = Result<Plan> (*)(const Object&, const View&, Now);

/// The kinds, how each is decided, and what it refers to.
struct Row {
  ResourceType type;
  Decide decide;
  std::vector<std::string> (*referents)(const Object&);
};

std::vector<Row> Rows() {
  return {
      {api::Agent::Type(), OfAgent, nullptr},
      {api::AgentAssignment::Type(), OfAssignment, ReferentsOfAssignment},
      {api::OrganizationMission::Type(), OfMission<api::OrganizationMission>, ReferentsOfMission},
      {api::StackMission::Type(), OfMission<api::StackMission>, ReferentsOfMission},
      {api::NamespaceMission::Type(), OfMission<api::NamespaceMission>, ReferentsOfMission},
      {api::ModuleMission::Type(), OfMission<api::ModuleMission>, ReferentsOfMission},
  };
}

/// Objects of `referrer` that name the changed one, when it appears or goes away.
Trigger ByReferent(const ResourceType& source, const ResourceType& referrer) {
  return {source, [referrer](const Change& change, const View& view) {
            if (change.before && change.after) {
              return std::vector<ObjectKey>{};
            }
            const Object& object = change.after ? change.after : change.before;
            const std::string value =
                Referent(change.type.kind, object.namespace_name(), object.name());
            std::vector<ObjectKey> out;
            for (const Object& found : view.ByIndex(IndexName(referrer), value)) {
              out.push_back(KeyOf(referrer, found));
            }
            return out;
          }};
}

std::vector<std::string> AgentOfInstance(const Object& object) {
  const auto* typed = api::PeekObject<api::AgentInstance>(object);
  return typed ? std::vector{object.namespace_name() + "/" + typed->spec.agent_ref.name}
               : std::vector<std::string>{};
}

std::vector<ObjectKey> AgentKeyOfInstance(const Change& change, const View&) {
  const Object& object = change.after ? change.after : change.before;
  const auto* typed = api::PeekObject<api::AgentInstance>(object);
  return typed ? std::vector{TypedKey<api::Agent>(object.namespace_name(),
                                                  typed->spec.agent_ref.name)}
               : std::vector<ObjectKey>{};
}

}  // namespace

Result<Plan> StatusReconciler::Reconcile(const ObjectKey& key, const View& view, Now now) const {
  const Object stored = view.Find(key);
  if (!stored || stored.meta().IsBeingDeleted()) {
    return Plan{};
  }
  for (const Row& row : Rows()) {
    if (row.type.Resource() == key.resource) {
      return row.decide(stored, view, now);
    }
  }
  return Plan{};
}

std::vector<Controller> MakeControllers(const StatusReconciler& reconciler) {
  std::vector<Controller> out;
  for (const Row& row : Rows()) {
    Controller controller{
        .name = "status-" + ToLower(row.type.kind), .primary = row.type, .reconciler = &reconciler};
    if (row.referents == nullptr) {
      controller.triggers = {{api::AgentInstance::Type(), AgentKeyOfInstance}};
      controller.indexes = {
          {std::string(kInstances), api::AgentInstance::Type().Resource(), AgentOfInstance}};
    } else {
      controller.indexes = {{IndexName(row.type), row.type.Resource(), row.referents}};
      for (const ResourceType& source :
           {api::Agent::Type(), api::Stack::Type(), api::Namespace::Type(), api::Module::Type()}) {
        controller.triggers.push_back(ByReferent(source, row.type));
      }
    }
    out.push_back(std::move(controller));
  }
  return out;
}

std::vector<ResourceType> Resources() {
  std::vector<ResourceType> out = {api::AgentInstance::Type(), api::Stack::Type(),
                                   api::Namespace::Type(), api::Module::Type()};
  for (const Row& row : Rows()) {
    out.push_back(row.type);
  }
  return out;
}

}  // namespace midwatch::status
