#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/env/http_handler.h"
#include "controller/env/log.h"
#include "controller/env/metrics.h"
#include "controller/http/request_reader.h"
#include "controller/http/tls_certificates.h"

namespace midwatch::http {

/// Every bound of the server. Deadlines are absolute: bytes that trickle in do not extend them.
struct ServerLimits {
  RequestLimits request;
  std::size_t connections = 8192;
  std::size_t connections_per_peer = 4096;  ///< A peer is an IP address.
  std::size_t requests_per_caller = 2048;   ///< Under way, streams among them: 429.
  std::size_t streams_per_caller = 1024;    ///< What the handler then answers.
  std::size_t bodies_bytes = std::size_t{192}
                             << 20;  ///< Request bodies being received, all together: 503.
  std::size_t bodies_bytes_per_caller = std::size_t{96} << 20;  ///< 429.
  /// Of answers that wait to be sent, streams among them, all together: 503.
  std::size_t answers_bytes = std::size_t{768} << 20;
  std::size_t answers_bytes_per_caller = std::size_t{256} << 20;  ///< 429; a stream is cut off.
  std::size_t stream_queue_bytes = std::size_t{4}
                                   << 20;  ///< Unsent bytes before a slow reader is cut off.
  std::size_t pipelined_bytes = std::size_t{64}
                                << 10;  ///< Sent ahead while a stream runs: cut off.
  Duration first_byte = std::chrono::seconds(
      10);  ///< From accept to the end of the TLS handshake, then to a request.
  Duration head = std::chrono::seconds(10);   ///< From the first byte of a request: 408.
  Duration body = std::chrono::seconds(30);   ///< From the end of the head: 408.
  Duration write = std::chrono::seconds(60);  ///< For a whole response.
  Duration stream_stall =
      std::chrono::seconds(30);               ///< A stream with something to send and no progress.
  Duration idle = std::chrono::seconds(120);  ///< Between requests.
  Duration linger =
      std::chrono::seconds(2);  ///< After the last response: read and dropped, so that it arrives.
  Duration accept_backoff =
      std::chrono::milliseconds(100);  ///< After accept failed for want of descriptors.
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one.
  int threads = 2;
  std::optional<CertificateAndKey> tls;  ///< None: plain HTTP.
  ServerLimits limits;
  /// What a caller is answered that has used up its share of requests, bodies or answers.
  HttpResponse share_used_up = {
      429,
      {{"Content-Type", "text/plain; charset=utf-8"}, {"Retry-After", "1"}},
      "too many requests of this caller at once\n"};
};

/// An HTTP/1.1 server. Malformed and excessive requests never reach the handler; requests on one
/// connection are handled one after the other and answered in order. Metrics:
/// `midwatch_http_connections`, `midwatch_http_requests_total{code}`,
/// `midwatch_http_refused_total{reason}`.
class HttpServer {
 public:
  struct Core;  ///< Of the implementation.

  /// Listens and serves at once. `handler`, `log` and `metrics` must outlive the server.
  static Result<std::unique_ptr<HttpServer>> Start(const ServerOptions& options,
                                                   HttpHandler& handler, Log& log,
                                                   Metrics& metrics);
  /// As Stop without grace.
  ~HttpServer();

  std::uint16_t port() const;
  std::size_t ConnectionCount() const;
  /// New connections use this certificate from now on.
  Result<void> ReplaceCertificate(const CertificateAndKey& identity);

  /// Stops accepting, closes idle connections, ends streams, lets running requests finish; what is
  /// not done after `grace` is cut. Blocks until nothing of the server runs. Responders and streams
  /// that others still hold may be used and do nothing.
  void Stop(Duration grace);

 private:
  explicit HttpServer(std::shared_ptr<Core> core);
  std::shared_ptr<Core>
      core_;  // Shared with the connections; gone after Stop but for held responders.
};

}  // namespace midwatch::http
