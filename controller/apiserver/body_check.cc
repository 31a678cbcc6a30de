#include "controller/apiserver/body_check.h"

#include "controller/apiserver/core_rules.h"
#include "controller/apiserver/status_errors.h"
#include "controller/apiserver/write_plan.h"
#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

std::string OptionsKind(const WriteCall& call) {
  return std::holds_alternative<CreateBody>(call.body)   ? "CreateOptions"
         : std::holds_alternative<UpdateBody>(call.body) ? "UpdateOptions"
                                                         : "PatchOptions";
}

std::string CannotBeHandled(const ResourceType& type, std::string_view why) {
  return type.kind + " in version " + Quote(type.version) + " cannot be handled as a " + type.kind +
         ": " + std::string(why);
}

Error StrictError(const WriteCall& call, const std::vector<std::string>& findings) {
  const ResourceType& type = call.target.resource->type;
  const std::string text = "strict decoding error: " + Join(findings, ", ");
  if (const auto* patch = std::get_if<PatchBody>(&call.body)) {
    return schema::InvalidObject(
        type, call.target.name,
        {schema::Invalid("patch", Showable(*call.target.resource, patch->patch).Dump(), text)});
  }
  return {ErrorCode::kBadRequest, CannotBeHandled(type, text)};
}

}  // namespace

Result<void> CheckType(const ResourceInfo& resource, const Json& body) {
  const ResourceType& type = resource.type;
  const std::string prefix =
      "the object provided is unrecognized (must be of type " + type.kind + "): ";
  if (!body.IsObject()) {
    return Fail(ErrorCode::kBadRequest,
                prefix + "expected an object, found " + std::string(body.TypeName()));
  }
  if (body.At("kind").AsString().empty()) {
    return Fail(ErrorCode::kBadRequest, prefix + "Object 'Kind' is missing");
  }
  if (body.At("apiVersion").AsString().empty()) {
    return Fail(ErrorCode::kBadRequest, prefix + "Object 'apiVersion' is missing");
  }
  if (const std::string& found = body.At("apiVersion").AsString(); found != type.ApiVersion()) {
    return Fail(ErrorCode::kBadRequest, "the API version in the data (" + found +
                                            ") does not match the expected API version (" +
                                            type.ApiVersion() + ")");
  }
  if (const std::string& found = body.At("kind").AsString(); found != type.kind) {
    const ResourceType named{.group = type.group, .version = {}, .kind = found, .plural = {}};
    return Fail(schema::InvalidObject(named, body.At("metadata", "name").AsString(),
                                      {schema::Invalid("kind", found, "must be " + type.kind)}));
  }
  return {};
}

Result<void> CheckPlace(const Target& target, Json& body) {
  if (body.Find("metadata") == nullptr) {
    body.Set("metadata", Json::EmptyObject());
  }
  const std::string name = body.At("metadata", "name").AsString();
  if (!target.name.empty() && name != target.name) {
    if (!name.empty()) {
      return Fail(ErrorCode::kBadRequest, "the name of the object (" + name +
                                              ") does not match the name on the URL (" +
                                              target.name + ")");
    }
    body["metadata"].Set("name", target.name);
  }
  if (target.resource->type.namespaced) {
    const std::string space = body.At("metadata", "namespace").AsString();
    if (!space.empty() && space != target.namespace_name) {
      return Fail(ErrorCode::kBadRequest,
                  "the namespace of the provided object does not match the namespace sent on the "
                  "request");
    }
    if (space.empty() && body.At("metadata").IsObject()) {
      body["metadata"].Set("namespace", target.namespace_name);
    }
  }
  return {};
}

Result<void> CheckFields(const WriteCall& call, const std::vector<std::string>& duplicates,
                         Json& body, std::vector<std::string>& warnings) {
  const auto unknown = call.target.resource->schema.Prune(body);
  if (call.options.field_validation == FieldValidation::kIgnore) {
    return {};
  }
  std::vector<std::string> findings;
  for (const std::string& path : duplicates) {
    findings.push_back("duplicate field " + Quote(path));
  }
  for (const schema::UnknownField& field : unknown) {
    findings.push_back("unknown field " + Quote(field.path));
  }
  if (findings.empty()) {
    return {};
  }
  if (call.options.field_validation == FieldValidation::kStrict) {
    return Fail(StrictError(call, findings));
  }
  warnings.insert(warnings.end(), findings.begin(), findings.end());
  return {};
}

Result<ObjectMeta> ReadMeta(const ResourceInfo& resource, const Json& body) {
  auto meta = ParseObjectMeta(body.At("metadata"));
  if (!meta) {
    return Fail(ErrorCode::kBadRequest, CannotBeHandled(resource.type, meta.error().message));
  }
  return meta;
}

Result<void> CheckOptions(const WriteCall& call) {
  const std::string& manager = call.options.field_manager;
  if (manager.size() > kMaxFieldManagerBytes) {
    return Fail(InvalidOptions(
        OptionsKind(call),
        schema::TooLong("fieldManager", static_cast<std::int64_t>(kMaxFieldManagerBytes))));
  }
  const auto* patch = std::get_if<PatchBody>(&call.body);
  if (patch == nullptr) {
    return {};
  }
  if (patch->type != PatchType::kApply && patch->force) {
    return Fail(InvalidOptions(
        "PatchOptions", schema::Forbidden("force", "may not be specified for non-apply patch")));
  }
  if (patch->type == PatchType::kApply && manager.empty()) {
    return Fail(InvalidOptions("PatchOptions",
                               schema::Required("fieldManager", "is required for apply patch")));
  }
  if (patch->type == PatchType::kStrategicMerge && !call.target.resource->builtin) {
    return Fail(ErrorCode::kUnsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json-patch+json, application/merge-patch+json, "
                "application/apply-patch+yaml");
  }
  return {};
}

}  // namespace midwatch::apiserver
