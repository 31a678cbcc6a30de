#include "controller/manifest/server_fields.h"

#include <array>
#include <string_view>

namespace midwatch::manifest {

void DropServerFields(Json& object, bool has_status) {
  constexpr std::array<std::string_view, 8> kMetadata = {
      "uid",      "resourceVersion",   "generation",    "creationTimestamp",
      "selfLink", "deletionTimestamp", "managedFields", "deletionGracePeriodSeconds"};
  constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
  if (has_status) {
    object.Erase("status");
  }
  Json* metadata = object.FindMutable("metadata");
  if (metadata == nullptr || !metadata->IsObject()) {
    return;
  }
  for (const std::string_view field : kMetadata) {
    metadata->Erase(field);
  }
  Json* annotations = metadata->FindMutable("annotations");
  if (annotations != nullptr && annotations->Erase(kLastApplied) &&
      annotations->Members().empty()) {
    metadata->Erase("annotations");
  }
}

bool IsSecret(const Json& object) {
  return object.At("apiVersion").AsString() == "v1" && object.At("kind").AsString() == "Secret";
}

}  // namespace midwatch::manifest
