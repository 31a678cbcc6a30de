#include "controller/artifacts/artifact_service.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "controller/artifacts/fair_turns.h"
#include "controller/artifacts/log_followers.h"
#include "controller/base/digest.h"
#include "controller/base/error_table.h"
#include "controller/base/text.h"
#include "controller/object/json.h"

namespace midwatch::artifacts {
namespace {

using Kind = ArtifactRoute::Kind;
using Verb = ArtifactAccess::Verb;

HttpResponse JsonAnswer(int status, const Json& body) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = body.Dump();
  return response;
}

HttpResponse Failure(const Error& error) {
  const ErrorRow& row = RowOf(error.code);
  HttpResponse response = JsonAnswer(row.http_status, Json::Of({{"kind", "Status"},
                                                                {"apiVersion", "v1"},
                                                                {"metadata", Json::EmptyObject()},
                                                                {"status", "Failure"},
                                                                {"message", error.message},
                                                                {"reason", row.reason},
                                                                {"code", row.http_status}}));
  if (error.code == ErrorCode::kTooManyRequests || error.code == ErrorCode::kUnavailable) {
    response.headers.emplace_back("Retry-After", "1");
  }
  return response;
}

HttpResponse Bytes(std::string bytes) {
  HttpResponse response;
  response.headers = {{"Content-Type", "application/octet-stream"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Content-Disposition", "attachment"}};
  response.body = std::move(bytes);
  return response;
}

Result<Verb> VerbOf(const std::string& method, Kind kind) {
  if (method == "GET") {
    return kind == Kind::kSearch ? Verb::kSearch : Verb::kRead;
  }
  const bool writes =
      (method == "PUT" && kind == Kind::kBlob) || (method == "POST" && kind == Kind::kLog);
  if (!writes) {
    return Fail(ErrorCode::kMethodNotAllowed,
                Quote(Utf8Prefix(method, 20)) + " is not possible here");
  }
  return Verb::kWrite;
}

Result<void> CheckNames(const ArtifactRoute& route) {
  switch (route.kind) {
    case Kind::kBlob:
      return CheckDigest(route.name);
    case Kind::kLog:
      return CheckLogName(route.name);
    default:
      if (route.name.empty() || route.text.empty()) {
        return Fail(ErrorCode::kBadRequest, "search: expected log and text");
      }
      return {};
  }
}

/// A good request, taken apart.
struct Asked {
  ArtifactRoute route;
  ArtifactAccess access;
};

Result<Asked> Understand(const HttpRequest& request) {
  Asked asked;
  MIDWATCH_ASSIGN(asked.route, ParseArtifactRoute(request.target));
  MIDWATCH_ASSIGN(const Verb verb, VerbOf(request.method, asked.route.kind));
  MIDWATCH_TRY(CheckNames(asked.route));
  const bool blob = asked.route.kind == Kind::kBlob;
  asked.access = {.verb = verb,
                  .authorization = std::string(request.Header("Authorization")),
                  .object = std::string(request.Header(kObjectHeader)),
                  .digest = blob ? asked.route.name : "",
                  .log = blob ? "" : asked.route.name,
                  .bytes = request.body.size()};
  return asked;
}

}  // namespace

/// What answers later may ask of others only while there is a service. Thread-safe.
class OpenHours {
 public:
  /// Makes the call, unless the end has come.
  template <typename F>
  void While(F call) {
    {
      const std::scoped_lock lock(mutex_);
      if (ended_) {
        return;
      }
      ++calls_;
    }
    call();
    const std::scoped_lock lock(mutex_);
    --calls_;
    none_.notify_all();
  }
  /// Returns when nothing is being called any more.
  void End() {
    std::unique_lock lock(mutex_);
    ended_ = true;
    none_.wait(lock, [this] { return calls_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int calls_ = 0;
  bool ended_ = false;
};

struct ArtifactService::State : std::enable_shared_from_this<State> {
  explicit State(Ports given)
      : ports(std::move(given)), followers(std::make_shared<LogFollowers>(ports.store)) {}

  /// One request and how it is answered.
  struct Exchange {
    ArtifactRoute route;
    ArtifactAccess access;
    std::string body;
    std::unique_ptr<HttpResponder> responder;
    FairTurns::Turn turn;  // While the store works on it.
  };
  using ExchangePtr = std::shared_ptr<Exchange>;  // With the completion that answers it.

  void Begin(Asked asked, const ExchangePtr& exchange) {
    exchange->route = std::move(asked.route);
    exchange->access = std::move(asked.access);
    ports.authorize(exchange->access,
                    [self = shared_from_this(), exchange](const Result<void>& allowed) {
                      if (allowed) {
                        self->Await(exchange);
                      } else {
                        exchange->responder->Respond(Failure(allowed.error()));
                      }
                    });
  }

  /// Its caller's turn with the store.
  void Await(const ExchangePtr& exchange) {
    const bool waits = turns->Enter(exchange->access.authorization, exchange->body.size(),
                                    [self = shared_from_this(), exchange](FairTurns::Turn turn) {
                                      exchange->turn = std::move(turn);
                                      self->Serve(exchange);
                                    });
    if (!waits) {
      exchange->responder->Respond(Failure(
          {ErrorCode::kTooManyRequests, "too many calls are waiting, please try again later"}));
    }
  }

  void Serve(const ExchangePtr& exchange) {
    const bool reads = exchange->access.verb == Verb::kRead;
    switch (exchange->route.kind) {
      case Kind::kBlob:
        return reads ? Get(exchange) : Put(exchange);
      case Kind::kLog:
        return reads ? Read(exchange) : Append(exchange);
      case Kind::kSearch:
        return Search(exchange);
    }
  }

  void Get(const ExchangePtr& exchange) {
    ports.store.Get(exchange->route.name, [exchange](Result<std::string> bytes) {
      exchange->responder->Respond(bytes ? Bytes(*std::move(bytes)) : Failure(bytes.error()));
    });
  }

  void Put(const ExchangePtr& exchange) {
    const std::string digest = DigestOf(exchange->body);
    if (digest != exchange->route.name) {
      exchange->responder->Respond(
          Failure({ErrorCode::kInvalid, "the content has the digest " + digest}));
      return;
    }
    ports.store.Put(std::move(exchange->body), [self = shared_from_this(),
                                                exchange](const Result<std::string>& stored) {
      if (stored && self->ports.stored) {
        self->open.While([&] { self->ports.stored(exchange->access); });
      }
      exchange->responder->Respond(stored ? JsonAnswer(201, Json::Of({{"digest", *stored}}))
                                          : Failure(stored.error()));
    });
  }

  void Append(const ExchangePtr& exchange) {
    const ArtifactRoute& route = exchange->route;
    ports.store.Append(route.name, route.offset, std::move(exchange->body),
                       [self = shared_from_this(), exchange](const Result<std::uint64_t>& end) {
                         if (!end) {
                           exchange->responder->Respond(Failure(end.error()));
                           return;
                         }
                         const auto number = static_cast<std::int64_t>(*end);
                         exchange->responder->Respond(JsonAnswer(200, Json::Of({{"end", number}})));
                         self->followers->Appended(exchange->route.name);
                       });
  }

  void Read(const ExchangePtr& exchange) {
    const ArtifactRoute& route = exchange->route;
    if (route.follow) {
      followers->Follow(
          route.name, route.offset, std::move(exchange->responder), Failure,
          [self = weak_from_this(), access = exchange->access](auto done) {
            if (const auto state = self.lock()) {
              state->open.While([&] { state->ports.authorize(access, std::move(done)); });
            }
          });
      return;
    }
    const std::uint64_t limit = route.limit == 0 ? kMaxReadBytes : route.limit;
    ports.store.Read(
        route.name, route.offset,
        static_cast<std::size_t>(std::min<std::uint64_t>(limit, kMaxReadBytes)),
        [exchange](Result<std::string> bytes) {
          exchange->responder->Respond(bytes ? Bytes(*std::move(bytes)) : Failure(bytes.error()));
        });
  }

  void Search(const ExchangePtr& exchange) {
    if (!ports.search) {
      exchange->responder->Respond(
          Failure({ErrorCode::kNotFound, "this store cannot be searched"}));
      return;
    }
    const ArtifactRoute& route = exchange->route;
    const std::uint64_t limit = route.limit == 0 ? kMaxMatches : route.limit;
    open.While([&] {
      ports.search(route.name, route.text,
                   static_cast<std::size_t>(std::min<std::uint64_t>(limit, kMaxMatches)),
                   [exchange](const Result<std::vector<LogMatch>>& found) {
                     exchange->responder->Respond(found ? Matches(*found) : Failure(found.error()));
                   });
    });
  }

  static HttpResponse Matches(const std::vector<LogMatch>& found) {
    Json items = Json::EmptyArray();
    for (const LogMatch& match : found) {
      items.Append(Json::Of({{"log", match.log},
                             {"offset", static_cast<std::int64_t>(match.offset)},
                             {"line", match.line}}));
    }
    return JsonAnswer(200, Json::Of({{"items", std::move(items)}}));
  }

  Ports ports;
  OpenHours open;
  std::shared_ptr<LogFollowers> followers;  // With reads that are under way.
  const std::shared_ptr<FairTurns> turns = std::make_shared<FairTurns>();
};

ArtifactService::ArtifactService(Ports ports) : state_(std::make_shared<State>(std::move(ports))) {}

ArtifactService::~ArtifactService() {
  state_->turns->Stop();
  state_->followers->Stop();
  state_->open.End();
}

std::size_t ArtifactService::followers() const { return state_->followers->size(); }

std::optional<BodyPermit> ArtifactService::PermitBody(const HttpRequest& head) {
  const Result<Asked> asked = Understand(head);
  if (!asked) {
    return BodyPermit{0, Failure(asked.error())};
  }
  const auto& foresee = state_->ports.foresee;
  if (const Result<void> may = foresee ? foresee(asked->access) : Result<void>(); !may) {
    return BodyPermit{0, Failure(may.error())};
  }
  const std::size_t most = asked->route.kind == Kind::kBlob ? kMaxArtifactBytes : kMaxAppendBytes;
  return BodyPermit{most, Failure({ErrorCode::kTooLarge, "the body may have at most " +
                                                             std::to_string(most) + " bytes"})};
}

void ArtifactService::Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) {
  Result<Asked> asked = Understand(request);
  if (!asked) {
    responder->Respond(Failure(asked.error()));
    return;
  }
  const auto exchange = std::make_shared<State::Exchange>();
  exchange->body = std::move(request.body);
  exchange->responder = std::move(responder);
  state_->Begin(*std::move(asked), exchange);
}

}  // namespace midwatch::artifacts
