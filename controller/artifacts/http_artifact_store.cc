#include "controller/artifacts/http_artifact_store.h"

#include <utility>

#include "controller/artifacts/artifact_route.h"
#include "controller/artifacts/artifact_service.h"
#include "controller/artifacts/limits.h"
#include "controller/base/digest.h"
#include "controller/base/error_table.h"
#include "controller/object/json.h"

namespace midwatch::artifacts {
namespace {

/// The response if it is a success; the error that it, or the transport, tells.
Result<HttpResponse> Succeeded(Result<HttpResponse> response) {
  if (!response) {
    if (response.error().code == ErrorCode::kOutcomeUnknown) {
      return Fail(ErrorCode::kUnavailable, response.error().message);
    }
    return response;
  }
  const Result<Json> body =
      response->status < 300 ? Result<Json>(Json()) : ParseJson(response->body);
  const std::string reason = body ? body->At("reason").AsString() : "";
  const std::optional<ErrorCode> code = CodeOf(response->status, reason);
  if (!code) {
    return response;
  }
  std::string message = body ? body->At("message").AsString() : "";
  if (message.empty()) {
    message = "the artifact service answered " + std::to_string(response->status);
  }
  return Fail(*code, std::move(message));
}

}  // namespace

HttpArtifactStore::HttpArtifactStore(HttpClient& client, HttpArtifactOptions options)
    : client_(client), options_(std::move(options)) {}

HttpCall HttpArtifactStore::Call(std::string method, std::string target, std::string body) const {
  HttpCall call;
  call.method = std::move(method);
  call.target = std::move(target);
  call.body = std::move(body);
  call.deadline = options_.deadline;
  call.max_response = kMaxArtifactBytes;
  if (!options_.token.Reveal().empty()) {
    call.headers.emplace_back("Authorization", "Bearer " + options_.token.Reveal());
  }
  if (!options_.object.empty()) {
    call.headers.emplace_back(kObjectHeader, options_.object);
  }
  if (!call.body.empty()) {
    call.headers.emplace_back("Content-Type", "application/octet-stream");
  }
  return call;
}

void HttpArtifactStore::Put(std::string bytes, std::function<void(Result<std::string>)> done) {
  if (bytes.size() > kMaxArtifactBytes) {
    done(Fail(ErrorCode::kTooLarge, "artifact: " + std::to_string(bytes.size()) +
                                        " bytes, at most " + std::to_string(kMaxArtifactBytes)));
    return;
  }
  ArtifactRoute route;
  route.name = DigestOf(bytes);
  client_.Send(Call("PUT", ToTarget(route), std::move(bytes)),
               [digest = route.name, done = std::move(done)](Result<HttpResponse> response) {
                 const Result<HttpResponse> stored = Succeeded(std::move(response));
                 done(stored ? Result<std::string>(digest) : Fail(stored.error()));
               });
}

void HttpArtifactStore::Get(std::string digest, std::function<void(Result<std::string>)> done) {
  ArtifactRoute route;
  route.name = digest;
  client_.Send(Call("GET", ToTarget(route)),
               [digest = std::move(digest), done = std::move(done)](Result<HttpResponse> response) {
                 Result<HttpResponse> got = Succeeded(std::move(response));
                 if (!got) {
                   done(Fail(got.error()));
                 } else if (DigestOf(got->body) != digest) {
                   done(Fail(ErrorCode::kInternal,
                             "artifact " + digest + " is damaged: its content has changed"));
                 } else {
                   done(std::move(got->body));
                 }
               });
}

void HttpArtifactStore::Append(std::string log, std::uint64_t offset, std::string bytes,
                               std::function<void(Result<std::uint64_t>)> done) {
  ArtifactRoute route;
  route.kind = ArtifactRoute::Kind::kLog;
  route.name = std::move(log);
  route.offset = offset;
  const std::uint64_t end = offset + bytes.size();
  client_.Send(Call("POST", ToTarget(route), std::move(bytes)),
               [end, done = std::move(done)](Result<HttpResponse> response) {
                 const Result<HttpResponse> stored = Succeeded(std::move(response));
                 done(stored ? Result<std::uint64_t>(end) : Fail(stored.error()));
               });
}

void HttpArtifactStore::Read(std::string log, std::uint64_t offset, std::size_t limit,
                             std::function<void(Result<std::string>)> done) {
  ArtifactRoute route;
  route.kind = ArtifactRoute::Kind::kLog;
  route.name = std::move(log);
  route.offset = offset;
  route.limit = std::max<std::size_t>(limit, 1);
  client_.Send(Call("GET", ToTarget(route)),
               [done = std::move(done)](Result<HttpResponse> response) {
                 Result<HttpResponse> got = Succeeded(std::move(response));
                 done(got ? Result<std::string>(std::move(got->body)) : Fail(got.error()));
               });
}

std::unique_ptr<HttpStreamHandle> HttpArtifactStore::Follow(std::string log, std::uint64_t offset,
                                                            std::shared_ptr<HttpBodySink> sink) {
  ArtifactRoute route;
  route.kind = ArtifactRoute::Kind::kLog;
  route.name = std::move(log);
  route.offset = offset;
  route.follow = true;
  return client_.Stream(Call("GET", ToTarget(route)), std::move(sink));
}

}  // namespace midwatch::artifacts
