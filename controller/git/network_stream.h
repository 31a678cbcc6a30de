#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "controller/base/result.h"

namespace midwatch::git {

/// Where libgit2 may connect to during one request, and what that may cost.
struct NetworkPolicy {
  std::string
      host;  ///< The only host and port; a redirect elsewhere is refused before it connects.
  std::string port;
  bool tls = true;     ///< The only kind of connection.
  std::string ca_pem;  ///< Replaces the system's roots if not empty.
  std::chrono::steady_clock::time_point deadline;
  std::uint64_t byte_limit = 0;  ///< Received.
};

/// The sockets of libgit2, ours: it has no timeouts, refuses IP addresses in certificates and
/// cannot be held to one host. TLS 1.2 or newer by OpenSSL, the name of the host verified,
/// connections by IPv4 and IPv6.
///
/// libgit2 keeps stream constructors per process and gives them no context: there is at most one
/// Network. Not thread-safe.
class Network {
 public:
  Network();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Takes effect for connections made from now on. Forgets the last failure.
  void Allow(NetworkPolicy policy);
  /// Why the last connection failed, clearer than what libgit2 makes of it; none if none failed.
  const std::optional<Error>& failure() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace midwatch::git
