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
  std::size_t body_bytes = std::size_t{3}
                           << 20;  ///< 413 beyond it, unless the handler permits another size.
};

/// Why a request is not served. The connection cannot be used any more after one.
struct Refusal {
  int status = 400;
  std::string message;  ///< For the answer's body.
};

/// Reads one HTTP/1.x request (RFC 9112) from bytes as they arrive; knows no sockets. Stricter than
/// the RFC where leniency lets two readers disagree: any second Content-Length, Content-Length with
/// Transfer-Encoding, a Transfer-Encoding other than `chunked`, not exactly one Host, a folded line
/// and a line that ends in a bare LF are refused, each with 400.
class RequestReader {
 public:
  enum class State : std::uint8_t {
    kHead,     ///< The head is not complete.
    kPermit,   ///< Head read and found good, a body follows: PermitBody goes on.
    kBody,     ///< The body is not complete.
    kDone,     ///< Take the request.
    kRefused,  ///< See refusal().
  };

  explicit RequestReader(std::size_t head_bytes);
  ~RequestReader();
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;

  /// Takes bytes up to the end of this request, or of its head if a body follows; returns how many.
  /// What it leaves after kDone belongs to the next request.
  std::size_t Feed(std::string_view bytes);
  /// The request as far as it is read. From kPermit on, until it is taken.
  const HttpRequest& Head() const;
  /// Reads at most so many bytes of body: kRefused with 413 beyond it, at once if the head says so.
  /// In kPermit only.
  void PermitBody(std::size_t bytes);

  State state() const;
  const Refusal& refusal() const;
  /// The peer waits for `100 Continue` before it sends the body. In kBody only.
  bool WantsContinue() const;
  /// Bytes of body held now.
  std::size_t BodyBytes() const;

  /// The request without its peer. In kDone, once.
  HttpRequest Take();
  /// Whether the connection may be used again, as the peer's version and Connection field say. From
  /// kPermit on.
  bool KeepAlive() const;
  /// HTTP/1.0 knows no chunks. From kPermit on.
  bool IsHttp10() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace midwatch::http
