#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch {

/// JSON-RPC 2.0 as the Agent Client Protocol and the Model Context Protocol use it over stdio: one
/// message a line, no batches.
inline constexpr std::size_t kMaxJsonRpcLine = std::size_t{1} << 20;

enum class JsonRpcCode : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kRequestCancelled = -32800,
  kAuthRequired = -32000,
  kUnsupportedVersion = -32022,
};

enum class JsonRpcKind : std::uint8_t { kRequest, kNotification, kResult, kError };

struct JsonRpcMessage {
  JsonRpcKind kind = JsonRpcKind::kNotification;
  /// A string or an integer; null for notifications, errors that answer no one, and requests that
  /// say so (discouraged, but allowed, and answered).
  Json id;
  std::string method;  ///< Of requests and notifications.
  Json params;         ///< Null if there are none.
  Json result;
  std::int64_t error_code = 0;
  std::string error_message;
  Json error_data;
};

/// One line. kTooLarge, kBadRequest (no JSON), or kInvalid (JSON, but no message).
Result<JsonRpcMessage> ParseJsonRpc(std::string_view line);

// Lines to send, with their line feed. Null params are left out.
std::string RequestLine(const Json& id, std::string_view method, Json params);
std::string NotificationLine(std::string_view method, Json params);
std::string ResultLine(const Json& id, Json result);
std::string ErrorLine(const Json& id, JsonRpcCode code, std::string_view message, Json data = {});

}  // namespace midwatch
