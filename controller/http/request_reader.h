#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controller/env/http_handler.h"

namespace midwatch::http {

struct RequestLimits {
  std::size_t head_bytes = std::size_t{32} << 10;  ///< Request line and fields: 431 beyond it.
  std::size_t body_bytes = std::size_t{3} << 20;   ///< 413 beyond it.
};

/// Why a request is not served. The connection cannot be used any more after one.
struct Refusal {
  int status = 400;
  std::string message;  ///< For the answer's body.
};

/// Reads one HTTP/1.x request (RFC 9112) from bytes as they arrive; knows no sockets. Stricter than
/// the RFC where leniency lets two readers disagree: any second Content-Length, Content-Length with
/// Transfer-Encoding, a Transfer-Encoding other than `chunked`, not exactly one Host and a line
/// that ends in a bare LF are refused, each with 400.
class RequestReader {
 public:
  enum class State : std::uint8_t {
    kHead,     ///< The head is not complete.
    kBody,     ///< Head read and found good, body not complete.
    kDone,     ///< Take the request.
    kRefused,  ///< See refusal().
  };

  explicit RequestReader(const RequestLimits& limits);
  ~RequestReader();
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;

  /// Takes bytes up to the end of this request; returns how many. What it leaves belongs to the
  /// next request.
  std::size_t Feed(std::string_view bytes);

  State state() const;
  const Refusal& refusal() const;
  /// The peer waits for `100 Continue` before it sends the body. In kBody only.
  bool WantsContinue() const;
  /// Bytes of body held now.
  std::size_t BodyBytes() const;

  /// The request without its peer. In kDone, once.
  HttpRequest Take();
  /// Whether the connection may be used again, as the peer's version and Connection field say. From
  /// kBody on.
  bool KeepAlive() const;
  /// HTTP/1.0 knows no chunks. From kBody on.
  bool IsHttp10() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace midwatch::http
