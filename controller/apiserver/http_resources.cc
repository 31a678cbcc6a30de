#include "controller/apiserver/http_resources.h"

#include <utility>

#include "controller/apiserver/http_status.h"
#include "controller/apiserver/status_errors.h"
#include "controller/base/text.h"
#include "controller/object/stored_bytes.h"

namespace midwatch::apiserver {
namespace {

Error MethodNotAllowed(const ResourceInfo& resource, std::string_view verb) {
  Json details = Json::Of({{"kind", resource.type.plural}});
  if (!resource.type.group.empty()) {
    details.Set("group", resource.type.group);
  }
  return {ErrorCode::kMethodNotAllowed,
          std::string(verb) + " is not supported on resources of kind " +
              Quote(resource.type.Resource()),
          details.Dump()};
}

std::string_view VerbOf(std::string_view method) {
  return method == "POST"    ? "create"
         : method == "PUT"   ? "update"
         : method == "PATCH" ? "patch"
                             : "delete";
}

RowObject RowObjectOf(const HttpQuery& query) {
  const std::string& wanted = query.Get("includeObject");
  return wanted == "Object" ? RowObject::kFull
         : wanted == "None" ? RowObject::kNone
                            : RowObject::kMetadata;
}

TableForm TableOf(const HttpExchange& exchange, const Accepted& accepted) {
  return {exchange.route.target.resource, accepted.api_version, RowObjectOf(exchange.query)};
}

Error BadListOption(const schema::FieldError& error) {
  return InvalidOptions("ListOptions", error);
}

Result<VersionMatch> ReadMatch(const HttpQuery& query) {
  const std::string& text = query.Get("resourceVersionMatch");
  const std::string& version = query.Get("resourceVersion");
  if (text.empty()) {
    return VersionMatch::kUnset;
  }
  if (version.empty()) {
    return Fail(BadListOption(
        schema::Forbidden("resourceVersionMatch",
                          "resourceVersionMatch is forbidden unless resourceVersion is provided")));
  }
  if (!query.Get("continue").empty()) {
    return Fail(BadListOption(schema::Forbidden(
        "resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")));
  }
  if (text == "NotOlderThan") {
    return VersionMatch::kNotOlderThan;
  }
  if (text != "Exact") {
    return Fail(BadListOption(
        schema::NotSupported("resourceVersionMatch", Json(text), {"Exact", "NotOlderThan", ""})));
  }
  if (version == "0") {
    return Fail(BadListOption(schema::Forbidden(
        "resourceVersionMatch",
        "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"")));
  }
  return VersionMatch::kExact;
}

Result<ListCall> ReadList(const HttpExchange& exchange) {
  const HttpQuery& query = exchange.query;
  if (query.Has("sendInitialEvents")) {
    return Fail(BadListOption(
        schema::Forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")));
  }
  ListCall call;
  call.identity = exchange.identity;
  call.target = exchange.route.target;
  call.label_selector = query.Get("labelSelector");
  call.field_selector = query.Get("fieldSelector");
  call.continue_token = query.Get("continue");
  call.resource_version = query.Get("resourceVersion");
  MIDWATCH_ASSIGN(call.limit, query.Number("limit"));
  MIDWATCH_ASSIGN(call.match, ReadMatch(query));
  if (!call.continue_token.empty() && !call.resource_version.empty() &&
      call.resource_version != "0") {
    return Fail(ErrorCode::kBadRequest,
                "specifying resource version is not allowed when using continue");
  }
  return call;
}

std::vector<Object> ObjectsOf(const ListAnswer& answer) {
  std::vector<Object> objects;
  objects.reserve(answer.items.size());
  for (const VersionPtr& item : answer.items) {
    objects.push_back(item->object());
  }
  return objects;
}

HttpResponse ListResponse(const HttpExchange& exchange, const Accepted& accepted,
                          const ListAnswer& answer, WallTime now) {
  std::string body;
  const ListHead head{std::to_string(answer.revision), answer.continue_token, answer.remaining};
  switch (accepted.form) {
    case Form::kTable:
      body = MakeTable(TableOf(exchange, accepted), head, ObjectsOf(answer), now);
      break;
    case Form::kPartial:
      body = MakePartialList(head, ObjectsOf(answer), accepted.api_version);
      break;
    case Form::kObject:
      body = SerializeList(*exchange.route.target.resource, answer);
      break;
  }
  HttpResponse response = JsonAnswer(200, std::move(body));
  response.headers[0].second = accepted.content_type;
  return response;
}

HttpResponse ObjectResponse(const HttpExchange& exchange, const Accepted& accepted, int status,
                            const Object& object, WallTime now) {
  std::string body;
  switch (accepted.form) {
    case Form::kTable:
      body = MakeTable(TableOf(exchange, accepted), {object.resource_version()}, {object}, now);
      break;
    case Form::kPartial:
      body = MakePartial(object, accepted.api_version);
      break;
    case Form::kObject:
      body = object.bytes();
      break;
  }
  HttpResponse response = JsonAnswer(status, std::move(body));
  response.headers[0].second = accepted.content_type;
  return response;
}

/// The Status that answers a deletion which left nothing.
std::string DeletedStatus(const ResourceType& type, const Object& object) {
  Json details = Json::Of({{"name", object.name()}, {"kind", type.plural}, {"uid", object.uid()}});
  if (!type.group.empty()) {
    details.Set("group", type.group);
  }
  return Json::Of({{"kind", "Status"},
                   {"apiVersion", "v1"},
                   {"metadata", Json::EmptyObject()},
                   {"status", "Success"},
                   {"details", std::move(details)}})
      .Dump();
}

Result<WatchCall> ReadWatch(const HttpExchange& exchange) {
  const HttpQuery& query = exchange.query;
  WatchCall call;
  call.identity = exchange.identity;
  call.target = exchange.route.target;
  call.label_selector = query.Get("labelSelector");
  call.field_selector = query.Get("fieldSelector");
  call.resource_version = query.Get("resourceVersion");
  call.bookmarks = query.Flag("allowWatchBookmarks");
  call.send_initial_events = query.Flag("sendInitialEvents");
  const std::string& match = query.Get("resourceVersionMatch");
  if (!query.Get("continue").empty()) {
    return Fail(BadListOption(schema::Forbidden("continue", "continue is forbidden for watch")));
  }
  if (query.Has("sendInitialEvents") && match != "NotOlderThan") {
    return Fail(BadListOption(schema::Forbidden(
        "resourceVersionMatch",
        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")));
  }
  if (!query.Has("sendInitialEvents") && !match.empty()) {
    return Fail(BadListOption(schema::Forbidden(
        "resourceVersionMatch",
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")));
  }
  return call;
}

}  // namespace

void HttpResources::Collection(HttpExchange exchange) const {
  const HttpRequest& request = exchange.request;
  const ResourceInfo& resource = *exchange.route.target.resource;
  Result<void> done;
  if (request.method == "GET" || request.method == "HEAD") {
    const bool watch = exchange.route.watch || exchange.query.Flag("watch");
    done = watch ? Watch(exchange) : List(exchange);
  } else if (request.method == "POST" &&
             (!resource.type.namespaced || !exchange.route.target.namespace_name.empty())) {
    done = Write(exchange);
  } else if (request.method == "DELETE") {
    done = DeleteCollection(exchange);
  } else if (request.method == "PUT" || request.method == "PATCH") {
    done = Fail(ErrorCode::kBadRequest, "name must be provided");
  } else {
    done = Fail(MethodNotAllowed(resource, request.method == "POST" ? "create" : request.method));
  }
  if (!done) {
    exchange.Answer(StatusAnswer(done.error()));
  }
}

void HttpResources::Item(HttpExchange exchange) const {
  const std::string& method = exchange.request.method;
  const Target& target = exchange.route.target;
  const bool status = target.subresource == "status";
  Result<void> done;
  if (!target.subresource.empty() && !(status && target.resource->has_status)) {
    done = Fail(ErrorCode::kNotFound, "the server could not find the requested resource");
  } else if (method == "GET" || method == "HEAD") {
    done = exchange.route.watch ? Watch(exchange) : Get(exchange);
  } else if (method == "PUT" || method == "PATCH" || (method == "DELETE" && !status)) {
    done = Write(exchange);
  } else {
    done = Fail(MethodNotAllowed(*target.resource, method == "POST" ? "create" : ToLower(method)));
  }
  if (!done) {
    exchange.Answer(StatusAnswer(done.error()));
  }
}

Result<void> HttpResources::Get(HttpExchange& exchange) const {
  MIDWATCH_ASSIGN(const Accepted accepted, Negotiate(exchange.request.Header("Accept"), false));
  MIDWATCH_ASSIGN(const VersionPtr found, parts_.api.Get({exchange.identity, exchange.route.target,
                                                          exchange.query.Get("resourceVersion")}));
  exchange.Answer(
      ObjectResponse(exchange, accepted, 200, found->object(), parts_.clock.Read().wall));
  return {};
}

Result<void> HttpResources::List(HttpExchange& exchange) const {
  MIDWATCH_ASSIGN(const Accepted accepted, Negotiate(exchange.request.Header("Accept"), true));
  MIDWATCH_ASSIGN(const ListCall call, ReadList(exchange));
  MIDWATCH_ASSIGN(const ListAnswer answer, parts_.api.List(call));
  exchange.Answer(ListResponse(exchange, accepted, answer, parts_.clock.Read().wall));
  return {};
}

Result<void> HttpResources::Watch(HttpExchange& exchange) const {
  // A watch shows single objects, so clients ask for the form of one; some ask for the list's.
  const std::string_view accept = exchange.request.Header("Accept");
  const auto for_one = Negotiate(accept, false);
  MIDWATCH_ASSIGN(const Accepted accepted, for_one ? for_one : Negotiate(accept, true));
  WatchForm form{accepted, TableOf(exchange, accepted)};
  MIDWATCH_ASSIGN(const WatchCall call, ReadWatch(exchange));
  if (call.send_initial_events && form.accepted.form == Form::kTable) {
    return Fail(ErrorCode::kNotAcceptable, "a streaming list cannot be shown as a Table");
  }
  form.bookmarks = call.bookmarks;
  form.initial_events = call.send_initial_events;
  MIDWATCH_ASSIGN(const Duration timeout, ReadWatchTimeout(exchange));
  const auto watch = std::make_shared<HttpWatch>(std::move(form), parts_.clock);
  auto started = parts_.api.Watch(call, watch);
  if (!started) {
    if (started.error().code != ErrorCode::kExpired) {
      return Fail(started.error());
    }
    // Clients expect to be told on the stream.
    watch->OnEnd(started.error());
  }
  return OpenWatch(*exchange.responder, watch, started ? *std::move(started) : nullptr,
                   parts_.deadlines, timeout);
}

Result<void> HttpResources::Write(HttpExchange& exchange) const {
  const std::string& method = exchange.request.method;
  // Nothing is parsed for who may not write here at all.
  MIDWATCH_TRY(Authorize(exchange.identity, {VerbOf(method), exchange.route.target}));
  MIDWATCH_ASSIGN(const Accepted accepted, Negotiate(exchange.request.Header("Accept"), false));
  const YamlReader& yaml = YamlOf(exchange.identity, parts_.yaml);
  WriteCall call{exchange.identity, exchange.route.target, CreateBody{}, {}};
  MIDWATCH_ASSIGN(call.options, ReadWriteOptions(exchange.request, exchange.query));
  if (method == "PATCH") {
    MIDWATCH_ASSIGN(call.body,
                    ReadPatch(exchange.request, exchange.query, *call.target.resource, yaml));
  } else if (method == "DELETE") {
    MIDWATCH_ASSIGN(call.body,
                    ReadDelete(exchange.request, exchange.query, yaml, call.options.dry_run));
  } else {
    MIDWATCH_ASSIGN(ParsedJson parsed, ReadBody(exchange.request, yaml));
    if (method == "POST") {
      call.body = CreateBody{std::move(parsed.value), std::move(parsed.duplicates)};
    } else {
      call.body = UpdateBody{std::move(parsed.value), std::move(parsed.duplicates)};
    }
  }
  exchange.request.body = {};
  const bool dry_delete = method == "DELETE" && call.options.dry_run;
  const auto shared = std::make_shared<HttpExchange>(std::move(exchange));
  parts_.api.Write(std::move(call), [shared, accepted, dry_delete,
                                     &clock = parts_.clock](Result<WriteAnswer> answer) {
    if (!answer) {
      shared->Answer(StatusAnswer(answer.error()));
      return;
    }
    HttpResponse response =
        answer->gone || dry_delete
            ? JsonAnswer(200, DeletedStatus(shared->route.target.resource->type, answer->object))
            : ObjectResponse(*shared, accepted, answer->created ? 201 : 200, answer->object,
                             clock.Read().wall);
    for (const std::string& warning : answer->warnings) {
      response.headers.emplace_back("Warning", WarningValue(warning));
    }
    shared->Answer(std::move(response));
  });
  return {};
}

Result<void> HttpResources::DeleteCollection(HttpExchange& exchange) const {
  MIDWATCH_ASSIGN(const Accepted accepted, Negotiate(exchange.request.Header("Accept"), true));
  MIDWATCH_ASSIGN(ListCall what, ReadList(exchange));
  WriteOptions options;
  MIDWATCH_ASSIGN(DeleteBody how,
                  ReadDelete(exchange.request, exchange.query,
                             YamlOf(exchange.identity, parts_.yaml), options.dry_run));
  const auto shared = std::make_shared<HttpExchange>(std::move(exchange));
  parts_.api.DeleteCollection(
      std::move(what), std::move(how), options,
      [shared, accepted, &clock = parts_.clock](Result<ListAnswer> answer) {
        shared->Answer(answer ? ListResponse(*shared, accepted, *answer, clock.Read().wall)
                              : StatusAnswer(answer.error()));
      });
  return {};
}

}  // namespace midwatch::apiserver
