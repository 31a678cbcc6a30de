#include "controller/api/embedded_document.h"

#include <algorithm>
#include <iterator>

#include "controller/base/check.h"

namespace midwatch::api {
namespace {

Json Parsed(const EmbeddedDocument& document) {
  auto parsed = ParseJson(document.json);
  MIDWATCH_CHECK(parsed.has_value());
  return *std::move(parsed);
}

}  // namespace

std::vector<Json> EmbeddedDefinitions() {
  std::vector<Json> out;
  for (const auto& group : {EmbeddedCoreCrds(), EmbeddedCrds()}) {
    std::transform(group.begin(), group.end(), std::back_inserter(out), Parsed);
  }
  return out;
}

Json Embedded(std::span<const EmbeddedDocument> documents, std::string_view name) {
  const auto found =
      std::find_if(documents.begin(), documents.end(),
                   [&](const EmbeddedDocument& document) { return document.name == name; });
  MIDWATCH_CHECK(found != documents.end());
  return Parsed(*found);
}

Json EmbeddedSchemaOf(const ResourceType& type) {
  const Json crd = Embedded(EmbeddedCrds(), type.Resource());
  return crd.At("spec", "versions").Items().front().At("schema", "openAPIV3Schema");
}

}  // namespace midwatch::api
