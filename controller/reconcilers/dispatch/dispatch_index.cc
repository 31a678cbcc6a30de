#include "controller/reconcilers/dispatch/dispatch_index.h"

#include <array>
#include <cstdio>

#include "controller/api/agent_assignment.h"
#include "controller/api/agent_instance.h"
#include "controller/api/reasons.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::dispatch {
namespace {

std::string Path(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) {
    out += out.empty() ? "" : "|";
    out += part;
  }
  return out;
}

/// Digits that sort downwards: the larger the number, the smaller the text.
std::string Descending(std::int64_t number) {
  std::array<char, 24> out{};
  std::snprintf(out.data(), out.size(), "%06lld", static_cast<long long>(100'000 - number));
  return out.data();
}

/// A timestamp that sorts downwards: the later, the smaller.
std::string NewestFirst(std::string timestamp) {
  for (char& c : timestamp) {
    c = c >= '0' && c <= '9' ? static_cast<char>('0' + ('9' - c)) : c;
  }
  return timestamp;
}

std::vector<std::string> WaitingValues(const api::Dispatch& dispatch) {
  const std::string agent = AgentOf(dispatch);
  const std::string& space = dispatch.metadata.namespace_name;
  const std::string& job = dispatch.spec.module_job_ref.name;
  std::vector<std::string> out = {
      value::WaitingFor(agent),
      value::WaitingForIn(agent, space),
      value::WaitingIn(space),
      value::WaitingForLock(space, LockName(job, dispatch.spec.mission_type)),
      value::WaitingWith(agent, dispatch.status.reason),
  };
  if (dispatch.spec.module_ref) {
    out.push_back(value::WaitingFor(agent, space, dispatch.spec.module_ref->name));
  }
  if (dispatch.status.reason == api::dispatch_reason::kAtCapacity) {
    out.push_back(value::WaitingForSlot(agent, dispatch.spec.sidecar_name) + Rank(dispatch));
  }
  return out;
}

std::vector<std::string> ValuesOf(const Object& object) {
  const auto* dispatch = api::PeekObject<api::Dispatch>(object);
  if (!dispatch || IsTerminal(dispatch->status.phase)) {
    return {};
  }
  std::vector<std::string> out;
  if (IsActive(dispatch->status.phase)) {
    const std::string space =
        dispatch->status.agent_ref.value_or(dispatch->spec.agent_ref).namespace_name;
    out.push_back(value::On(space, dispatch->status.instance));
  } else {
    out = WaitingValues(*dispatch);
  }
  out.push_back(value::OfJob(object.namespace_name(), dispatch->spec.module_job_ref.name));
  if (dispatch->spec.mission_ref) {
    out.push_back(value::OfMission(MissionKey(*dispatch->spec.mission_ref)));
  }
  return out;
}

template <typename T>
std::vector<std::string> AgentOfObject(const Object& object) {
  const auto* typed = api::PeekObject<T>(object);
  return typed ? std::vector{object.namespace_name() + "/" + typed->spec.agent_ref.name}
               : std::vector<std::string>{};
}

std::vector<std::string> DispatchOfRun(const Object& object) {
  const auto* run = api::PeekObject<api::Run>(object);
  return run ? std::vector{run->spec.dispatch_ref.uid} : std::vector<std::string>{};
}

std::vector<std::string> ModuleOfJob(const Object& object) {
  const auto* job = api::PeekObject<api::ModuleJob>(object);
  if (!job) {
    return {};
  }
  return {value::JobsOf(object.namespace_name(), job->spec.module_ref.name) +
          NewestFirst(job->metadata.creation_timestamp)};
}

}  // namespace

namespace value {

std::string OfMission(const ObjectKey& mission) { return Path({"mission", mission.ToString()}); }
std::string OfJob(std::string_view space, std::string_view job) {
  return Path({"job", space, job});
}
std::string WaitingFor(std::string_view agent) { return Path({"agent", agent}); }
std::string WaitingFor(std::string_view agent, std::string_view space, std::string_view module) {
  return Path({"agent", agent, "module", space, module});
}
std::string WaitingForIn(std::string_view agent, std::string_view space) {
  return Path({"agent", agent, "namespace", space});
}
std::string WaitingWith(std::string_view agent, std::string_view reason) {
  return Path({"agent", agent, "reason", reason});
}
std::string WaitingIn(std::string_view space) { return Path({"namespace", space}); }
std::string WaitingForLock(std::string_view space, std::string_view lock) {
  return Path({"lock", space, lock});
}
std::string WaitingForSlot(std::string_view agent, std::string_view sidecar) {
  return Path({"slot", agent, sidecar, ""});
}
std::string On(std::string_view agent_namespace, std::string_view instance) {
  return Path({"instance", agent_namespace, instance});
}
std::string JobsOf(std::string_view space, std::string_view module) {
  return Path({"module", space, module, ""});
}

}  // namespace value

std::vector<IndexDefinition> IndexDefinitions() {
  const auto named = [](std::string_view name, const ResourceType& type, auto values) {
    return IndexDefinition{std::string(name), type.Resource(), values};
  };
  return {
      named(kIndex, api::Dispatch::Type(), ValuesOf),
      named(kRunsByDispatch, api::Run::Type(), DispatchOfRun),
      named(kInstancesByAgent, api::AgentInstance::Type(), AgentOfObject<api::AgentInstance>),
      named(kAssignmentsByAgent, api::AgentAssignment::Type(), AgentOfObject<api::AgentAssignment>),
      named(kJobsByModule, api::ModuleJob::Type(), ModuleOfJob)};
}

std::string Rank(const api::Dispatch& dispatch) {
  return Descending(dispatch.spec.priority) + "|" + dispatch.metadata.creation_timestamp + "|" +
         dispatch.metadata.namespace_name + "/" + dispatch.metadata.name;
}

std::string AgentOf(const api::Dispatch& dispatch) {
  const api::NamespacedRef& agent = dispatch.spec.agent_ref;
  return agent.namespace_name + "/" + agent.name;
}

}  // namespace midwatch::dispatch
