#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/env/http_handler.h"

namespace midwatch::http {

/// How the end of a body is told (RFC 9112 section 6).
enum class Framing : std::uint8_t {
  kNone,      ///< No body and no length: 1xx, 204, 304.
  kLength,    ///< Content-Length.
  kChunked,   ///< A stream to HTTP/1.1.
  kUntilEnd,  ///< A stream to HTTP/1.0.
};

struct HeadOptions {
  Framing framing = Framing::kLength;
  std::size_t length = 0;  ///< With kLength.
  bool keep_alive = true;
  std::string_view date;  ///< IMF-fixdate.
};

/// Status line, the response's fields and ours, and the empty line. Fields that are the server's
/// own are left out; a name or value with control characters cannot break out of its line.
std::string MakeResponseHead(const HttpResponse& response, const HeadOptions& options);

/// True if a response of this status never has a body.
bool IsBodiless(int status);

/// `Sat, 21 Nov 2026 06:57:00 GMT`
std::string FormatHttpDate(std::int64_t unix_seconds);

/// Appends one chunk with these bytes; `bytes` is not empty.
void AppendChunk(std::string_view bytes, std::string& out);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace midwatch::http
