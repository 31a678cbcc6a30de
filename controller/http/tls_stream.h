#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/http/tls_certificates.h"

namespace midwatch::http {

/// What one attempt at a non-blocking socket gave.
struct IoResult {
  enum class Status : std::uint8_t {
    kDone,       ///< `bytes` were moved.
    kWantRead,   ///< Try again when the socket is readable,
    kWantWrite,  ///< or writable.
    kEnd,        ///< The peer has ended its side.
    kFailed,
  };
  Status status = Status::kFailed;
  std::size_t bytes = 0;
};

/// Certificate, key and policy of TLS servers: TLS 1.2 or newer, ALPN http/1.1. Immutable, shared
/// by streams.
class TlsContext {
 public:
  static Result<std::shared_ptr<const TlsContext>> ForServer(const CertificateAndKey& identity);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  void* native() const { return native_; }  ///< SSL_CTX*

 private:
  explicit TlsContext(void* native) : native_(native) {}
  void* native_;
};

/// What TLS reads from and writes to.
struct TlsWire {
  int fd = -1;
  int key_updates = 0;  ///< That the peer asked for.
};

/// The bytes of one non-blocking socket, plain or TLS. Does not own the socket. A TLS stream holds
/// no buffers while idle (SSL_MODE_RELEASE_BUFFERS), and fails when its peer changes keys again and
/// again, which keeps whoever reads busy without end. Never raises SIGPIPE. Not thread-safe.
class SocketStream {
 public:
  explicit SocketStream(int fd) : fd_(fd) {}
  ~SocketStream();
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  /// Makes this the server side of TLS. Before any byte is read.
  bool BeginTls(const TlsContext& context);
  IoResult Handshake();  ///< kDone once; plain streams at once.
  IoResult Read(char* into, std::size_t size);
  IoResult Write(std::string_view bytes);
  /// Bytes that the kernel does not know of are waiting to be read.
  bool HasBuffered() const;
  /// Tells the peer that nothing more is sent; best effort.
  void EndWrites();

 private:
  IoResult TlsResult(int result) const;

  int fd_;
  TlsWire wire_;
  void* tls_ = nullptr;  // SSL*
};

}  // namespace midwatch::http
