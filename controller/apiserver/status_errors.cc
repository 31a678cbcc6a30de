#include "controller/apiserver/status_errors.h"

#include <charconv>

#include "controller/base/text.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {
namespace {

std::string Details(const ResourceType& type, std::string_view name, std::string_view kind,
                    std::string_view cause = {}) {
  Json details = Json::Of({{"name", name}, {"kind", kind}});
  if (!type.group.empty()) {
    details.Set("group", type.group);
  }
  if (!cause.empty()) {
    details["causes"].Append(Json::Of({{"reason", cause}}));
  }
  return details.Dump();
}

std::string Named(const ResourceType& type, std::string_view name) {
  return type.Resource() + " " + Quote(name);
}

}  // namespace

Error NotFoundError(const ResourceType& type, std::string_view name) {
  return {ErrorCode::kNotFound, Named(type, name) + " not found", Details(type, name, type.plural)};
}

Error AlreadyExistsError(const ResourceType& type, std::string_view name, bool being_deleted) {
  return {
      ErrorCode::kAlreadyExists,
      (being_deleted ? "object is being deleted: " : "") + Named(type, name) + " already exists",
      Details(type, name, type.plural)};
}

Error ModifiedError(const ResourceType& type, std::string_view name) {
  return {ErrorCode::kConflict,
          "Operation cannot be fulfilled on " + Named(type, name) +
              ": the object has been modified; please apply your changes to the latest version and "
              "try again",
          Details(type, name, type.plural)};
}

Error AbsentError(const ResourceType& type, std::string_view name, std::string_view uid) {
  return {ErrorCode::kConflict,
          "Operation cannot be fulfilled on " + Named(type, name) +
              ": uid mismatch: the provided object specified uid " + std::string(uid) +
              ", and no existing object was found",
          Details(type, name, type.plural)};
}

Error PreconditionError(const ResourceType& type, std::string_view name, std::string_view text) {
  const std::string kind = type.group.empty() ? type.kind : type.kind + "." + type.group;
  return {ErrorCode::kConflict,
          "Operation cannot be fulfilled on " + kind + " " + Quote(name) + ": " + std::string(text),
          Details(type, name, type.kind)};
}

Error ForbiddenWriteError(const ResourceType& type, std::string_view name, std::string_view why,
                          std::string_view cause) {
  return {ErrorCode::kForbidden, Named(type, name) + " is forbidden: " + std::string(why),
          Details(type, name, type.plural, cause)};
}

Error TooLargeVersionError(std::int64_t asked, std::int64_t current) {
  const Json details =
      Json::Of({{"causes", Json::ArrayOf({Json::Of({{"reason", "ResourceVersionTooLarge"},
                                                    {"message", "Too large resource version"}})})},
                {"retryAfterSeconds", 1}});
  return {ErrorCode::kTimeout,
          "Timeout: Too large resource version: " + std::to_string(asked) +
              ", current: " + std::to_string(current),
          details.Dump()};
}

Error InvalidOptions(std::string_view kind, const schema::FieldError& error) {
  const ResourceType options{
      .group = "meta.k8s.io", .version = "v1", .kind = std::string(kind), .plural = {}};
  return schema::InvalidObject(options, "", {error});
}

Result<std::int64_t> ParseVersion(std::string_view text) {
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc{} || end != text.data() + text.size() || version < 0) {
    return Fail(ErrorCode::kBadRequest,
                "resourceVersion: invalid value " + Quote(text) + ": expected a decimal number");
  }
  return version;
}

}  // namespace midwatch::apiserver
