#include "controller/kube/http_kube_client.h"

#include <utility>

#include "controller/base/line_splitter.h"
#include "controller/kube/kube_wire.h"

namespace midwatch::kube {
namespace {

constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10;

bool IsSuccess(int status) { return status >= 200 && status < 300; }

/// For a write, silence is not knowing.
Error WriteFailure(Error error) {
  if (error.code == ErrorCode::kTimeout || error.code == ErrorCode::kTooLarge) {
    error.code = ErrorCode::kOutcomeUnknown;
  }
  return error;
}

/// A read changes nothing: not knowing is only having no answer.
Error ReadFailure(Error error) {
  if (error.code == ErrorCode::kOutcomeUnknown) {
    error.code = ErrorCode::kUnavailable;
  }
  return error;
}

std::string_view DryRun(bool dry_run) { return dry_run ? "All" : ""; }

std::string NamespaceOf(const Json& object) {
  return object.At("metadata", "namespace").AsString();
}

HttpCall JsonCall(std::string method, std::string target, const Json& body) {
  return {.method = std::move(method),
          .target = std::move(target),
          .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
          .body = body.Dump()};
}

/// From lines to events. Its calls come one at a time.
class WatchReader final : public HttpBodySink {
 public:
  WatchReader(ResourceType type, std::size_t max_line, std::shared_ptr<WatchSink> sink)
      : type_(std::move(type)), lines_(max_line), sink_(std::move(sink)) {}

  void OnHead(const HttpResponse& head) override { head_ = head; }

  void OnBytes(std::string_view bytes) override {
    if (ended_) {
      return;
    }
    if (!IsSuccess(head_.status)) {
      head_.body.append(
          bytes.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, head_.body.size())));
      return;
    }
    for (const LineSplitter::Line& line : lines_.Feed(bytes)) {
      OnLine(line);
    }
  }

  void OnEnd(Result<void> why) override {
    if (!IsSuccess(head_.status)) {
      End(ErrorOf(head_));
    } else if (!why) {
      End(ReadFailure(why.error()));
    } else {
      End({ErrorCode::kUnavailable, "the server has ended the watch"});
    }
  }

 private:
  void OnLine(const LineSplitter::Line& line) {
    if (ended_ || (line.text.empty() && !line.too_long)) {
      return;
    }
    if (line.too_long) {
      return End({ErrorCode::kTooLarge, "a watch sent an event that is larger than the limit"});
    }
    const auto event = ReadWatchLine(line.text, type_);
    if (!event) {
      return End(event.error());
    }
    sink_->OnEvent(*event);
  }

  void End(const Error& why) {
    if (!std::exchange(ended_, true)) {
      sink_->OnEnd(why);
    }
  }

  const ResourceType type_;
  LineSplitter lines_;
  const std::shared_ptr<WatchSink> sink_;
  HttpResponse head_;
  bool ended_ = false;
};

class StreamedWatch final : public WatchHandle {
 public:
  explicit StreamedWatch(std::unique_ptr<HttpStreamHandle> stream) : stream_(std::move(stream)) {}

 private:
  const std::unique_ptr<HttpStreamHandle> stream_;
};

}  // namespace

void HttpKubeClient::Get(GetRequest request, Completion<Object> done) {
  HttpCall call{.target = PathOf(request.type, request.namespace_name, request.name),
                .headers = {{"Accept", "application/json"}}};
  call.deadline = options_.deadline;
  call.max_response = options_.max_response;
  http_.Send(std::move(call),
             [done = std::move(done), type = request.type](Result<HttpResponse> answer) {
               if (!answer) {
                 return done(Fail(ReadFailure(answer.error())));
               }
               if (!IsSuccess(answer->status)) {
                 return done(Fail(ErrorOf(*answer)));
               }
               auto parsed = ParseJson(answer->body);
               done(parsed ? ObjectOf(*std::move(parsed), type) : Fail(parsed.error()));
             });
}

void HttpKubeClient::List(ListRequest request, Completion<ListResponse> done) {
  ListPage(std::move(request), std::make_shared<ListResponse>(), std::move(done));
}

void HttpKubeClient::ListPage(ListRequest request, std::shared_ptr<ListResponse> joined,
                              Completion<ListResponse> done) {
  const bool everything = request.limit == 0;
  // With version 0 servers answer from their cache, and ignore limits.
  const bool paged = !everything || request.resource_version != "0";
  const std::int64_t limit = everything ? options_.page : request.limit;
  QueryText query;
  query.Add("labelSelector", request.label_selector)
      .Add("fieldSelector", request.field_selector)
      .Add("limit", paged ? std::to_string(limit) : "")
      .Add("continue", request.continue_token)
      .Add("resourceVersion", request.continue_token.empty() ? request.resource_version : "");
  HttpCall call{.target = PathOf(request.type, request.namespace_name, "") + query.text(),
                .headers = {{"Accept", "application/json"}}};
  call.deadline = options_.deadline;
  call.max_response = options_.max_response;
  http_.Send(std::move(call),
             [this, everything, joined, request, done](Result<HttpResponse> answer) {
               if (!answer) {
                 return done(Fail(ReadFailure(answer.error())));
               }
               if (!IsSuccess(answer->status)) {
                 return done(Fail(ErrorOf(*answer)));
               }
               auto page = ReadList(answer->body, request.type);
               if (!page) {
                 return done(Fail(page.error()));
               }
               if (!everything) {
                 return done(std::move(page));
               }
               std::move(page->items.begin(), page->items.end(), std::back_inserter(joined->items));
               joined->resource_version = page->resource_version;
               if (page->continue_token.empty()) {
                 return done(std::move(*joined));
               }
               ListRequest next = request;
               next.continue_token = page->continue_token;
               ListPage(std::move(next), joined, done);
             });
}

void HttpKubeClient::Write(HttpCall call, const ResourceType& type, Completion<Object> done) {
  call.deadline = options_.deadline;
  call.max_response = options_.max_response;
  http_.Send(std::move(call), [done = std::move(done), type](Result<HttpResponse> answer) {
    if (!answer) {
      return done(Fail(WriteFailure(answer.error())));
    }
    if (!IsSuccess(answer->status)) {
      return done(Fail(WriteErrorOf(*answer)));
    }
    auto parsed = ParseJson(answer->body);
    auto object =
        parsed ? ObjectOf(*std::move(parsed), type) : Result<Object>(Fail(parsed.error()));
    // It was written, but nobody knows how.
    done(object ? std::move(object)
                : Fail(ErrorCode::kOutcomeUnknown,
                       "the answer of the API cannot be read: " + object.error().message));
  });
}

void HttpKubeClient::Create(CreateRequest request, Completion<Object> done) {
  QueryText query;
  query.Add("fieldManager", request.field_manager).Add("dryRun", DryRun(request.dry_run));
  Write(JsonCall("POST", PathOf(request.type, NamespaceOf(request.object), "") + query.text(),
                 request.object),
        request.type, std::move(done));
}

void HttpKubeClient::Update(UpdateRequest request, Completion<Object> done) {
  QueryText query;
  query.Add("fieldManager", request.field_manager).Add("dryRun", DryRun(request.dry_run));
  const std::string path =
      PathOf(request.type, NamespaceOf(request.object),
             request.object.At("metadata", "name").AsString(), request.subresource);
  Write(JsonCall("PUT", path + query.text(), request.object), request.type, std::move(done));
}

void HttpKubeClient::Patch(PatchRequest request, Completion<Object> done) {
  QueryText query;
  query.Add("fieldManager", request.field_manager)
      .Add("force", request.force ? "true" : "")
      .Add("dryRun", DryRun(request.dry_run));
  HttpCall call =
      JsonCall("PATCH",
               PathOf(request.type, request.namespace_name, request.name, request.subresource) +
                   query.text(),
               request.patch);
  call.headers[0].second = ContentTypeOf(request.patch_type);
  Write(std::move(call), request.type, std::move(done));
}

void HttpKubeClient::Delete(DeleteRequest request, Completion<Object> done) {
  Json body = Json::Of({{"kind", "DeleteOptions"}, {"apiVersion", "v1"}});
  if (!request.propagation_policy.empty()) {
    body.Set("propagationPolicy", request.propagation_policy);
  }
  if (!request.preconditions.uid.empty()) {
    body["preconditions"].Set("uid", request.preconditions.uid);
  }
  if (!request.preconditions.resource_version.empty()) {
    body["preconditions"].Set("resourceVersion", request.preconditions.resource_version);
  }
  if (request.dry_run) {
    body.Set("dryRun", Json::ArrayOf({"All"}));
  }
  HttpCall call =
      JsonCall("DELETE", PathOf(request.type, request.namespace_name, request.name), body);
  call.deadline = options_.deadline;
  call.max_response = options_.max_response;
  http_.Send(std::move(call), [done = std::move(done), request](Result<HttpResponse> answer) {
    if (!answer) {
      return done(Fail(WriteFailure(answer.error())));
    }
    if (!IsSuccess(answer->status)) {
      return done(Fail(WriteErrorOf(*answer)));
    }
    auto object = ReadDeleted(answer->body, request);
    done(object ? std::move(object) : Fail(ErrorCode::kOutcomeUnknown, object.error().message));
  });
}

std::unique_ptr<WatchHandle> HttpKubeClient::Watch(WatchRequest request,
                                                   std::shared_ptr<WatchSink> sink) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.watch_lifetime);
  QueryText query;
  query.Add("watch", "true")
      .Add("allowWatchBookmarks", "true")
      .Add("timeoutSeconds", std::to_string(seconds.count()))
      .Add("labelSelector", request.label_selector)
      .Add("fieldSelector", request.field_selector)
      .Add("resourceVersion", request.resource_version);
  HttpCall call{.target = PathOf(request.type, request.namespace_name, "") + query.text(),
                .headers = {{"Accept", "application/json"}}};
  call.deadline = options_.deadline;
  call.silence = options_.watch_silence;
  call.max_response = options_.max_watch_line;
  auto reader =
      std::make_shared<WatchReader>(request.type, options_.max_watch_line, std::move(sink));
  return std::make_unique<StreamedWatch>(http_.Stream(std::move(call), std::move(reader)));
}

}  // namespace midwatch::kube
