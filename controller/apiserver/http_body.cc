#include "controller/apiserver/http_body.h"

#include <utility>

#include "controller/apiserver/http_accept.h"
#include "controller/apiserver/http_protobuf.h"
#include "controller/apiserver/status_errors.h"
#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

std::string TypeOf(const HttpRequest& request) {
  const auto ranges = ParseMediaRanges(request.Header("Content-Type"));
  return ranges.empty() ? "application/json" : ranges[0].type;
}

tl::unexpected<Error> UnknownFormat(std::string_view accepted) {
  return Fail(ErrorCode::kUnsupportedMediaType,
              "the body of the request was in an unknown format - accepted media types include: " +
                  std::string(accepted));
}

Result<ParsedJson> ReadYaml(std::string_view text, const YamlReader& yaml) {
  const std::string_view trimmed = Trim(text);
  // JSON is YAML, and what nearly every client sends under this type.
  if (trimmed.starts_with('{') || yaml == nullptr) {
    return ParseJson(text, JsonLimits{});
  }
  return yaml(text);
}

Result<bool> ReadDryRun(std::string_view options, bool present, const std::string& value) {
  if (!present || value.empty()) {
    return false;
  }
  if (value != "All") {
    return Fail(InvalidOptions(options, schema::NotSupported("dryRun", Json(value), {"All"})));
  }
  return true;
}

std::string ManagerOf(const HttpRequest& request, const HttpQuery& query) {
  if (const std::string& given = query.Get("fieldManager"); !given.empty()) {
    return given;
  }
  constexpr std::size_t kMaxManager = 128;
  const std::string_view agent = request.Header("User-Agent");
  return std::string(Utf8Prefix(agent.substr(0, agent.find('/')), kMaxManager));
}

std::string PolicyOf(const Json& options, const HttpQuery& query) {
  if (const Json* orphan = options.Find("orphanDependents");
      orphan != nullptr && orphan->IsBool()) {
    return orphan->AsBool() ? "Orphan" : "Background";
  }
  if (const std::string& policy = options.At("propagationPolicy").AsString(); !policy.empty()) {
    return policy;
  }
  if (query.Has("orphanDependents")) {
    return query.Flag("orphanDependents") ? "Orphan" : "Background";
  }
  return query.Get("propagationPolicy");
}

}  // namespace

const YamlReader& YamlOf(const Identity& identity, const YamlReader& yaml) {
  static const YamlReader kNone;
  return identity.IsAdministrator() ? yaml : kNone;
}

Result<ParsedJson> ReadBody(const HttpRequest& request, const YamlReader& yaml) {
  const std::string type = TypeOf(request);
  if (type == "application/json") {
    return ParseJson(request.body, JsonLimits{});
  }
  if (type == "application/yaml") {
    return ReadYaml(request.body, yaml);
  }
  if (type == kProtobuf) {
    MIDWATCH_ASSIGN(Json object, DecodeProtobuf(request.body));
    return ParsedJson{std::move(object), {}};
  }
  return UnknownFormat("application/json, application/yaml, application/vnd.kubernetes.protobuf");
}

Result<PatchBody> ReadPatch(const HttpRequest& request, const HttpQuery& query,
                            const ResourceInfo& resource, const YamlReader& yaml) {
  const std::string type = TypeOf(request);
  PatchBody patch;
  if (type == "application/merge-patch+json") {
    patch.type = PatchType::kMerge;
  } else if (type == "application/json-patch+json") {
    patch.type = PatchType::kJson;
  } else if (type == "application/apply-patch+yaml") {
    patch.type = PatchType::kApply;
  } else if (type == "application/strategic-merge-patch+json" && resource.builtin) {
    patch.type = PatchType::kStrategicMerge;
  } else {
    return UnknownFormat(
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml" +
        std::string(resource.builtin ? ", application/strategic-merge-patch+json" : ""));
  }
  patch.force = query.Flag("force");
  MIDWATCH_ASSIGN(ParsedJson parsed, patch.type == PatchType::kApply
                                         ? ReadYaml(request.body, yaml)
                                         : ParseJson(request.body, JsonLimits{}));
  patch.patch = std::move(parsed.value);
  patch.duplicates = std::move(parsed.duplicates);
  return patch;
}

Result<WriteOptions> ReadWriteOptions(const HttpRequest& request, const HttpQuery& query) {
  const std::string_view name = request.method == "POST"    ? "CreateOptions"
                                : request.method == "PATCH" ? "PatchOptions"
                                                            : "UpdateOptions";
  WriteOptions options;
  const bool applies = TypeOf(request) == "application/apply-patch+yaml";
  options.field_manager = applies ? query.Get("fieldManager") : ManagerOf(request, query);
  MIDWATCH_ASSIGN(options.dry_run, ReadDryRun(name, query.Has("dryRun"), query.Get("dryRun")));
  const std::string& validation = query.Get("fieldValidation");
  if (validation == "Strict") {
    options.field_validation = FieldValidation::kStrict;
  } else if (validation == "Ignore") {
    options.field_validation = FieldValidation::kIgnore;
  } else if (!validation.empty() && validation != "Warn") {
    return Fail(InvalidOptions(name, schema::NotSupported("fieldValidation", Json(validation),
                                                          {"", "Ignore", "Strict", "Warn"})));
  }
  return options;
}

Result<DeleteBody> ReadDelete(const HttpRequest& request, const HttpQuery& query,
                              const YamlReader& yaml, bool& dry_run) {
  Json options = Json::EmptyObject();
  if (!request.body.empty()) {
    MIDWATCH_ASSIGN(ParsedJson parsed, ReadBody(request, yaml));
    options = std::move(parsed.value);
    if (!options.IsObject()) {
      return Fail(ErrorCode::kBadRequest, "the body of a deletion: expected DeleteOptions");
    }
  }
  MIDWATCH_ASSIGN(dry_run, ReadDryRun("DeleteOptions", query.Has("dryRun"), query.Get("dryRun")));
  for (const Json& value : options.At("dryRun").Items()) {
    MIDWATCH_ASSIGN(const bool asked, ReadDryRun("DeleteOptions", true, value.AsString()));
    dry_run = dry_run || asked;
  }
  const Json& preconditions = options.At("preconditions");
  const auto is_text = [](const Json& value) { return value.IsNull() || value.IsString(); };
  if (!(preconditions.IsNull() || preconditions.IsObject()) || !is_text(preconditions.At("uid")) ||
      !is_text(preconditions.At("resourceVersion"))) {
    return Fail(ErrorCode::kBadRequest, "preconditions: expected strings uid and resourceVersion");
  }
  DeleteBody body;
  body.propagation_policy = PolicyOf(options, query);
  body.preconditions.uid = preconditions.At("uid").AsString();
  body.preconditions.resource_version = preconditions.At("resourceVersion").AsString();
  return body;
}

}  // namespace midwatch::apiserver
