#include "controller/agent/plan_secrets.h"

#include <set>

#include "controller/agent/secret_mask.h"

namespace midwatch::agent {
namespace {

/// Collects texts below a value as far as a mark beside it says `true`.
class Collector {
 public:
  void Add(const Json& value, const Json& mark) {
    if (mark.AsBool()) return AddAll(value);
    for (const Json::Member& member : mark.Members()) Add(value.At(member.name), member.value);
    const auto& marks = mark.Items();
    const auto& values = value.Items();
    for (std::size_t i = 0; i < marks.size() && i < values.size(); ++i) Add(values[i], marks[i]);
  }
  void AddChange(const Json& change) {
    Add(change.At("before"), change.At("before_sensitive"));
    Add(change.At("after"), change.At("after_sensitive"));
  }
  void AddState(const Json& state) {
    for (const Json::Member& output : state.At("outputs").Members()) {
      Add(output.value.At("value"), output.value.At("sensitive"));
    }
    AddModule(state.At("root_module"));
  }
  std::vector<std::string> Take() { return std::move(found_); }

 private:
  void AddModule(const Json& module) {
    for (const Json& resource : module.At("resources").Items()) {
      Add(resource.At("values"), resource.At("sensitive_values"));
    }
    for (const Json& child : module.At("child_modules").Items()) AddModule(child);
  }
  void AddAll(const Json& value) {
    if (value.AsString().size() >= SecretMask::kShortest &&
        known_.insert(value.AsString()).second) {
      found_.push_back(value.AsString());
    }
    for (const Json::Member& member : value.Members()) AddAll(member.value);
    for (const Json& item : value.Items()) AddAll(item);
  }

  std::vector<std::string> found_;
  std::set<std::string> known_;  // A state repeats what a change says.
};

}  // namespace

std::vector<std::string> SecretsOfPlan(const Json& plan) {
  Collector collector;
  for (const char* list : {"resource_changes", "resource_drift"}) {
    for (const Json& resource : plan.At(list).Items()) collector.AddChange(resource.At("change"));
  }
  for (const Json::Member& output : plan.At("output_changes").Members()) {
    collector.AddChange(output.value);
  }
  for (const Json::Member& variable :
       plan.At("configuration", "root_module", "variables").Members()) {
    collector.Add(plan.At("variables").At(variable.name, "value"), variable.value.At("sensitive"));
  }
  collector.AddState(plan.At("planned_values"));
  collector.AddState(plan.At("prior_state", "values"));
  return collector.Take();
}

}  // namespace midwatch::agent
