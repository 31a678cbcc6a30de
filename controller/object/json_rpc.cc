#include "controller/object/json_rpc.h"

#include "controller/base/text.h"

namespace midwatch {
namespace {

std::string Line(Json message) {
  message.Set("jsonrpc", "2.0");
  std::string line;
  message.DumpTo(line);
  line.push_back('\n');
  return line;
}

bool IsId(const Json& id) { return id.IsString() || id.IsInt(); }

Result<JsonRpcMessage> ParseCall(const Json& body) {
  JsonRpcMessage message;
  message.method = body.At("method").AsString();
  message.params = body.At("params");
  if (message.method.empty()) {
    return Fail(ErrorCode::kInvalid, "method: expected a name");
  }
  if (!message.params.IsNull() && !message.params.IsObject()) {
    return Fail(ErrorCode::kInvalid, "params: expected an object");
  }
  const Json* id = body.Find("id");
  if (id == nullptr) {
    return message;
  }
  if (!IsId(*id) && !id->IsNull()) {
    return Fail(ErrorCode::kInvalid, "id: expected a string or an integer");
  }
  message.kind = JsonRpcKind::kRequest;
  message.id = *id;
  return message;
}

Result<JsonRpcMessage> ParseResponse(const Json& body) {
  JsonRpcMessage message;
  message.id = body.At("id");
  const Json* result = body.Find("result");
  const Json* error = body.Find("error");
  if ((result == nullptr) == (error == nullptr)) {
    return Fail(ErrorCode::kInvalid, "expected a method, or one of result and error");
  }
  if (!IsId(message.id) && !(error != nullptr && message.id.IsNull())) {
    return Fail(ErrorCode::kInvalid, "id: expected a string or an integer");
  }
  if (result != nullptr) {
    message.kind = JsonRpcKind::kResult;
    message.result = *result;
    return message;
  }
  message.kind = JsonRpcKind::kError;
  message.error_code = error->At("code").AsInt();
  message.error_message = error->At("message").AsString();
  message.error_data = error->At("data");
  return message;
}

}  // namespace

Result<JsonRpcMessage> ParseJsonRpc(std::string_view line) {
  auto parsed = ParseJson(line, JsonLimits{.bytes = kMaxJsonRpcLine});
  MIDWATCH_TRY(parsed);
  const Json& body = parsed->value;
  if (!body.IsObject() || body.At("jsonrpc").AsString() != "2.0") {
    return Fail(ErrorCode::kInvalid, "expected a JSON-RPC 2.0 message");
  }
  return body.Find("method") != nullptr ? ParseCall(body) : ParseResponse(body);
}

std::string RequestLine(const Json& id, std::string_view method, Json params) {
  Json message = Json::Of({{"id", id}, {"method", Json(method)}});
  if (!params.IsNull()) {
    message.Set("params", std::move(params));
  }
  return Line(std::move(message));
}

std::string NotificationLine(std::string_view method, Json params) {
  Json message = Json::Of({{"method", Json(method)}});
  if (!params.IsNull()) {
    message.Set("params", std::move(params));
  }
  return Line(std::move(message));
}

std::string ResultLine(const Json& id, Json result) {
  return Line(Json::Of({{"id", id}, {"result", std::move(result)}}));
}

std::string ErrorLine(const Json& id, JsonRpcCode code, std::string_view message, Json data) {
  Json error = Json::Of({{"code", static_cast<int>(code)}, {"message", Json(message)}});
  if (!data.IsNull()) {
    error.Set("data", std::move(data));
  }
  return Line(Json::Of({{"id", id}, {"error", std::move(error)}}));
}

}  // namespace midwatch
