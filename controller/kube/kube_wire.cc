#include "controller/kube/kube_wire.h"

#include "controller/base/encoding.h"
#include "controller/base/error_table.h"
#include "controller/base/text.h"

namespace midwatch::kube {
namespace {

constexpr JsonLimits kAnswerLimits{
    .bytes = std::size_t{64} << 20, .depth = 96, .nodes = 20'000'000};
constexpr std::size_t kMaxShownText = 200;

Result<Json> ParseAnswer(const std::string& body) {
  auto parsed = ParseJson(body, kAnswerLimits);
  if (!parsed) {
    return Fail(ErrorCode::kUnavailable,
                "the answer of the API is no JSON: " + parsed.error().message);
  }
  return std::move(parsed->value);
}

bool IsStatus(const Json& body) { return body.At("kind").AsString() == "Status"; }

Error ErrorOfStatus(const Json& status, int http_status) {
  const std::string& reason = status.At("reason").AsString();
  Error error{CodeOf(http_status, reason).value_or(ErrorCode::kInternal),
              status.At("message").AsString()};
  // A name that every API server spells in its own way.
  if (reason == "Gone") {
    error.code = ErrorCode::kExpired;
  }
  if (const Json* details = status.Find("details");
      details != nullptr && !details->Members().empty()) {
    error.details = details->Dump();
  }
  if (error.message.empty()) {
    error.message = "the API answered " + std::to_string(http_status) + " " + reason;
  }
  return error;
}

}  // namespace

std::string PathOf(const ResourceType& type, std::string_view namespace_name, std::string_view name,
                   std::string_view subresource) {
  std::string path = (type.group.empty() ? "/api/" : "/apis/") + type.ApiVersion();
  if (type.namespaced && !namespace_name.empty()) {
    path += "/namespaces/" + PercentEncode(namespace_name);
  }
  path += "/" + type.plural;
  if (!name.empty()) {
    path += "/" + PercentEncode(name);
  }
  if (!subresource.empty()) {
    path += "/" + std::string(subresource);
  }
  return path;
}

QueryText& QueryText::Add(std::string_view name, std::string_view value) {
  if (!value.empty()) {
    text_ += text_.empty() ? "?" : "&";
    text_ += name;
    text_ += "=" + PercentEncode(value);
  }
  return *this;
}

std::string_view ContentTypeOf(PatchType type) {
  switch (type) {
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kStrategicMerge:
      return "application/strategic-merge-patch+json";
    case PatchType::kApply:
      return "application/apply-patch+yaml";
  }
  return "application/json";
}

Error ErrorOf(const HttpResponse& response) {
  const auto parsed = ParseJson(response.body);
  if (parsed && IsStatus(*parsed)) {
    return ErrorOfStatus(*parsed, response.status);
  }
  return {CodeOf(response.status, "").value_or(ErrorCode::kInternal),
          "the API answered " + std::to_string(response.status) + ": " +
              std::string(Utf8Prefix(Trim(response.body), kMaxShownText))};
}

Error WriteErrorOf(const HttpResponse& response) {
  Error error = ErrorOf(response);
  const auto parsed = ParseJson(response.body);
  const bool from_api = parsed && IsStatus(*parsed);
  // 503 and 507 of the API itself are refusals. Anything else above 500 comes from behind it, or
  // from a gateway.
  const bool refused = from_api && (error.code == ErrorCode::kUnavailable ||
                                    error.code == ErrorCode::kInsufficientStorage);
  if (response.status >= 500 && !refused) {
    error.code = ErrorCode::kOutcomeUnknown;
  }
  return error;
}

Result<Object> ObjectOf(Json body, const ResourceType& type) {
  if (body.At("kind").AsString().empty()) {
    body.Set("kind", type.kind);
    body.Set("apiVersion", type.ApiVersion());
  }
  return Object::FromJson(body);
}

Result<ListResponse> ReadList(const std::string& body, const ResourceType& type) {
  MIDWATCH_ASSIGN(Json list, ParseAnswer(body));
  if (!list.At("items").IsArray() && !list.At("items").IsNull()) {
    return Fail(ErrorCode::kUnavailable, "the answer of the API is no list");
  }
  ListResponse response;
  response.resource_version = list.At("metadata", "resourceVersion").AsString();
  response.continue_token = list.At("metadata", "continue").AsString();
  for (Json& item : list["items"].MutableItems()) {
    MIDWATCH_ASSIGN(Object object, ObjectOf(std::move(item), type));
    response.items.push_back(std::move(object));
  }
  return response;
}

Result<Object> ReadDeleted(const std::string& body, const DeleteRequest& request) {
  MIDWATCH_ASSIGN(Json answer, ParseAnswer(body));
  if (!IsStatus(answer)) {
    return ObjectOf(std::move(answer), request.type);
  }
  Json metadata = Json::Of({{"name", request.name}, {"uid", answer.At("details", "uid")}});
  if (request.type.namespaced) {
    metadata.Set("namespace", request.namespace_name);
  }
  return Object::FromJson(Json::Of({{"apiVersion", request.type.ApiVersion()},
                                    {"kind", request.type.kind},
                                    {"metadata", std::move(metadata)}}));
}

Result<WatchEvent> ReadWatchLine(const std::string& line, const ResourceType& type) {
  MIDWATCH_ASSIGN(Json event, ParseAnswer(line));
  const std::string& name = event.At("type").AsString();
  Json object = event.At("object");
  WatchEvent out;
  out.resource_version = object.At("metadata", "resourceVersion").AsString();
  if (name == "BOOKMARK") {
    out.type = WatchEventType::kBookmark;
    return out;
  }
  if (name == "ADDED") {
    out.type = WatchEventType::kAdded;
  } else if (name == "MODIFIED") {
    out.type = WatchEventType::kModified;
  } else if (name == "DELETED") {
    out.type = WatchEventType::kDeleted;
  } else if (name == "ERROR") {
    return Fail(ErrorOfStatus(object, static_cast<int>(object.At("code").AsInt())));
  } else {
    return Fail(ErrorCode::kUnavailable, "a watch sent an event of unknown type " + Quote(name));
  }
  MIDWATCH_ASSIGN(out.object, ObjectOf(std::move(object), type));
  return out;
}

}  // namespace midwatch::kube
