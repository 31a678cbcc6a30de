#include "controller/sim/model.h"

#include <utility>

#include "controller/api/codec.h"
#include "controller/api/core.h"
#include "controller/api/names.h"
#include "controller/base/check.h"
#include "controller/sim/virtual_git.h"

namespace midwatch::sim {
namespace {

/// A poison object (f21) counts as absent.
template <typename T>
void Put(std::map<std::string, T>& into, const Object& object, bool deleted) {
  Result<T> typed = api::FromObject<T>(object);
  std::string path = PathOf(object.meta());
  if (deleted || !typed) {
    into.erase(path);
  } else {
    into.insert_or_assign(std::move(path), *std::move(typed));
  }
}

template <typename T>
void PutMission(std::map<std::string, ModelMission>& into, api::MissionKind kind,
                const Object& object, bool deleted) {
  Result<T> typed = api::FromObject<T>(object);
  const std::string key = std::string(api::ToString(kind)) + "|" + PathOf(object.meta());
  if (deleted || !typed) {
    into.erase(key);
  } else {
    into.insert_or_assign(key,
                          ModelMission{kind, std::move(typed->metadata), std::move(typed->spec)});
  }
}

}  // namespace

std::string PathOf(const ObjectMeta& meta) {
  return meta.namespace_name.empty() ? meta.name : meta.namespace_name + "/" + meta.name;
}

std::string ModelMission::Id() const {
  const auto id = metadata.annotations.find(api::annotations::kId);
  return id == metadata.annotations.end() ? metadata.uid : id->second;
}

std::string ModelDeclarable::Owner() const {
  const auto identity = metadata.annotations.find(api::annotations::kSourceIdentity);
  return identity == metadata.annotations.end() ? "" : identity->second;
}

std::string ModelDeclarable::Mark() const {
  const auto mark = metadata.annotations.find(VirtualFile::kMark);
  return mark == metadata.annotations.end() ? "" : mark->second;
}

void Model::Apply(const JournalRow& row) {
  const std::string& resource = row.key.resource;
  const bool is_lock = row.key.name.starts_with("lock-");
  if (resource == "leases.coordination.k8s.io" && !is_lock) {
    return;  // Heartbeats.
  }
  if (resource == "events" || resource == "configmaps" || resource == "secrets") {
    return;
  }
  Result<Object> parsed = Object::Parse(row.bytes);
  MIDWATCH_CHECK(parsed.has_value());
  const Object& object = *parsed;
  ApplyDeclarable(row, object);
  using api::MissionKind;
  if (is_lock) {
    Put(locks, object, row.deleted);
  } else if (resource == "namespaces") {
    const auto stack = object.meta().labels.find(api::labels::kStack);
    stacks.erase(object.name());
    if (!row.deleted && stack != object.meta().labels.end()) {
      stacks[object.name()] = stack->second;
    }
  } else if (object.kind() == "Agent") {
    Put(agents, object, row.deleted);
  } else if (object.kind() == "AgentAssignment") {
    Put(assignments, object, row.deleted);
  } else if (object.kind() == "AgentInstance") {
    Put(instances, object, row.deleted);
  } else if (object.kind() == "Dispatch") {
    Put(dispatches, object, row.deleted);
  } else if (object.kind() == "ModuleJob") {
    Put(jobs, object, row.deleted);
  } else if (object.kind() == "Run") {
    Put(runs, object, row.deleted);
  } else if (object.kind() == "GitSource") {
    Put(git_sources, object, row.deleted);
  } else if (object.kind() == "Report") {
    Put(reports, object, row.deleted);
  } else if (object.kind() == "OrganizationMission") {
    PutMission<api::OrganizationMission>(missions, MissionKind::kOrganizationMission, object,
                                         row.deleted);
  } else if (object.kind() == "StackMission") {
    PutMission<api::StackMission>(missions, MissionKind::kStackMission, object, row.deleted);
  } else if (object.kind() == "NamespaceMission") {
    PutMission<api::NamespaceMission>(missions, MissionKind::kNamespaceMission, object,
                                      row.deleted);
  } else if (object.kind() == "ModuleMission") {
    PutMission<api::ModuleMission>(missions, MissionKind::kModuleMission, object, row.deleted);
  }
}

void Model::ApplyDeclarable(const JournalRow& row, const Object& object) {
  const std::string& kind = object.kind();
  const bool mission = kind.ends_with("Mission");
  if (!mission && kind != "Module" && kind != "AgentAssignment") {
    return;
  }
  if (row.deleted) {
    declarables.erase(row.key);
    return;
  }
  const Json body = object.Body();
  const Json& spec = body.At("spec");
  declarables[row.key] = {object.meta(),
                          mission ? (spec.At("isDisabled").AsBool() ? "disabled" : "enabled")
                          : kind == "Module" ? spec.At("displayName").AsString()
                                             : spec.At("agentRef", "name").AsString()};
}

bool Model::Covers(const ModelMission& mission, const api::ModuleJob& job,
                   api::MissionType type) const {
  if (mission.spec.mission_type != type || mission.spec.is_disabled ||
      mission.metadata.IsBeingDeleted()) {
    return false;
  }
  const std::string& space = job.metadata.namespace_name;
  switch (mission.kind) {
    case api::MissionKind::kOrganizationMission:
      return true;
    case api::MissionKind::kStackMission: {
      const auto stack = stacks.find(space);
      return stack != stacks.end() && mission.spec.stack_ref &&
             mission.spec.stack_ref->name == stack->second;
    }
    case api::MissionKind::kNamespaceMission:
      return mission.metadata.namespace_name == space;
    case api::MissionKind::kModuleMission:
      return mission.metadata.namespace_name == space && mission.spec.module_ref &&
             mission.spec.module_ref->name == job.spec.module_ref.name;
  }
  return false;
}

bool Model::Grants(const api::AgentAssignment& assignment, const std::string& stack,
                   const std::string& namespace_name, const std::string& module) {
  const api::AgentAssignmentSpec& spec = assignment.spec;
  if (assignment.metadata.IsBeingDeleted()) {
    return false;
  }
  return spec.organization || (spec.stack_ref && !stack.empty() && spec.stack_ref->name == stack) ||
         (spec.namespace_ref && spec.namespace_ref->name == namespace_name) ||
         (spec.module_ref && spec.module_ref->namespace_name == namespace_name &&
          spec.module_ref->name == module);
}

bool Model::Authorised(const api::Agent& agent, const std::string& namespace_name,
                       const std::string& module) const {
  if (agent.spec.assigned_to_all_modules) {
    return true;
  }
  const auto stack = stacks.find(namespace_name);
  const std::string joined = stack == stacks.end() ? std::string() : stack->second;
  for (const auto& [path, assignment] : assignments) {
    if (assignment.metadata.namespace_name == agent.metadata.namespace_name &&
        assignment.spec.agent_ref.name == agent.metadata.name &&
        Grants(assignment, joined, namespace_name, module)) {
      return true;
    }
  }
  return false;
}

std::optional<api::MissionType> FiredBy(api::JobState state) {
  switch (state) {
    case api::JobState::kFailed:
      return api::MissionType::kAutoDiagnose;
    case api::JobState::kApprovalRequired:
      return api::MissionType::kApprovalRecommend;
    case api::JobState::kSucceeded:
      return api::MissionType::kSummarizeJob;
    case api::JobState::kRunning:
    case api::JobState::kCancelled:
      break;
  }
  return std::nullopt;
}

bool IsTerminal(api::DispatchPhase phase) {
  return phase == api::DispatchPhase::kSucceeded || phase == api::DispatchPhase::kFailed ||
         phase == api::DispatchPhase::kCancelled;
}

}  // namespace midwatch::sim
