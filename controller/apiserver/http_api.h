#pragma once

#include <functional>
#include <memory>
#include <string>

#include "controller/apiserver/api.h"
#include "controller/apiserver/http_body.h"
#include "controller/apiserver/http_watch.h"
#include "controller/apiserver/token_authenticator.h"
#include "controller/env/clock.h"
#include "controller/env/http_handler.h"

namespace midwatch::apiserver {

/// What the API needs beside the storage to be served over HTTP. Texts are asked for on server
/// threads.
struct HttpApiParts {
  Api& api;
  const TokenAuthenticator& tokens;
  const Clock& clock;
  WatchDeadlines& deadlines;                  ///< Stepped by somebody.
  YamlReader yaml = {};                       ///< Of administrators; none: must be JSON.
  std::function<std::string()> metrics = {};  ///< Prometheus text; none: 404.
  /// Why the server is not ready; empty if it is.
  std::function<std::string()> not_ready = {};
  std::string git_version =
      "v1.35.0+midwatch";  ///< A Kubernetes version: what clients may expect of the API.
};

/// Of a body, as kube-apiserver has it: 413 beyond it.
inline constexpr std::size_t kMaxRequestBytes = std::size_t{3} << 20;
/// Of an Agent's: as much as an object may have. Bodies are read by the threads that serve all.
inline constexpr std::size_t kMaxAgentRequestBytes = std::size_t{1} << 20;

/// The Kubernetes API over HTTP, as kubectl, Helm and client-go speak it: discovery, OpenAPI,
/// resource verbs, Tables, watches. Every request is authenticated; storage authorises. Never
/// blocks: a write is answered from the storage's thread. Thread-safe.
///
/// Not served: WebSocket watches, protobuf and CBOR answers, impersonation (403), scale.
class HttpApi final : public HttpHandler {
 public:
  explicit HttpApi(HttpApiParts parts);
  ~HttpApi() override;

  /// Nothing from who is not known.
  std::optional<BodyPermit> PermitBody(const HttpRequest& head) override;
  void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace midwatch::apiserver
