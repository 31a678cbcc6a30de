#pragma once

#include <memory>

#include "controller/env/http_client.h"
#include "controller/env/kube_client.h"

namespace midwatch::kube {

struct HttpKubeClientOptions {
  Duration deadline = std::chrono::seconds(30);  ///< For each call, and to a watch's head.
  Duration watch_lifetime =
      std::chrono::minutes(5);  ///< Asked of the server; the caller watches again.
  /// A watch that says nothing for so long has lost its server, which sends a bookmark a minute.
  Duration watch_silence = std::chrono::seconds(150);
  std::int64_t page = 500;  ///< Objects a request, when a list asks for everything.
  std::size_t max_response = std::size_t{64} << 20;
  std::size_t max_watch_line = std::size_t{8}
                               << 20;  ///< One event; longer ends the watch with kTooLarge.
};

/// A KubeClient over HTTP: a kube-apiserver, or our own API in another process. Says what Status
/// answers say, as errors by base/error_table.h. A write that was not answered, or answered by a
/// failure that leaves it open (a gateway, a timeout behind the API), is kOutcomeUnknown.
///
/// A list without a limit is read in pages of one version and joined. A delete that leaves nothing
/// is answered with type, name and UID alone. Thread-safe.
class HttpKubeClient final : public KubeClient {
 public:
  /// The HttpClient outlives it.
  explicit HttpKubeClient(HttpClient& http, HttpKubeClientOptions options = {})
      : http_(http), options_(options) {}

  void Get(GetRequest request, Completion<Object> done) override;
  void List(ListRequest request, Completion<ListResponse> done) override;
  void Create(CreateRequest request, Completion<Object> done) override;
  void Update(UpdateRequest request, Completion<Object> done) override;
  void Patch(PatchRequest request, Completion<Object> done) override;
  void Delete(DeleteRequest request, Completion<Object> done) override;
  std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                     std::shared_ptr<WatchSink> sink) override;

 private:
  void Write(HttpCall call, const ResourceType& type, Completion<Object> done);
  void ListPage(ListRequest request, std::shared_ptr<ListResponse> joined,
                Completion<ListResponse> done);

  HttpClient& http_;
  const HttpKubeClientOptions options_;
};

}  // namespace midwatch::kube
