#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/env/http_handler.h"

namespace midwatch {

/// One request to the peer that the client was made for.
struct HttpCall {
  std::string method = "GET";
  std::string target = "/";  ///< Path and query.
  HttpHeaders headers = {};
  std::string body = {};
  Duration deadline =
      std::chrono::seconds(30);  ///< For the whole exchange; for a stream, to its head.
  /// A stream that brings nothing for so long has lost its peer: kUnavailable. None: it may be
  /// silent for ever.
  std::optional<Duration> silence = std::nullopt;
  std::size_t max_response = std::size_t{64} << 20;  ///< kTooLarge beyond it.
};

/// Receives a streamed body, one call at a time, on a thread of the client.
class HttpBodySink {
 public:
  virtual ~HttpBodySink() = default;
  virtual void OnHead(const HttpResponse& head) = 0;  ///< Once, before any bytes; body empty.
  virtual void OnBytes(std::string_view bytes) = 0;
  virtual void OnEnd(Result<void> why) = 0;  ///< Once, last.
};

/// A running stream; destroying it ends it, and no call of its sink is running or follows
/// afterwards.
class HttpStreamHandle {
 public:
  virtual ~HttpStreamHandle() = default;
};

/// A pooled HTTP/1.1 client of one peer. Errors are transport errors only (kUnavailable: nothing
/// was sent; kOutcomeUnknown: it may have been processed; kTimeout likewise for reads); any status
/// is a response. Thread-safe.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual void Send(HttpCall call, std::function<void(Result<HttpResponse>)> done) = 0;
  virtual std::unique_ptr<HttpStreamHandle> Stream(HttpCall call,
                                                   std::shared_ptr<HttpBodySink> sink) = 0;
};

}  // namespace midwatch
