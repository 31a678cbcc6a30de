#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace midwatch {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  ///< Upper case.
  std::string target;  ///< Origin form, undecoded: `/api/v1/namespaces?limit=5`.
  HttpHeaders headers;
  std::string body;  ///< Whole, within the server's limit.
  std::string peer;  ///< Address and port, for the log.

  /// The first header of that name (ASCII case ignored), or an empty text.
  std::string_view Header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;  ///< Content-Length, Date and Connection are the server's.
  std::string body;
};

/// A response whose body goes on: a watch, a followed log. Thread-safe.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  /// Queues bytes. False: the peer is gone or does not read (its queue is full and it was cut off);
  /// nothing more needs to be written.
  virtual bool Write(std::string bytes) = 0;
  /// Whether its queue is far from full. False: `again` is called once, on a server thread, when it
  /// is, or when the stream is over.
  virtual bool HasRoom(const std::function<void()>& again) {
    (void)again;
    return true;
  }
  /// Ends the body cleanly after what is queued. Nothing may be written afterwards.
  virtual void End() = 0;
};

/// How a handler answers, once, from any thread. A responder destroyed unused answers 500.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;
  virtual void Respond(HttpResponse response) = 0;
  /// Sends the head at once and keeps the body open. `closed` is called once when the stream is
  /// over for whatever reason (peer gone, cut off, End, server stop), on a server thread: queue and
  /// return. Null: the caller has as many streams as one may have. Then nothing was sent, `closed`
  /// is not called, and Respond is still to say so.
  virtual std::shared_ptr<HttpStream> Stream(HttpResponse head, std::function<void()> closed) = 0;
};

/// How much of a body is read after a head, and what a larger one is answered.
struct BodyPermit {
  std::size_t bytes = 0;
  HttpResponse beyond;  ///< Sent as soon as it is known; the connection is closed after it.
};

/// Serves requests. Called on a server thread, possibly several at once: hand over and return.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Who sends this, by its head: one name for all whose limits are shared. Empty: nobody known,
  /// whose connection may be closed at any time to make room for another.
  virtual std::string Caller(const HttpRequest& head) {
    (void)head;
    return {};
  }
  /// Asked about a request that has a body when its head is there and nothing of the body was read
  /// (`head.body` is empty). None: the server's own limit.
  virtual std::optional<BodyPermit> PermitBody(const HttpRequest& head) {
    (void)head;
    return std::nullopt;
  }
  virtual void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) = 0;
};

}  // namespace midwatch
