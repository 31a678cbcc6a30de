#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "controller/apiserver/http_query.h"
#include "controller/apiserver/identity.h"
#include "controller/apiserver/requests.h"
#include "controller/env/http_handler.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {

/// Reads a YAML document that is no JSON. Given from outside: the API server itself knows JSON
/// only.
using YamlReader = std::function<Result<ParsedJson>(std::string_view)>;

/// What reads the YAML of this caller: of an Agent, whose process sends JSON, nothing. It takes ten
/// times as long, and an io thread.
const YamlReader& YamlOf(const Identity& identity, const YamlReader& yaml);

/// The object in a request body, by its content type: JSON (also without a type), YAML, or protobuf
/// for core kinds. kUnsupportedMediaType, kBadRequest, kTooLarge otherwise.
Result<ParsedJson> ReadBody(const HttpRequest& request, const YamlReader& yaml);

/// The patch in a request, and of which type, by its content type.
Result<PatchBody> ReadPatch(const HttpRequest& request, const HttpQuery& query,
                            const ResourceInfo& resource, const YamlReader& yaml);

/// Manager, validation and dry run of a write. The manager is the User-Agent up to its first `/`
/// where none is given.
Result<WriteOptions> ReadWriteOptions(const HttpRequest& request, const HttpQuery& query);

/// DeleteOptions of the body, where there is one, over those of the query. `dry_run` is set if
/// either asks for it.
Result<DeleteBody> ReadDelete(const HttpRequest& request, const HttpQuery& query,
                              const YamlReader& yaml, bool& dry_run);

}  // namespace midwatch::apiserver
