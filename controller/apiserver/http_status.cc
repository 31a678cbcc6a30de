#include "controller/apiserver/http_status.h"

#include "controller/base/error_table.h"
#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

constexpr std::size_t kMaxWarning = 1024;

bool ComesAgain(ErrorCode code) {
  return code == ErrorCode::kTooManyRequests || code == ErrorCode::kUnavailable ||
         code == ErrorCode::kTimeout;
}

}  // namespace

std::string StatusBody(const Error& error) {
  const ErrorRow& row = RowOf(error.code);
  std::string out =
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)";
  AppendJsonString(error.message, out);
  out += R"(,"reason":)";
  AppendJsonString(row.reason, out);
  if (!error.details.empty()) {
    out += R"(,"details":)" + error.details;
  } else if (ComesAgain(error.code)) {
    out += R"(,"details":{"retryAfterSeconds":1})";
  }
  return out + R"(,"code":)" + std::to_string(row.http_status) + "}\n";
}

HttpResponse StatusAnswer(const Error& error) {
  HttpResponse response = JsonAnswer(RowOf(error.code).http_status, StatusBody(error));
  if (ComesAgain(error.code)) {
    response.headers.emplace_back("Retry-After", "1");
  }
  return response;
}

HttpResponse JsonAnswer(int status, std::string body) {
  return {status,
          {{"Content-Type", "application/json"}, {"Cache-Control", "no-cache, private"}},
          std::move(body)};
}

HttpResponse TextAnswer(int status, std::string text) {
  return {status,
          {{"Content-Type", "text/plain; charset=utf-8"}, {"X-Content-Type-Options", "nosniff"}},
          std::move(text)};
}

HttpResponse PageNotFound() { return TextAnswer(404, "404 page not found\n"); }

std::string WarningValue(std::string_view text) {
  std::string out = "299 - \"";
  for (const char c : Utf8Prefix(text, kMaxWarning)) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
    }
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  }
  return out + "\"";
}

}  // namespace midwatch::apiserver
