#include "controller/agent/plan_secrets.h"

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
  std::vector<std::string> Take() { return std::move(found_); }

 private:
  void AddAll(const Json& value) {
    if (found_.size() >= kMaxPlanSecrets) return;
    if (value.IsString()) found_.push_back(value.AsString());
    for (const Json::Member& member : value.Members()) AddAll(member.value);
    for (const Json& item : value.Items()) AddAll(item);
  }

  std::vector<std::string> found_;
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
  return collector.Take();
}

}  // namespace midwatch::agent
