#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "controller/api/embedded_crds.h"
#include "controller/object/json.h"
#include "controller/object/resource_type.h"

namespace midwatch::api {

/// The definitions of all kinds that are served: the core ones, then ours.
std::vector<Json> EmbeddedDefinitions();

/// The document of that name, which must be among them.
Json Embedded(std::span<const EmbeddedDocument> documents, std::string_view name);

/// The `openAPIV3Schema` of one of our kinds: what the API asks of its objects.
Json EmbeddedSchemaOf(const ResourceType& type);

}  // namespace midwatch::api
