#include "controller/apiserver/http_api.h"

#include <gtest/gtest.h>

#include "controller/apiserver/http_test_world.h"
#include "controller/base/encoding.h"
#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

/// What came back of one request.
struct Taken {
  std::vector<HttpResponse> responses;
  std::string streamed;
  bool streaming = false;
  bool ended = false;
  bool may_stream = true;
  std::function<void()> closed;
};

class TakingStream final : public HttpStream {
 public:
  explicit TakingStream(std::shared_ptr<Taken> taken) : taken_(std::move(taken)) {}
  bool Write(std::string bytes) override {
    taken_->streamed += bytes;
    return !taken_->ended;
  }
  void End() override { taken_->ended = true; }

 private:
  std::shared_ptr<Taken> taken_;
};

class TakingResponder final : public HttpResponder {
 public:
  explicit TakingResponder(std::shared_ptr<Taken> taken) : taken_(std::move(taken)) {}
  void Respond(HttpResponse response) override { taken_->responses.push_back(std::move(response)); }
  std::shared_ptr<HttpStream> Stream(HttpResponse head, std::function<void()> closed) override {
    if (!taken_->may_stream) {
      return nullptr;
    }
    taken_->responses.push_back(std::move(head));
    taken_->streaming = true;
    taken_->closed = std::move(closed);
    return std::make_shared<TakingStream>(taken_);
  }

 private:
  std::shared_ptr<Taken> taken_;
};

struct Answer {
  int status = 0;
  Json body;
  std::string text;
  HttpHeaders headers;

  std::string Header(std::string_view name) const {
    for (const auto& [each, value] : headers) {
      if (each == name) {
        return value;
      }
    }
    return {};
  }
};

constexpr std::string_view kWidgets = "/apis/demo.example.io/v1/namespaces/default/widgets";
constexpr std::string_view kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

class HttpApiTest : public HttpTestWorld {
 protected:
  HttpApiTest()
      : api_([this] {
          HttpApiParts parts = Parts();
          parts.metrics = [] { return std::string("m 1\n"); };
          parts.not_ready = [this] { return not_ready_; };
          return parts;
        }()) {}

  /// As a server does with the connections that are left.
  ~HttpApiTest() override {
    for (const auto& taken : begun_) {
      if (const auto closed = std::exchange(taken->closed, nullptr)) {
        closed();
      }
    }
  }

  std::shared_ptr<Taken> Begin(std::string method, std::string target, std::string body = {},
                               HttpHeaders headers = {}) {
    auto taken = begun_.emplace_back(std::make_shared<Taken>());
    headers.emplace_back("Authorization", "Bearer " + token_);
    headers.emplace_back("User-Agent", "kubectl/v1.36");
    api_.Handle({std::move(method), std::move(target), std::move(headers), std::move(body), "test"},
                std::make_unique<TakingResponder>(taken));
    world_.Settle();
    return taken;
  }
  Answer Send(std::string method, std::string_view target, std::string body = {},
              HttpHeaders headers = {}) {
    const auto taken =
        Begin(std::move(method), std::string(target), std::move(body), std::move(headers));
    EXPECT_EQ(taken->responses.size(), 1U) << target;
    if (taken->responses.empty()) {
      return {};
    }
    HttpResponse& response = taken->responses[0];
    auto parsed = ParseJson(response.body);
    return {response.status, parsed ? *parsed : Json(), response.body, response.headers};
  }
  Answer Get(std::string_view target, std::string_view accept = "application/json") {
    return Send("GET", target, {}, {{"Accept", std::string(accept)}});
  }
  Answer CreateWidget(std::string_view name, std::string_view spec = R"({"color":"red"})") {
    return Send("POST", kWidgets, TestWorld::WidgetBody(name, spec).Dump());
  }
  std::vector<Json> Lines(const Taken& taken) {
    std::vector<Json> lines;
    for (const std::string_view line : Split(taken.streamed, '\n')) {
      if (!line.empty()) {
        lines.push_back(J(line));
      }
    }
    return lines;
  }

  std::string token_ = "secret";
  std::string not_ready_;
  HttpApi api_;
  std::vector<std::shared_ptr<Taken>> begun_;
};

// ---- who asks ----

TEST_F(HttpApiTest, HealthAndVersionAreForEverybodyTheRestIsNot) {
  const auto anonymous = [&](std::string target) {
    auto taken = std::make_shared<Taken>();
    api_.Handle({"GET", std::move(target), {}, {}, "test"},
                std::make_unique<TakingResponder>(taken));
    return taken->responses.at(0).status;
  };
  EXPECT_EQ(anonymous("/healthz"), 200);
  EXPECT_EQ(anonymous("/livez"), 200);
  EXPECT_EQ(anonymous("/readyz?verbose"), 200);
  EXPECT_EQ(anonymous("/version"), 200);
  for (const char* path : {"/metrics", "/api", "/apis", "/openapi/v3", "/nonsense"}) {
    EXPECT_TRUE(anonymous(path) == 401 || anonymous(path) == 403) << path << anonymous(path);
  }
  EXPECT_TRUE(anonymous(std::string(kWidgets)) == 401 || anonymous(std::string(kWidgets)) == 403);
}

TEST_F(HttpApiTest, AWrongTokenIsUnauthorizedEverywhere) {
  token_ = "wrong";
  const Answer answer = Get(kWidgets);
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, J(R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
                               "message":"Unauthorized","reason":"Unauthorized","code":401})"));
  EXPECT_EQ(Get("/healthz").status, 401);
}

TEST_F(HttpApiTest, WhoIsNotKnownMaySendNoBody) {
  const auto permit = [&](HttpHeaders headers) {
    return *api_.PermitBody({"POST", std::string(kWidgets), std::move(headers), {}, "test"});
  };
  const BodyPermit known = permit({{"Authorization", "Bearer secret"}});
  EXPECT_EQ(known.bytes, kMaxRequestBytes);
  EXPECT_EQ(known.beyond.status, 413);
  EXPECT_EQ(J(known.beyond.body).At("reason").AsString(), "RequestEntityTooLarge");
  for (const BodyPermit& unknown : {permit({}), permit({{"Authorization", "Bearer wrong"}})}) {
    EXPECT_EQ(unknown.bytes, 0U);
    EXPECT_EQ(unknown.beyond.status, 401);
  }
  const BodyPermit zipped =
      permit({{"Authorization", "Bearer secret"}, {"Content-Encoding", "gzip"}});
  EXPECT_EQ(zipped.bytes, 0U);
  EXPECT_EQ(zipped.beyond.status, 415);
}

TEST_F(HttpApiTest, RightsComeBeforeWhatIsInABody) {
  token_ = "";
  EXPECT_EQ(Send("POST", kWidgets, "{broken").status, 401);
}

TEST_F(HttpApiTest, ImpersonationIsRefusedNotIgnored) {
  const Answer answer = Send("GET", kWidgets, {}, {{"impersonate-User", "bob"}});
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body.At("reason").AsString(), "Forbidden");
}

TEST_F(HttpApiTest, ReadinessSaysWhy) {
  not_ready_ = "loading";
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(Get("/livez").status, 200);
  EXPECT_NE(Get("/readyz").text.find("loading"), std::string::npos);
}

TEST_F(HttpApiTest, ReviewsTellTheCallerWhoItIsAndWhatItMay) {
  const Answer who = Send("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
  EXPECT_EQ(who.status, 201);
  EXPECT_EQ(who.body.At("status", "userInfo", "username").AsString(), "midwatch:administrator");
  const Answer may = Send(
      "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      R"({"spec":{"resourceAttributes":{"verb":"create","group":"demo.example.io","resource":"widgets"}}})");
  EXPECT_EQ(may.body.At("status", "allowed"), Json(true));
  const Answer rules = Send("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
                            R"({"spec":{"namespace":"default"}})");
  EXPECT_EQ(rules.body.At("status", "resourceRules").Items()[0].At("verbs"), Json::ArrayOf({"*"}));
  EXPECT_EQ(Get("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").status, 405);
}

// ---- paths ----

struct PathCase {
  const char* method;
  std::string target;
  int status;
};

TEST_F(HttpApiTest, PathsLeadWhereKubernetesHasThem) {
  const std::string widgets(kWidgets);
  CreateWidget("w1");
  const PathCase cases[] = {
      {"GET", "/", 200},
      {"GET", "/metrics", 200},
      {"GET", "/nonsense", 404},
      {"GET", "/api/v2", 404},
      {"GET", "/apis/nowhere.io", 404},
      {"GET", "/apis/demo.example.io/v9/widgets", 404},
      {"GET", "/apis/demo.example.io/v1/gadgets", 404},
      {"GET", "/apis/demo.example.io/v1/widgets", 200},
      {"GET", "/apis/demo.example.io/v1/widgets/w1", 404},
      {"GET", "/apis/demo.example.io/v1/namespaces/default/zones", 404},
      {"GET", "/api/v1/namespaces/default", 200},
      {"GET", "/api/v1/namespaces/default/status", 200},
      {"GET", "/api/v1/namespaces/nowhere", 404},
      {"GET", "/api/v1/namespaces/nowhere/configmaps", 200},
      {"GET", widgets + "/w1", 200},
      {"HEAD", widgets + "/w1", 200},
      {"GET", widgets + "/w1/status", 200},
      {"GET", widgets + "/w1/nonsense", 404},
      {"POST", widgets + "/w1", 405},
      {"POST", widgets + "/w1/status", 405},
      {"DELETE", widgets + "/w1/status", 405},
      {"PUT", widgets, 400},
      {"PATCH", widgets, 400},
      {"POST", "/apis/demo.example.io/v1/widgets", 405},
      {"OPTIONS", widgets, 405},
      {"POST", "/version", 405},
      {"GET", widgets + "/%zz", 400},
      {"GET", widgets + "?limit=-1", 400},
      {"GET", widgets + "?limit=%zz", 400},
  };
  for (const PathCase& c : cases) {
    EXPECT_EQ(Send(c.method, c.target).status, c.status) << c.method << " " << c.target;
  }
}

// ---- forms ----

struct AcceptCase {
  std::string accept;
  int status;
  std::string kind;
};

TEST_F(HttpApiTest, ShowsObjectsInTheFormThatIsAccepted) {
  CreateWidget("w1");
  const AcceptCase lists[] = {
      {"", 200, "WidgetList"},
      {"*/*", 200, "WidgetList"},
      {"application/vnd.kubernetes.protobuf,application/json", 200, "WidgetList"},
      {"application/vnd.kubernetes.protobuf", 406, "Status"},
      {"application/cbor", 406, "Status"},
      {std::string(kTable), 200, "Table"},
      {"application/json;as=Table;v=v9;g=meta.k8s.io,application/json", 200, "WidgetList"},
      {"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", 200,
       "PartialObjectMetadataList"},
      {"application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", 406, "Status"},
      {"application/yaml", 200, "WidgetList"},
  };
  for (const AcceptCase& c : lists) {
    const Answer answer = Get(kWidgets, c.accept);
    EXPECT_EQ(answer.status, c.status) << c.accept;
    EXPECT_EQ(answer.body.At("kind").AsString(), c.kind) << c.accept;
  }
  const std::string one = std::string(kWidgets) + "/w1";
  EXPECT_EQ(Get(one, kTable).body.At("kind").AsString(), "Table");
  EXPECT_EQ(Get(one, "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
                .body.At("kind")
                .AsString(),
            "PartialObjectMetadata");
}

TEST_F(HttpApiTest, TablesHaveColumnsCellsAndTheObjectAskedFor) {
  CreateWidget("w1");
  world_.clock.Advance(std::chrono::seconds(56));
  const Json table = Get(kWidgets, kTable).body;
  EXPECT_EQ(table.At("columnDefinitions").Items()[0].At("format").AsString(), "name");
  EXPECT_EQ(table.At("columnDefinitions").Items()[1].At("name").AsString(), "Color");
  const Json row = table.At("rows").Items()[0];
  EXPECT_EQ(row.At("cells"), J(R"(["w1","red"])"));
  EXPECT_EQ(row.At("object", "kind").AsString(), "PartialObjectMetadata");
  EXPECT_EQ(row.At("object", "metadata", "name").AsString(), "w1");
  const std::string list(kWidgets);
  EXPECT_TRUE(
      Get(list + "?includeObject=None", kTable).body.At("rows").Items()[0].At("object").IsNull());
  EXPECT_EQ(Get(list + "?includeObject=Object", kTable)
                .body.At("rows")
                .Items()[0]
                .At("object", "spec", "color"),
            Json("red"));
  const Json namespaces = Get("/api/v1/namespaces", kTable).body;
  EXPECT_EQ(namespaces.At("rows").Items()[0].At("cells"), J(R"(["default","Active","56s"])"));
}

// ---- writes ----

TEST_F(HttpApiTest, CreatesReadsReplacesAndDeletes) {
  const Answer created = CreateWidget("w1");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.body.At("metadata", "managedFields").Items()[0].At("manager").AsString(),
            "kubectl");
  const Answer again = CreateWidget("w1");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.body.At("reason").AsString(), "AlreadyExists");
  EXPECT_EQ(again.body.At("details", "kind").AsString(), "widgets");

  Json changed = created.body;
  changed["spec"].Set("size", 17);
  const std::string one = std::string(kWidgets) + "/w1";
  const Answer replaced = Send("PUT", one, changed.Dump());
  EXPECT_EQ(replaced.status, 200);
  EXPECT_EQ(replaced.body.At("metadata", "generation"), Json(2));
  const Answer stale = Send("PUT", one, changed.Dump());
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.body.At("reason").AsString(), "Conflict");

  const Answer dry = Send("DELETE", one + "?dryRun=All");
  EXPECT_EQ(dry.body.At("status").AsString(), "Success");
  EXPECT_EQ(Get(one).status, 200);
  const Answer deleted =
      Send("DELETE", one, R"({"kind":"DeleteOptions","propagationPolicy":"Background"})");
  EXPECT_EQ(deleted.status, 200);
  EXPECT_TRUE(Contains(deleted.body, J(R"({"kind":"Status","status":"Success",
      "details":{"name":"w1","group":"demo.example.io","kind":"widgets"}})")));
  EXPECT_EQ(Get(one).status, 404);
}

TEST_F(HttpApiTest, ADeletionThatFinalizersHoldAnswersTheObject) {
  Json body = TestWorld::WidgetBody("w1", R"({"color":"red"})", R"({"finalizers":["a.io/b"]})");
  Send("POST", kWidgets, body.Dump());
  const Answer deleted = Send("DELETE", std::string(kWidgets) + "/w1");
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(deleted.body.At("kind").AsString(), "Widget");
  EXPECT_FALSE(deleted.body.At("metadata", "deletionTimestamp").IsNull());
}

TEST_F(HttpApiTest, PreconditionsOfADeletionAreHeldTo) {
  CreateWidget("w1");
  const Answer refused =
      Send("DELETE", std::string(kWidgets) + "/w1", R"({"preconditions":{"uid":"another"}})");
  EXPECT_EQ(refused.status, 409);
  for (const char* malformed :
       {R"({"preconditions":{"uid":["x"]}})", R"({"preconditions":{"resourceVersion":1}})",
        R"({"preconditions":{"uid":{}}})", R"({"preconditions":["x"]})"}) {
    EXPECT_EQ(Send("DELETE", std::string(kWidgets) + "/w1", malformed).status, 400) << malformed;
  }
  EXPECT_EQ(Get(std::string(kWidgets) + "/w1").status, 200);
}

TEST_F(HttpApiTest, DeletesACollection) {
  CreateWidget("w1");
  CreateWidget("w2");
  const Answer deleted =
      Send("DELETE", std::string(kWidgets) + "?fieldSelector=metadata.name%3Dw1");
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(deleted.body.At("items").Items().size(), 1U);
  EXPECT_EQ(Get(kWidgets).body.At("items").Items().size(), 1U);
}

struct PatchCase {
  std::string type;
  std::string target;
  std::string body;
  int status;
};

TEST_F(HttpApiTest, PatchesByContentType) {
  CreateWidget("w1");
  Send("POST", "/api/v1/namespaces/default/configmaps",
       R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1"}})");
  const std::string widget = std::string(kWidgets) + "/w1";
  const std::string map = "/api/v1/namespaces/default/configmaps/c";
  const PatchCase cases[] = {
      {"application/merge-patch+json", widget, R"({"spec":{"size":15}})", 200},
      {"application/merge-patch+json; charset=utf-8", widget, R"({"spec":{"size":16}})", 200},
      {"application/json-patch+json", widget,
       R"([{"op":"replace","path":"/spec/size","value":18}])", 200},
      {"application/json-patch+json", widget, R"([{"op":"test","path":"/spec/size","value":9}])",
       422},
      {"application/json-patch+json", widget, R"({"not":"an array"})", 400},
      {"application/strategic-merge-patch+json", widget, "{}", 415},
      {"application/strategic-merge-patch+json", map, R"({"data":{"b":"2"}})", 200},
      {"text/plain", widget, "{}", 415},
      {"application/json", widget, "{}", 415},
      {"application/merge-patch+json", widget, "{broken", 400},
      {"application/merge-patch+json", widget + "?force=true", "{}", 422},
      {"application/merge-patch+json", widget + "?dryRun=Some", "{}", 422},
      {"application/merge-patch+json", widget + "?fieldValidation=Perhaps", "{}", 422},
      {"application/merge-patch+json", widget + "?fieldManager=" + std::string(129, 'm'), "{}",
       422},
      {"application/apply-patch+yaml", widget,
       R"({"apiVersion":"demo.example.io/v1","kind":"Widget"})", 422},
      {"application/apply-patch+yaml", widget + "?fieldManager=m&force=true",
       R"({"apiVersion":"demo.example.io/v1","kind":"Widget","spec":{"color":"blue"}})", 200},
      {"application/apply-patch+yaml", std::string(kWidgets) + "/new?fieldManager=m",
       R"({"apiVersion":"demo.example.io/v1","kind":"Widget","metadata":{"name":"new"},"spec":{"color":"red"}})",
       201},
  };
  for (const PatchCase& c : cases) {
    const Answer answer = Send("PATCH", c.target, c.body, {{"Content-Type", c.type}});
    EXPECT_EQ(answer.status, c.status) << c.type << " " << c.body << " " << answer.text;
  }
}

TEST_F(HttpApiTest, AnApplyConflictNamesManagerAndField) {
  const auto apply = [&](std::string manager, std::string_view color) {
    return Send("PATCH", std::string(kWidgets) + "/w1?fieldManager=" + std::move(manager),
                TestWorld::WidgetBody("w1", R"({"color":")" + std::string(color) + R"("})").Dump(),
                {{"Content-Type", "application/apply-patch+yaml"}});
  };
  EXPECT_EQ(apply("m1", "red").status, 201);
  const Answer conflict = apply("m2", "blue");
  EXPECT_EQ(conflict.status, 409);
  const Json& cause = conflict.body.At("details", "causes").Items().at(0);
  EXPECT_EQ(cause.At("reason").AsString(), "FieldManagerConflict");
  EXPECT_EQ(cause.At("field").AsString(), ".spec.color");
}

TEST_F(HttpApiTest, UnknownFieldsAreWarningsOrErrorsAsAsked) {
  const std::string body = TestWorld::WidgetBody("w1", R"({"color":"red","nope":1})").Dump();
  const Answer strict = Send("POST", std::string(kWidgets) + "?fieldValidation=Strict", body);
  EXPECT_EQ(strict.status, 400);
  EXPECT_NE(strict.body.At("message").AsString().find(R"(unknown field "spec.nope")"),
            std::string::npos);
  const Answer warned = Send("POST", kWidgets, body);
  EXPECT_EQ(warned.status, 201);
  EXPECT_EQ(warned.Header("Warning"), R"(299 - "unknown field \"spec.nope\"")");
}

TEST_F(HttpApiTest, BodiesMustBeOfAKnownType) {
  const std::string body = TestWorld::WidgetBody("w1", R"({"color":"red"})").Dump();
  const auto create = [&](std::string type, std::string text) {
    return Send("POST", kWidgets, std::move(text), {{"Content-Type", std::move(type)}}).status;
  };
  EXPECT_EQ(create("text/plain", body), 415);
  EXPECT_EQ(create("application/cbor", body), 415);
  EXPECT_EQ(create("application/vnd.kubernetes.protobuf", body), 400);
  EXPECT_EQ(create("application/json", "[]"), 400);
  EXPECT_EQ(create("application/json", ""), 400);
  EXPECT_EQ(create("application/yaml", body), 201);
}

// ---- lists ----

TEST_F(HttpApiTest, ListsInPagesOfOneVersion) {
  for (const char* name : {"a", "b", "c"}) {
    CreateWidget(name);
  }
  const std::string list(kWidgets);
  const Json first = Get(list + "?limit=2").body;
  EXPECT_EQ(first.At("items").Items().size(), 2U);
  EXPECT_EQ(first.At("metadata", "remainingItemCount"), Json(1));
  CreateWidget("b2");
  const Json second =
      Get(list + "?limit=2&continue=" + PercentEncode(first.At("metadata", "continue").AsString()))
          .body;
  EXPECT_EQ(second.At("items").Items().size(), 1U);
  EXPECT_EQ(second.At("metadata", "resourceVersion"), first.At("metadata", "resourceVersion"));
}

TEST_F(HttpApiTest, BadListOptionsAreRefused) {
  const std::string list(kWidgets);
  const std::pair<std::string, int> cases[] = {
      {"resourceVersionMatch=Exact", 422},
      {"resourceVersionMatch=Odd&resourceVersion=1", 422},
      {"resourceVersionMatch=Exact&resourceVersion=0", 422},
      {"sendInitialEvents=true", 422},
      {"continue=nonsense", 400},
      {"labelSelector=a%3D%3D%3D", 400},
      {"fieldSelector=spec.note%3Dx", 400},
      {"resourceVersion=999999", 504},
      {"watch=1&continue=x", 422},
      {"watch=1&sendInitialEvents=true", 422},
      {"watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=1", 422},
      {"watch=1&timeoutSeconds=x", 400},
  };
  for (const auto& [query, status] : cases) {
    EXPECT_EQ(Get(list + "?" + query).status, status) << query;
  }
}

/// A failure, as kube-apiserver 1.32 answers it.
struct CapturedCase {
  std::string method;
  std::string target;  ///< Behind kWidgets.
  std::string body;
  std::string type;
  std::string status;  ///< Of the Status: what follows its `message`'s name.
};

TEST_F(HttpApiTest, FailuresAreThoseOfKubernetes) {
  CreateWidget("a");
  const std::string widget = TestWorld::WidgetBody("a", R"({"color":"red"})").Dump();
  const std::string elsewhere = R"({"apiVersion":"demo.example.io/v1","kind":"Widget",
      "metadata":{"name":"b","namespace":"other"},"spec":{"color":"red"}})";
  const std::string json = "application/json";
  const std::string details =
      R"("details":{"name":"a","group":"demo.example.io","kind":"widgets"})";
  for (
      const CapturedCase& c : std::vector<CapturedCase>{
          {"POST", "/a", widget, json,
           R"("create is not supported on resources of kind \"widgets.demo.example.io\"",
               "reason":"MethodNotAllowed","details":{"group":"demo.example.io","kind":"widgets"},
               "code":405)"},
          {"PUT", "", widget, json, R"("name must be provided","reason":"BadRequest","code":400)"},
          {"POST", "", widget, json,
           R"("widgets.demo.example.io \"a\" already exists","reason":"AlreadyExists",)" + details +
               R"(,"code":409)"},
          {"GET", "/big", "", "",
           R"("widgets.demo.example.io \"big\" not found","reason":"NotFound",
               "details":{"name":"big","group":"demo.example.io","kind":"widgets"},"code":404)"},
          {"POST", "", elsewhere, json,
           R"("the namespace of the provided object does not match the namespace sent on the request",
               "reason":"BadRequest","code":400)"},
          {"POST", "", widget, "text/plain",
           R"("the body of the request was in an unknown format - accepted media types include: )"
           R"(application/json, application/yaml, application/vnd.kubernetes.protobuf",
               "reason":"UnsupportedMediaType","code":415)"},
          {"PATCH", "/a", R"({"metadata":{"resourceVersion":"1"}})", "application/merge-patch+json",
           R"("Operation cannot be fulfilled on widgets.demo.example.io \"a\": the object has been )"
           R"(modified; please apply your changes to the latest version and try again",
               "reason":"Conflict",)" +
               details + R"(,"code":409)"}}) {
    const Answer got =
        Send(c.method, std::string(kWidgets) + c.target, c.body, {{"Content-Type", c.type}});
    EXPECT_EQ(got.body, J(R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
                              "message":)" +
                          c.status + "}"))
        << c.method << " " << c.target << "\n"
        << got.text;
    EXPECT_EQ(got.status, got.body.At("code").AsInt());
  }
}

// ---- watches ----

TEST_F(HttpApiTest, AWatchIsLinesOfEvents) {
  const std::string version = CreateWidget("w1").body.At("metadata", "resourceVersion").AsString();
  const auto watch = Begin("GET", std::string(kWidgets) + "?watch=true&resourceVersion=" + version);
  ASSERT_TRUE(watch->streaming);
  EXPECT_EQ(watch->streamed, "");
  CreateWidget("w2");
  Send("DELETE", std::string(kWidgets) + "/w1");
  const auto lines = Lines(*watch);
  ASSERT_EQ(lines.size(), 2U) << watch->streamed;
  EXPECT_EQ(lines[0].At("type").AsString(), "ADDED");
  EXPECT_EQ(lines[0].At("object", "metadata", "name").AsString(), "w2");
  EXPECT_EQ(lines[1].At("type").AsString(), "DELETED");
  EXPECT_GT(lines[1].At("object", "metadata", "resourceVersion").AsString(),
            lines[0].At("object", "metadata", "resourceVersion").AsString());
  watch->closed();
  CreateWidget("w3");
  EXPECT_EQ(Lines(*watch).size(), 2U) << "nothing comes after the peer is gone";
}

TEST_F(HttpApiTest, AWatchEndsByItself) {
  const auto watch = Begin("GET", std::string(kWidgets) + "?watch=1&timeoutSeconds=60");
  EXPECT_EQ(waker_.count(), 1);
  EXPECT_FALSE(deadlines_.Step(world_.clock.Read()));
  world_.clock.Advance(std::chrono::seconds(60));
  EXPECT_EQ(deadlines_.NextWake(), world_.clock.Read().mono);
  EXPECT_TRUE(deadlines_.Step(world_.clock.Read()));
  EXPECT_TRUE(watch->ended);
  watch->closed();
}

TEST_F(HttpApiTest, AWatchOfAnAgentOutlivesItsTokenByFiveMinutesAtMost) {
  const auto agent = world_.Create(
      world_.At("agents.midwatch.dev", "", "default"),
      J(R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"Agent","metadata":{"name":"a"},"spec":{}})"));
  const auto issued = IssueAgentToken({"default", "a", agent->object.uid()}, world_.random);
  ASSERT_TRUE(world_.Create(world_.At("secrets", "", kTokenNamespace), issued.secret));
  token_ = issued.token.Reveal();
  for (const std::string path :
       {"/apis/midwatch.dev/v1alpha1/namespaces/default/runs?fieldSelector=spec.agentRef.name%3Da&",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?"}) {
    const auto watch = Begin("GET", path + "watch=1");
    ASSERT_TRUE(watch->streaming) << path;
    EXPECT_LE(deadlines_.NextWake(), world_.clock.Read().mono + std::chrono::minutes(5)) << path;
    watch->closed();
  }
}

TEST_F(HttpApiTest, AClosedWatchHasNoDeadline) {
  for (const std::string& path :
       {std::string(kWidgets), std::string("/apis/apiextensions.k8s.io/v1/"
                                           "customresourcedefinitions")}) {
    const auto watch = Begin("GET", path + "?watch=1&timeoutSeconds=60");
    ASSERT_TRUE(watch->streaming) << path;
    EXPECT_TRUE(deadlines_.NextWake()) << path;
    watch->closed();
    EXPECT_FALSE(deadlines_.NextWake()) << path;
  }
}

TEST_F(HttpApiTest, AWatchTooManyIsAskedToComeAgain) {
  for (const std::string& path :
       {std::string(kWidgets), std::string("/apis/apiextensions.k8s.io/v1/"
                                           "customresourcedefinitions")}) {
    const auto taken = std::make_shared<Taken>();
    taken->may_stream = false;
    api_.Handle({"GET", path + "?watch=1", {{"Authorization", "Bearer secret"}}, {}, "test"},
                std::make_unique<TakingResponder>(taken));
    ASSERT_EQ(taken->responses.size(), 1U) << path;
    EXPECT_EQ(taken->responses[0].status, 429);
    EXPECT_EQ(J(taken->responses[0].body),
              J(R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
                    "message":"too many watches of this user at once, please try again later",
                    "reason":"TooManyRequests","details":{"retryAfterSeconds":1},"code":429})"));
    EXPECT_EQ((Answer{0, {}, {}, taken->responses[0].headers}.Header("Retry-After")), "1");
    EXPECT_FALSE(deadlines_.NextWake()) << path;
  }
}

TEST_F(HttpApiTest, AStreamingListEndsItsStateWithABookmark) {
  CreateWidget("w1");
  const auto watch =
      Begin("GET", std::string(kWidgets) +
                       "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                       "&allowWatchBookmarks=true");
  const auto lines = Lines(*watch);
  ASSERT_EQ(lines.size(), 2U) << watch->streamed;
  EXPECT_EQ(lines[0].At("type").AsString(), "ADDED");
  EXPECT_EQ(lines[1].At("type").AsString(), "BOOKMARK");
  const Json& annotations = lines[1].At("object", "metadata", "annotations");
  EXPECT_EQ(annotations.At("k8s.io/initial-events-end").AsString(), "true");
  const auto blueprint =
      Base64Decode(annotations.At("kubernetes.io/initial-events-list-blueprint").AsString());
  EXPECT_EQ(J(*blueprint).At("kind").AsString(), "WidgetList");
  CreateWidget("w2");
  EXPECT_EQ(Lines(*watch).size(), 3U);
  watch->closed();
}

TEST_F(HttpApiTest, AWatchAsTableSendsItsColumnsOnce) {
  const auto watch =
      Begin("GET", std::string(kWidgets) + "?watch=1", {}, {{"Accept", std::string(kTable)}});
  CreateWidget("w1");
  CreateWidget("w2");
  const auto lines = Lines(*watch);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[0].At("object", "columnDefinitions").IsArray());
  EXPECT_TRUE(lines[1].At("object", "columnDefinitions").IsNull());
  watch->closed();
}

TEST_F(HttpApiTest, AWatchFromTooLongAgoIsToldOnTheStream) {
  StorageOptions options;
  CreateWidget("w1");
  for (int i = 0; i < 3; ++i) {
    Send("PATCH", std::string(kWidgets) + "/w1",
         R"({"spec":{"size":)" + std::to_string(i + 15) + "}}",
         {{"Content-Type", "application/merge-patch+json"}});
  }
  world_.clock.Advance(std::chrono::hours(1));  // Past the change log's age.
  CreateWidget("w2");
  world_.clock.Advance(std::chrono::hours(1));
  CreateWidget("w3");
  const auto watch = Begin("GET", std::string(kWidgets) + "?watch=1&resourceVersion=1");
  ASSERT_TRUE(watch->streaming);
  const auto lines = Lines(*watch);
  ASSERT_EQ(lines.size(), 1U) << watch->streamed;
  EXPECT_EQ(lines[0].At("type").AsString(), "ERROR");
  EXPECT_EQ(lines[0].At("object", "code"), Json(410));
  EXPECT_EQ(lines[0].At("object", "reason").AsString(), "Expired");
  EXPECT_TRUE(watch->ended);
  watch->closed();
}

// ---- discovery and documents ----

TEST_F(HttpApiTest, DiscoveryComesInBothFormsWithAnETag) {
  const std::string_view aggregated =
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
      "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
  const Answer v2 = Get("/apis", aggregated);
  EXPECT_EQ(v2.Header("Content-Type"),
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_EQ(v2.body.At("apiVersion").AsString(), "apidiscovery.k8s.io/v2");
  EXPECT_EQ(Get("/apis").body.At("kind").AsString(), "APIGroupList");
  EXPECT_EQ(Get("/api").body.At("versions"), Json::ArrayOf({"v1"}));
  EXPECT_EQ(Get("/apis/demo.example.io").body.At("preferredVersion", "groupVersion").AsString(),
            "demo.example.io/v1");
  EXPECT_EQ(
      Get("/apis", "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList").status,
      406);
  const Answer same =
      Send("GET", "/apis", {},
           {{"Accept", std::string(aggregated)}, {"If-None-Match", v2.Header("ETag")}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.text, "");
  const Json widgets = Get("/apis/demo.example.io/v1").body.At("resources").Items()[0];
  EXPECT_TRUE(Contains(widgets,
                       J(R"({"name":"widgets","kind":"Widget","namespaced":true,"shortNames":["wg"],
      "verbs":["create","delete","deletecollection","get","list","patch","update","watch"]})")));
  EXPECT_EQ(Get("/apis/demo.example.io/v1").body.At("resources").Items()[1].At("name").AsString(),
            "widgets/status");
}

TEST_F(HttpApiTest, OpenApiDocumentsAreFoundByHash) {
  const Json index = Get("/openapi/v3").body;
  const std::string url =
      index.At("paths", "apis/demo.example.io/v1", "serverRelativeURL").AsString();
  const Answer document = Get(url);
  EXPECT_EQ(document.status, 200);
  EXPECT_NE(document.Header("Cache-Control").find("immutable"), std::string::npos);
  const Answer stale = Get("/openapi/v3/apis/demo.example.io/v1?hash=OLD");
  EXPECT_EQ(stale.status, 301);
  EXPECT_EQ(stale.Header("Location"), url);
  EXPECT_EQ(Get("/openapi/v3/apis/nowhere/v1").status, 404);
  // What tells kubectl and Helm that the server validates fields.
  const Json& patch = document.body.At(
      "paths", "/apis/demo.example.io/v1/namespaces/{namespace}/widgets/{name}", "patch");
  EXPECT_EQ(patch.At("x-kubernetes-group-version-kind", "kind").AsString(), "Widget");
  EXPECT_EQ(patch.At("parameters").Items()[2].At("name").AsString(), "fieldValidation");
  EXPECT_TRUE(
      document.body.At("components", "schemas", "io.example.demo.v1.Widget", "properties", "spec")
          .IsObject());
}

TEST_F(HttpApiTest, EveryReferenceOfEveryOpenApiDocumentLeadsSomewhere) {
  const Json index = Get("/openapi/v3").body;
  for (const Json::Member& path : index.At("paths").Members()) {
    const Answer document = Get(path.value.At("serverRelativeURL").AsString());
    const std::string marker = "\"$ref\":\"#/components/schemas/";
    for (std::size_t at = document.text.find(marker); at != std::string::npos;
         at = document.text.find(marker, at + 1)) {
      const std::size_t begin = at + marker.size();
      const std::string name = document.text.substr(begin, document.text.find('"', begin) - begin);
      ASSERT_TRUE(document.body.At("components", "schemas", name).IsObject())
          << path.name << " " << name;
    }
  }
}

TEST_F(HttpApiTest, OldClientsGetAnEmptyOpenApiV2) {
  const Answer answer =
      Get("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text, "");
  EXPECT_EQ(answer.Header("Content-Type"),
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
}

TEST_F(HttpApiTest, DefinitionsCanBeReadAndNotWritten) {
  const std::string all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const Json list = Get(all).body;
  EXPECT_EQ(list.At("kind").AsString(), "CustomResourceDefinitionList");
  for (const Json& item : list.At("items").Items()) {
    EXPECT_NE(item.At("spec", "group").AsString(), "") << "no core kinds";
  }
  const Json one = Get(all + "/widgets.demo.example.io").body;
  EXPECT_EQ(one.At("status", "conditions").Items()[1].At("type").AsString(), "Established");
  EXPECT_EQ(Get(all + "?fieldSelector=metadata.name%3Dwidgets.demo.example.io")
                .body.At("items")
                .Items()
                .size(),
            1U);
  EXPECT_EQ(Get(all + "/nothing").status, 404);
  EXPECT_EQ(Send("POST", all, R"({"metadata":{"name":"widgets.demo.example.io"}})").status, 409);
  EXPECT_EQ(Send("POST", all, R"({"metadata":{"name":"new.example.io"}})").status, 405);
  EXPECT_EQ(Send("DELETE", all + "/widgets.demo.example.io").status, 405);
  const auto watch =
      Begin("GET", all + "?watch=1&fieldSelector=metadata.name%3Dwidgets.demo.example.io");
  EXPECT_EQ(Lines(*watch).size(), 1U);
  watch->closed();
}

}  // namespace
}  // namespace midwatch::apiserver
