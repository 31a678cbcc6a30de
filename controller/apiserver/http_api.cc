#include "controller/apiserver/http_api.h"

#include <mutex>
#include <optional>

#include "controller/apiserver/discovery.h"
#include "controller/apiserver/http_definitions.h"
#include "controller/apiserver/http_exchange.h"
#include "controller/apiserver/http_resources.h"
#include "controller/apiserver/http_review.h"
#include "controller/apiserver/http_status.h"
#include "controller/apiserver/openapi.h"
#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kOpenApiV2Type =
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

bool Impersonates(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (ToLower(name).starts_with("impersonate-")) {
      return true;
    }
  }
  return false;
}

bool IsRead(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

HttpResponse NotAllowed() {
  return StatusAnswer({ErrorCode::kMethodNotAllowed,
                       "the server does not allow this method on the requested resource"});
}

HttpResponse FixedAnswer(const HttpRequest& request, const FixedDocument& document,
                         DiscoveryForm form) {
  HttpResponse response;
  response.headers = {{"ETag", document.etag}, {"Cache-Control", "public"}, {"Vary", "Accept"}};
  if (request.Header("If-None-Match") == document.etag) {
    response.status = 304;
    return response;
  }
  std::string type = "application/json";
  if (form != DiscoveryForm::kLegacy) {
    type += form == DiscoveryForm::kAggregatedV2
                ? ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
                : ";g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
  }
  response.headers.emplace_back("Content-Type", type);
  response.body = document.body;
  return response;
}

HttpResponse PathIndex() {
  return JsonAnswer(200, R"({"paths":["/api","/api/v1","/apis","/healthz","/livez","/metrics",)"
                         R"("/openapi/v2","/openapi/v3","/readyz","/version"]})");
}

}  // namespace

struct HttpApi::Impl {
  explicit Impl(HttpApiParts given)
      : parts(std::move(given)),
        discovery(parts.api.registry()),
        definitions(parts.api.registry(), parts.clock.Read().wall),
        resources(parts) {}

  HttpResponse AnswerPath(const HttpExchange& exchange);
  HttpResponse AnswerDiscovery(const HttpExchange& exchange);
  HttpResponse AnswerVersion() const;
  HttpResponse AnswerHealth(const HttpExchange& exchange) const;
  HttpResponse AnswerOpenApi(const HttpExchange& exchange);
  HttpResponse AnswerOpenApiDocument(const HttpExchange& exchange);
  HttpResponse AnswerReviewOf(const HttpExchange& exchange);
  void AnswerDefinitions(const HttpExchange& exchange);
  HttpResponse DefinitionAnswer(const HttpExchange& exchange);
  void WatchDefinitions(const HttpExchange& exchange, const Accepted& accepted);
  const OpenApi& Documents();

  const HttpApiParts parts;
  const Discovery discovery;
  const Definitions definitions;
  const HttpResources resources;
  std::once_flag openapi_made;
  std::optional<OpenApi> openapi;  // Made at first use: many servers are never asked.
};

HttpApi::HttpApi(HttpApiParts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}
HttpApi::~HttpApi() = default;

std::optional<BodyPermit> HttpApi::PermitBody(const HttpRequest& head) {
  const auto identity = impl_->parts.tokens.Authenticate(head.Header("Authorization"));
  if (!identity || identity->kind == Identity::Kind::kAnonymous) {
    return BodyPermit{0, StatusAnswer({ErrorCode::kUnauthorized, "Unauthorized"})};
  }
  if (const auto encoding = head.Header("Content-Encoding");
      !encoding.empty() && ToLower(encoding) != "identity") {
    return BodyPermit{0, StatusAnswer({ErrorCode::kUnsupportedMediaType,
                                       "bodies that are compressed are not read"})};
  }
  const std::size_t most = identity->IsAdministrator() ? kMaxRequestBytes : kMaxAgentRequestBytes;
  return BodyPermit{most,
                    StatusAnswer({ErrorCode::kTooLarge,
                                  "Request entity too large: limit is " + std::to_string(most)})};
}

void HttpApi::Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) {
  HttpExchange exchange{std::move(request), {}, {}, {}, std::move(responder)};
  const std::string_view target = exchange.request.target;
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const auto prepare = [&]() -> Result<void> {
    auto identity = impl_->parts.tokens.Authenticate(exchange.request.Header("Authorization"));
    if (!identity) {
      return Fail(ErrorCode::kUnauthorized, "Unauthorized");
    }
    exchange.identity = *std::move(identity);
    if (Impersonates(exchange.request)) {
      return Fail(ErrorCode::kForbidden, "impersonation is not supported by this server");
    }
    MIDWATCH_ASSIGN(exchange.route, FindRoute(impl_->parts.api.registry(), path));
    if (mark != std::string_view::npos) {
      MIDWATCH_ASSIGN(exchange.query, HttpQuery::Parse(target.substr(mark + 1)));
    }
    return {};
  };
  if (const auto prepared = prepare(); !prepared) {
    return exchange.Answer(StatusAnswer(prepared.error()));
  }
  switch (exchange.route.endpoint) {
    case Endpoint::kCollection:
      return impl_->resources.Collection(std::move(exchange));
    case Endpoint::kItem:
      return impl_->resources.Item(std::move(exchange));
    default:
      break;
  }
  const auto allowed =
      impl_->parts.api.CheckPath(exchange.identity, ToLower(exchange.request.method), path);
  // Reviews are about the caller, whoever it is.
  if (!allowed && exchange.route.endpoint != Endpoint::kReview) {
    return exchange.Answer(StatusAnswer(allowed.error()));
  }
  if (exchange.route.endpoint == Endpoint::kDefinitions) {
    return impl_->AnswerDefinitions(exchange);
  }
  exchange.Answer(impl_->AnswerPath(exchange));
}

HttpResponse HttpApi::Impl::AnswerPath(const HttpExchange& exchange) {
  const Endpoint endpoint = exchange.route.endpoint;
  if (endpoint == Endpoint::kReview) {
    return AnswerReviewOf(exchange);
  }
  if (endpoint == Endpoint::kNothing) {
    return PageNotFound();
  }
  if (!IsRead(exchange.request)) {
    return NotAllowed();
  }
  switch (endpoint) {
    case Endpoint::kRoot:
      return PathIndex();
    case Endpoint::kVersion:
      return AnswerVersion();
    case Endpoint::kHealth:
      return AnswerHealth(exchange);
    case Endpoint::kMetrics:
      return parts.metrics == nullptr ? PageNotFound() : TextAnswer(200, parts.metrics());
    case Endpoint::kOpenApiV2:
    case Endpoint::kOpenApiV3Index:
      return AnswerOpenApi(exchange);
    case Endpoint::kOpenApiV3:
      return AnswerOpenApiDocument(exchange);
    default:
      return AnswerDiscovery(exchange);
  }
}

HttpResponse HttpApi::Impl::AnswerDiscovery(const HttpExchange& exchange) {
  const Route& route = exchange.route;
  const auto form = NegotiateDiscovery(exchange.request.Header("Accept"));
  if (!form) {
    return StatusAnswer(form.error());
  }
  if (route.endpoint == Endpoint::kCoreVersions) {
    return FixedAnswer(exchange.request, discovery.CoreVersions(*form), *form);
  }
  if (route.endpoint == Endpoint::kGroups) {
    return FixedAnswer(exchange.request, discovery.Groups(*form), *form);
  }
  const FixedDocument* document =
      route.endpoint == Endpoint::kGroup
          ? discovery.Group(route.group)
          : discovery.ResourceList(route.group.empty() ? route.version
                                                       : route.group + "/" + route.version);
  return document == nullptr ? PageNotFound()
                             : FixedAnswer(exchange.request, *document, DiscoveryForm::kLegacy);
}

HttpResponse HttpApi::Impl::AnswerVersion() const {
  const auto parts_of = Split(std::string_view(parts.git_version).substr(1), '.');
  const Json version = Json::Of({{"major", parts_of[0]},
                                 {"minor", parts_of.size() > 1 ? parts_of[1] : "0"},
                                 {"gitVersion", parts.git_version},
                                 {"gitCommit", ""},
                                 {"gitTreeState", "clean"},
                                 {"buildDate", "1970-01-01T00:00:00Z"},
                                 {"goVersion", ""},
                                 {"compiler", "c++"},
                                 {"platform", "linux/amd64"}});
  return JsonAnswer(200, version.Dump());
}

HttpResponse HttpApi::Impl::AnswerHealth(const HttpExchange& exchange) const {
  const std::string why =
      exchange.route.name != "livez" && parts.not_ready != nullptr ? parts.not_ready() : "";
  if (!why.empty()) {
    return TextAnswer(503,
                      "[-]storage failed: " + why + "\n" + exchange.route.name + " check failed\n");
  }
  const bool verbose = exchange.query.Has("verbose");
  return TextAnswer(
      200,
      verbose ? "[+]ping ok\n[+]storage ok\n" + exchange.route.name + " check passed\n" : "ok");
}

const OpenApi& HttpApi::Impl::Documents() {
  std::call_once(openapi_made, [this] { openapi.emplace(parts.api.registry()); });
  return *openapi;
}

HttpResponse HttpApi::Impl::AnswerOpenApi(const HttpExchange& exchange) {
  if (exchange.route.endpoint == Endpoint::kOpenApiV3Index) {
    const OpenApi& documents = Documents();
    return FixedAnswer(exchange.request, {documents.index(), "\"" + documents.index_hash() + "\""},
                       DiscoveryForm::kLegacy);
  }
  // Clients before 1.29 want a document in this form before they do anything; no bytes are an empty
  // one.
  HttpResponse response;
  response.headers = {{"Content-Type", std::string(kOpenApiV2Type)}};
  return response;
}

HttpResponse HttpApi::Impl::AnswerOpenApiDocument(const HttpExchange& exchange) {
  const OpenApi::Document* document = Documents().Find(exchange.route.name);
  if (document == nullptr) {
    return PageNotFound();
  }
  const std::string& asked = exchange.query.Get("hash");
  if (!asked.empty() && asked != document->hash) {
    HttpResponse moved;
    moved.status = 301;
    moved.headers = {
        {"Location", "/openapi/v3/" + exchange.route.name + "?hash=" + document->hash}};
    return moved;
  }
  HttpResponse response = FixedAnswer(
      exchange.request, {document->body, "\"" + document->hash + "\""}, DiscoveryForm::kLegacy);
  response.headers[1].second =
      asked.empty() ? "no-cache, private" : "public, immutable, max-age=31536000";
  return response;
}

HttpResponse HttpApi::Impl::AnswerReviewOf(const HttpExchange& exchange) {
  if (exchange.request.method != "POST") {
    return NotAllowed();
  }
  if (exchange.identity.kind == Identity::Kind::kAnonymous) {
    return StatusAnswer({ErrorCode::kUnauthorized, "Unauthorized"});
  }
  auto body = ReadBody(exchange.request, YamlOf(exchange.identity, parts.yaml));
  if (!body) {
    return StatusAnswer(body.error());
  }
  const auto review =
      AnswerReview(parts.api, exchange.identity, exchange.route.name, std::move(body->value));
  return review ? JsonAnswer(201, review->Dump()) : StatusAnswer(review.error());
}

// ---- CustomResourceDefinitions ----

void HttpApi::Impl::AnswerDefinitions(const HttpExchange& exchange) {
  const bool watch =
      exchange.query.Flag("watch") && exchange.route.name.empty() && IsRead(exchange.request);
  const auto accepted =
      Negotiate(exchange.request.Header("Accept"), exchange.route.name.empty() && !watch);
  if (!accepted) {
    return exchange.Answer(StatusAnswer(accepted.error()));
  }
  watch ? WatchDefinitions(exchange, *accepted) : exchange.Answer(DefinitionAnswer(exchange));
}

HttpResponse HttpApi::Impl::DefinitionAnswer(const HttpExchange& exchange) {
  const std::string& name = exchange.route.name;
  const std::string resource = definitions.resource().type.Resource();
  if (exchange.request.method == "POST" && name.empty()) {
    const auto body = ReadBody(exchange.request, parts.yaml);
    const std::string wanted = body ? body->value.At("metadata", "name").AsString() : "";
    if (definitions.Find(wanted) != nullptr) {
      return StatusAnswer(
          {ErrorCode::kAlreadyExists, resource + " " + Quote(wanted) + " already exists"});
    }
  }
  if (!IsRead(exchange.request)) {
    return StatusAnswer({ErrorCode::kMethodNotAllowed,
                         "the definitions of this server come with it and cannot be changed"});
  }
  const Accepted accepted = *Negotiate(exchange.request.Header("Accept"), name.empty());
  const TableForm table{&definitions.resource(), accepted.api_version};
  auto selected =
      definitions.Select(exchange.query.Get("labelSelector"), exchange.query.Get("fieldSelector"));
  if (!selected) {
    return StatusAnswer(selected.error());
  }
  std::vector<Object> shown = *std::move(selected);
  if (!name.empty()) {
    const Object* found = definitions.Find(name);
    if (found == nullptr) {
      return StatusAnswer({ErrorCode::kNotFound, resource + " " + Quote(name) + " not found"});
    }
    shown = {*found};
  }
  const ListHead head{std::string(Definitions::kVersion)};
  if (accepted.form == Form::kTable) {
    return JsonAnswer(200, MakeTable(table, head, shown, parts.clock.Read().wall));
  }
  if (!name.empty()) {
    return JsonAnswer(200, accepted.form == Form::kPartial
                               ? MakePartial(shown[0], accepted.api_version)
                               : shown[0].bytes());
  }
  if (accepted.form == Form::kPartial) {
    return JsonAnswer(200, MakePartialList(head, shown, accepted.api_version));
  }
  std::string body =
      R"({"kind":"CustomResourceDefinitionList","apiVersion":"apiextensions.k8s.io/v1",)"
      R"("metadata":{"resourceVersion":"1"},"items":[)";
  for (std::size_t i = 0; i < shown.size(); ++i) {
    body += (i == 0 ? "" : ",") + shown[i].bytes();
  }
  return JsonAnswer(200, body + "]}");
}

void HttpApi::Impl::WatchDefinitions(const HttpExchange& exchange, const Accepted& accepted) {
  const auto shown =
      definitions.Select(exchange.query.Get("labelSelector"), exchange.query.Get("fieldSelector"));
  if (!shown) {
    return exchange.Answer(StatusAnswer(shown.error()));
  }
  const auto timeout = ReadWatchTimeout(exchange);
  if (!timeout) {
    return exchange.Answer(StatusAnswer(timeout.error()));
  }
  WatchForm form{accepted, {&definitions.resource(), accepted.api_version}};
  form.bookmarks = exchange.query.Flag("allowWatchBookmarks");
  form.initial_events = exchange.query.Flag("sendInitialEvents");
  const auto watch = std::make_shared<HttpWatch>(form, parts.clock);
  const std::string version(Definitions::kVersion);
  const std::string& since = exchange.query.Get("resourceVersion");
  if (form.initial_events || since.empty() || since == "0") {
    for (const Object& object : *shown) {
      watch->OnEvent({WatchEventType::kAdded, object, version});
    }
  }
  if (form.initial_events) {
    watch->OnEvent({WatchEventType::kBookmark, {}, version});
  }
  if (const auto opened = OpenWatch(*exchange.responder, watch, nullptr, parts.deadlines, *timeout);
      !opened) {
    exchange.Answer(StatusAnswer(opened.error()));
  }
}

}  // namespace midwatch::apiserver
