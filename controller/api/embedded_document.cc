#include "controller/api/embedded_document.h"

#include <algorithm>

#include "controller/base/check.h"

namespace midwatch::api {

Json Embedded(std::span<const EmbeddedDocument> documents, std::string_view name) {
  const auto found =
      std::find_if(documents.begin(), documents.end(),
                   [&](const EmbeddedDocument& document) { return document.name == name; });
  MIDWATCH_CHECK(found != documents.end());
  auto parsed = ParseJson(found->json);
  MIDWATCH_CHECK(parsed.has_value());
  return *std::move(parsed);
}

Json EmbeddedSchemaOf(const ResourceType& type) {
  const Json crd = Embedded(EmbeddedCrds(), type.Resource());
  return crd.At("spec", "versions").Items().front().At("schema", "openAPIV3Schema");
}

}  // namespace midwatch::api
