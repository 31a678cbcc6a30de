#pragma once

#include <functional>
#include <memory>
#include <string>

#include "controller/base/result.h"
#include "controller/base/secret.h"
#include "controller/env/http_client.h"

namespace midwatch::http {

struct ClientOptions {
  std::string base_url = {};  ///< `https://host:port` or `http://…`, without a path.
  /// PEM. Takes the place of the system's authorities; empty: those.
  std::string authorities = {};
  /// Asked for before each request; an empty token sends none. None: no token.
  std::function<Secret<std::string>()> bearer = {};
  std::string user_agent = "midwatch";
  /// What one TLS connection may send for one request, whatever its framing says, before it is
  /// closed.
  std::size_t connection_bytes = std::size_t{256} << 20;
};

/// An HttpClient over cpprestsdk, for peers that an administrator has configured: a kube-apiserver,
/// an object store, a notification channel.
///
/// Beyond HttpClient: certificates and names are always verified, redirects are answers, and a
/// request is sent again by itself if a pooled connection turns out to be closed (so writes need
/// preconditions or keys).
///
/// Against a hostile peer: nothing it sends ends the process (its callbacks run on threads of ours
/// that survive exceptions), every call ends by its deadline, no more than `max_response` is kept
/// of a body. The library gathers a chunk, a head or a line in full before it shows any of it: over
/// TLS `connection_bytes` bounds that, over plain HTTP only the deadline does. So plain HTTP is for
/// loopback and trusted networks.
///
/// kInvalid: the URL or the authorities cannot be used.
Result<std::unique_ptr<HttpClient>> MakeHttpClient(const ClientOptions& options);

}  // namespace midwatch::http
