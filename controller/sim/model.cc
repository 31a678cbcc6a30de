#include "controller/sim/model.h"

#include <utility>

#include "controller/api/codec.h"
#include "controller/api/core.h"
#include "controller/api/names.h"
#include "controller/base/check.h"
#include "controller/sim/virtual_git.h"

namespace midwatch::sim {
namespace {

std::string PathOf(const Json& body) {
  const std::string& space = body.At("metadata", "namespace").AsString();
  const std::string& name = body.At("metadata", "name").AsString();
  return space.empty() ? name : space + "/" + name;
}

/// A poison object (f21) counts as absent.
template <typename T>
void Put(std::map<std::string, T>& into, const Json& body, bool deleted) {
  Result<T> typed = api::FromBody<T>(body);
  std::string path = PathOf(body);
  if (deleted || !typed) {
    into.erase(path);
  } else {
    into.insert_or_assign(std::move(path), *std::move(typed));
  }
}

template <typename T>
void PutMission(std::map<std::string, ModelMission>& into, api::MissionKind kind, const Json& body,
                bool deleted) {
  Result<T> typed = api::FromBody<T>(body);
  const std::string key = std::string(api::ToString(kind)) + "|" + PathOf(body);
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
  const Result<Json> parsed = ParseJson(row.bytes);
  MIDWATCH_CHECK(parsed.has_value());
  const Json& object = *parsed;
  const std::string& kind = object.At("kind").AsString();
  ApplyDeclarable(row, object);
  using api::MissionKind;
  if (is_lock) {
    Put(locks, object, row.deleted);
  } else if (resource == "namespaces") {
    const Json* stack = object.At("metadata", "labels").Find(api::labels::kStack);
    stacks.erase(row.key.name);
    if (!row.deleted && stack != nullptr) {
      stacks[row.key.name] = stack->AsString();
    }
  } else if (kind == "Agent") {
    Put(agents, object, row.deleted);
  } else if (kind == "AgentAssignment") {
    Put(assignments, object, row.deleted);
  } else if (kind == "AgentInstance") {
    Put(instances, object, row.deleted);
  } else if (kind == "Dispatch") {
    Put(dispatches, object, row.deleted);
  } else if (kind == "ModuleJob") {
    Put(jobs, object, row.deleted);
  } else if (kind == "Run") {
    Put(runs, object, row.deleted);
  } else if (kind == "GitSource") {
    Put(git_sources, object, row.deleted);
  } else if (kind == "Report") {
    Put(reports, object, row.deleted);
  } else if (kind == "OrganizationMission") {
    PutMission<api::OrganizationMission>(missions, MissionKind::kOrganizationMission, object,
                                         row.deleted);
  } else if (kind == "StackMission") {
    PutMission<api::StackMission>(missions, MissionKind::kStackMission, object, row.deleted);
  } else if (kind == "NamespaceMission") {
    PutMission<api::NamespaceMission>(missions, MissionKind::kNamespaceMission, object,
                                      row.deleted);
  } else if (kind == "ModuleMission") {
    PutMission<api::ModuleMission>(missions, MissionKind::kModuleMission, object, row.deleted);
  }
}

void Model::ApplyDeclarable(const JournalRow& row, const Json& body) {
  const std::string& kind = body.At("kind").AsString();
  const bool mission = kind.ends_with("Mission");
  if (!mission && kind != "Module" && kind != "AgentAssignment") {
    return;
  }
  if (row.deleted) {
    declarables.erase(row.key);
    return;
  }
  const Result<ObjectMeta> metadata = ParseObjectMeta(body.At("metadata"));
  MIDWATCH_CHECK(metadata.has_value());
  const Json& spec = body.At("spec");
  declarables[row.key] = {*metadata, mission
                                         ? (spec.At("isDisabled").AsBool() ? "disabled" : "enabled")
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
