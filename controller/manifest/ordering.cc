#include "controller/manifest/ordering.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>

namespace midwatch::manifest {
namespace {

struct KindStep {
  std::string_view resource;
  int step;
};

constexpr int kLast = 9;
constexpr std::array<KindStep, 22> kSteps = {{
    {"customresourcedefinitions.apiextensions.k8s.io", 0},
    {"namespaces", 1},
    {"secrets", 2},
    {"configmaps", 2},
    {"stacks.midwatch.dev", 3},
    {"modules.midwatch.dev", 3},
    {"approvalpolicies.midwatch.dev", 4},
    {"agents.midwatch.dev", 4},
    {"agentassignments.midwatch.dev", 5},
    {"organizationmissions.midwatch.dev", 6},
    {"stackmissions.midwatch.dev", 6},
    {"namespacemissions.midwatch.dev", 6},
    {"modulemissions.midwatch.dev", 6},
    {"missions.midwatch.dev", 6},
    {"notificationchannels.midwatch.dev", 7},
    {"eventsources.midwatch.dev", 7},
    {"gitsources.midwatch.dev", 7},
    {"modulejobs.midwatch.dev", 8},
    {"blueprints.midwatch.dev", 8},
    {"dispatches.midwatch.dev", 8},
    {"interventions.midwatch.dev", 8},
    {"reports.midwatch.dev", 8},
}};

}  // namespace

int WriteStep(const ResourceType& type) {
  const std::string resource = type.Resource();
  const auto found = std::find_if(kSteps.begin(), kSteps.end(),
                                  [&](const KindStep& row) { return row.resource == resource; });
  return found == kSteps.end() ? kLast : found->step;
}

bool WrittenBefore(const ResourceType& a_type, const ObjectKey& a, const ResourceType& b_type,
                   const ObjectKey& b) {
  const int a_step = WriteStep(a_type);
  const int b_step = WriteStep(b_type);
  return std::tie(a_step, a) < std::tie(b_step, b);
}

bool DeletionLosesData(const ResourceType& type) {
  constexpr std::array<std::string_view, 6> kHolders = {
      "customresourcedefinitions.apiextensions.k8s.io",
      "namespaces",
      "secrets",
      "modules.midwatch.dev",
      "missions.midwatch.dev",
      "modulejobs.midwatch.dev"};
  return std::find(kHolders.begin(), kHolders.end(), type.Resource()) != kHolders.end();
}

}  // namespace midwatch::manifest
