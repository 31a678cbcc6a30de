#include <gtest/gtest.h>

#include "controller/apiserver/test_world.h"
#include "controller/apiserver/write_plan.h"
#include "controller/base/error_table.h"

namespace midwatch::apiserver {
namespace {

/// One request of a recorded session and what came back: what the object must have, or the error.
struct Step {
  std::string verb;    ///< `POST`, `PUT`, `MERGE`, `JSON`, `STRATEGIC`, `APPLY`, `DELETE`, `GET`
  std::string target;  ///< `a`, `a/status`; of POST: empty.
  std::string body;
  int want_status = 200;
  std::string want = {};  ///< Part of the message, or the members that the object must have.
  FieldValidation validation = FieldValidation::kWarn;
  bool dry_run = false;
  std::string options = {};  ///< Of DELETE: the policy. `force` of APPLY.
};

class Session {
 public:
  explicit Session(std::string resource = "widgets.demo.example.io")
      : resource_(std::move(resource)) {}

  void Run(const std::vector<Step>& steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      SCOPED_TRACE("step " + std::to_string(i + 1) + ": " + steps[i].verb + " " + steps[i].target +
                   " " + steps[i].body);
      Run(steps[i]);
    }
  }
  TestWorld& world() { return world_; }
  std::vector<std::string> warnings() const { return warnings_; }

 private:
  void Run(const Step& step) {
    const std::size_t slash = step.target.find('/');
    const Target target =
        world_.At(resource_, step.target.substr(0, slash), "default",
                  slash == std::string::npos ? "" : step.target.substr(slash + 1));
    if (step.verb == "GET") {
      const auto got = world_.api().Get({.identity = world_.who, .target = target});
      return Check(step, got ? Result<Object>((*got)->object()) : Fail(got.error()), 200);
    }
    const auto answer = world_.Write({.identity = world_.who,
                                      .target = target,
                                      .body = Body(step),
                                      .options = {.field_manager = "test",
                                                  .field_validation = step.validation,
                                                  .dry_run = step.dry_run}});
    warnings_ = answer ? answer->warnings : std::vector<std::string>();
    Check(step, answer ? Result<Object>(answer->object) : Fail(answer.error()),
          answer && answer->created ? 201 : 200);
  }
  /// `$uid` and `$rv` stand for those of the object that was answered last.
  std::string Filled(std::string text) const {
    for (const auto& [word, value] : {std::pair<std::string, std::string>{"$uid", uid_},
                                      std::pair<std::string, std::string>{"$rv", version_}}) {
      for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word)) {
        text.replace(at, word.size(), value);
      }
    }
    return text;
  }
  std::variant<CreateBody, UpdateBody, PatchBody, DeleteBody> Body(const Step& step) const {
    if (step.verb == "DELETE") {
      const Json given = step.body.empty() ? Json() : J(Filled(step.body));
      return DeleteBody{.preconditions = {.uid = given.At("uid").AsString(),
                                          .resource_version = given.At("rv").AsString()},
                        .propagation_policy = step.options};
    }
    const auto parsed = ParseJson(Filled(step.body), JsonLimits());
    EXPECT_TRUE(parsed) << step.body;
    if (step.verb == "POST") {
      return CreateBody{.object = parsed->value, .duplicates = parsed->duplicates};
    }
    if (step.verb == "PUT") {
      return UpdateBody{.object = parsed->value, .duplicates = parsed->duplicates};
    }
    return PatchBody{.type = step.verb == "MERGE"   ? PatchType::kMerge
                             : step.verb == "JSON"  ? PatchType::kJson
                             : step.verb == "APPLY" ? PatchType::kApply
                                                    : PatchType::kStrategicMerge,
                     .patch = parsed->value,
                     .force = step.options == "force",
                     .duplicates = parsed->duplicates};
  }
  void Check(const Step& step, const Result<Object>& result, int status) {
    if (!result) {
      EXPECT_EQ(RowOf(result.error().code).http_status, step.want_status) << result.error().message;
      EXPECT_NE(result.error().message.find(step.want), std::string::npos)
          << result.error().message << "\n  expected: " << step.want;
      return;
    }
    EXPECT_EQ(status, step.want_status);
    const std::string want = step.want.empty() ? "{}" : Filled(step.want);
    uid_ = result->uid();
    version_ = result->resource_version();
    const Json body = result->Body();
    EXPECT_TRUE(Contains(body, J(want))) << body.Dump() << "\n  expected: " << want;
  }

  const std::string resource_;
  TestWorld world_;
  std::vector<std::string> warnings_;
  std::string uid_;
  std::string version_;
};

std::string W(const std::string& metadata, const std::string& rest = R"("spec":{"color":"red"})") {
  return R"({"apiVersion":"demo.example.io/v1","kind":"Widget","metadata":)" + metadata + "," +
         rest + "}";
}

// kubeapi-samples/raw-writes.txt, the numbers of its requests in the comments.
TEST(StorageWritesTest, CreatesAsKubernetesDoes) {
  Session session;
  session.Run({
      {"POST", "", W(R"({"name":"a"})"), 201,
       R"({"metadata":{"generation":1,"name":"a","namespace":"default","selfLink":null,
           "creationTimestamp":"2026-03-02T12:00:00Z"},
           "spec":{"color":"red","replicas":1,"size":10}})"},  // 2
      {"POST", "", W(R"({"name":"b","resourceVersion":"5"})"), 400,
       "resourceVersion should not be set"},  // 3
      {"POST", "",
       W(R"({"name":"b","uid":"abc","generation":7,"creationTimestamp":"2000-01-01T00:00:00Z",
             "selfLink":"/x"})",
         R"("spec":{"color":"red"},"status":{"replicas":9})"),
       201,
       R"({"status":null,"metadata":{"generation":1,"selfLink":null,
           "creationTimestamp":"2026-03-02T12:00:00Z"}})"},                            // 4
      {"POST", "", W("{}"), 422, "name or generateName is required"},                  // 5
      {"POST", "", W(R"({"name":"b2","namespace":"other"})"), 400, "does not match"},  // 6
      {"POST", "", R"({"apiVersion":"demo.example.io/v1","kind":"Zone","metadata":{"name":"b3"}})",
       422, R"(Zone.demo.example.io "b3" is invalid: kind: Invalid value: "Zone": must be Widget)"},
      {"POST", "",
       R"({"apiVersion":"demo.example.io/v2","kind":"Widget","metadata":{"name":"b3"}})", 400,
       "the API version in the data (demo.example.io/v2) does not match the expected API version "
       "(demo.example.io/v1)"},  // 8
      {"POST", "", R"({"apiVersion":"demo.example.io/v1","metadata":{"name":"b3"}})", 400,
       "Object 'Kind' is missing"},  // 9
      {"POST", "", "[]", 400, "expected an object, found array"},
      {"POST", "", W(R"({"name":"d5","labels":{"a":1}})"), 400,
       "Widget in version \"v1\" cannot be handled as a Widget"},  // 24
      {"POST", "", W(R"({"name":"a"})"), 409, R"(widgets.demo.example.io "a" already exists)"},
      {"POST", "", W(R"({"name":"d4"})"), 201,
       R"({"metadata":{"name":"d4","resourceVersion":null}})", FieldValidation::kWarn, true},
      {"GET", "d4", "", 404, R"(widgets.demo.example.io "d4" not found)"},  // 22
      {"POST", "", W(R"({"name":"bad_name"})"), 422, "metadata.name: Invalid value"},
      {"POST", "", W(R"({"name":"c"})", R"("spec":{"color":"pink"})"), 422, "spec.color"},
  });
  EXPECT_EQ(session.world().Find(session.world().Widget("b")).uid().size(), 36U);
}

TEST(StorageWritesTest, ReportsFieldsNobodyKnows) {
  const std::string body =
      R"({"apiVersion":"demo.example.io/v1","kind":"Widget","metadata":{"name":"d1","bogus":1},
          "spec":{"color":"red","color":"blue","nope":{"x":1}}})";
  Session session;
  session.Run({{"POST", "", body, 400,
                R"(Widget in version "v1" cannot be handled as a Widget: strict decoding error: )"
                R"(duplicate field "spec.color", unknown field "metadata.bogus", )"
                R"(unknown field "spec.nope")",
                FieldValidation::kStrict}});
  session.Run({{"POST", "", body, 201, R"({"spec":{"color":"blue","nope":null}})"}});
  EXPECT_EQ(session.warnings(), (std::vector<std::string>{R"(duplicate field "spec.color")",
                                                          R"(unknown field "metadata.bogus")",
                                                          R"(unknown field "spec.nope")"}));
  session.Run({{"DELETE", "d1", ""}, {"POST", "", body, 201, "{}", FieldValidation::kIgnore}});
  EXPECT_TRUE(session.warnings().empty());
  session.Run({{"MERGE", "d1", R"({"spec":{"nope":1}})", 422,
                R"(strict decoding error: unknown field "spec.nope")", FieldValidation::kStrict}});
}

TEST(StorageWritesTest, UpdatesAsKubernetesDoes) {
  Session session;
  session.Run({
      {"POST", "", W(R"({"name":"a"})"), 201},
      {"PUT", "a",
       W(R"({"name":"a","resourceVersion":"$rv","uid":"$uid"})",
         R"("spec":{"color":"red","replicas":3,"size":10})"),
       200, R"({"metadata":{"generation":2},"spec":{"replicas":3}})"},  // 26
      {"PUT", "a", W(R"({"name":"a","resourceVersion":"1"})"), 409,
       "the object has been modified; please apply your changes to the latest version"},  // 27
      {"PUT", "a", W(R"({"name":"a"})"), 422, "must be specified for an update"},         // 29
      {"GET", "a", ""},
      {"PUT", "a",
       W(R"({"name":"a","resourceVersion":"$rv","labels":{"q":"1"}})",
         R"("spec":{"color":"red","replicas":3,"size":10})"),
       200, R"({"metadata":{"generation":2,"labels":{"q":"1"}}})"},  // 33
      {"PUT", "a",
       W(R"({"name":"a","resourceVersion":"$rv","labels":{"q":"1"}})",
         R"("spec":{"color":"red","replicas":3,"size":10},"status":{"replicas":5})"),
       200, R"({"status":null})"},  // 35
      {"PUT", "a/status",
       W(R"({"name":"a","resourceVersion":"$rv","labels":{"zz":"2"},"annotations":{"k":"v"}})",
         R"("spec":{"color":"red","replicas":99},"status":{"replicas":5,"selector":"app=a"})"),
       200,
       R"({"metadata":{"generation":2,"labels":{"q":"1","zz":null},"annotations":null},
           "spec":{"replicas":3},"status":{"replicas":5,"selector":"app=a"}})"},  // 37
      {"PUT", "a/status",  // Of the rest nothing is taken, so nothing need be sent.
       W(R"({"name":"a","resourceVersion":"$rv"})", R"("status":{"replicas":6})"), 200,
       R"({"metadata":{"generation":2,"labels":{"q":"1"},"managedFields":[
           {"apiVersion":"demo.example.io/v1","fieldsType":"FieldsV1",
            "fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:q":{}}},
                        "f:spec":{".":{},"f:color":{},"f:replicas":{},"f:size":{}}},
            "manager":"test","operation":"Update","time":"2026-03-02T12:00:00Z"},
           {"apiVersion":"demo.example.io/v1","fieldsType":"FieldsV1",
            "fieldsV1":{"f:status":{".":{},"f:replicas":{}}},"manager":"test",
            "operation":"Update","subresource":"status","time":"2026-03-02T12:00:00Z"}]},
           "spec":{"color":"red","replicas":3},"status":{"replicas":6,"selector":null}})"},
      {"PUT", "a", W(R"({"name":"zzz","resourceVersion":"$rv"})"), 400,
       "the name of the object (zzz) does not match the name on the URL (a)"},             // 39
      {"PUT", "nope", W(R"({"name":"nope","resourceVersion":"$rv"})"), 404, "not found"},  // 41
      {"PUT", "a", W(R"({"name":"a","resourceVersion":"$rv","uid":"1111"})"), 409,
       "Precondition failed: UID in precondition: 1111"},  // 44
      {"PUT", "a",
       W(R"({"name":"a","creationTimestamp":null,"generation":77,
                         "resourceVersion":"$rv","labels":{"q":"1"}})",
         R"("spec":{"color":"red","replicas":3,"size":10})"),
       200, R"({"metadata":{"generation":2,"creationTimestamp":"2026-03-02T12:00:00Z"}})"},  // 46
      {"PUT", "a",
       W(R"({"name":"a","resourceVersion":"$rv"})", R"("spec":{"color":"red","size":5})"), 422,
       "size may not shrink"},
  });
}

TEST(StorageWritesTest, PatchesAsKubernetesDoes) {
  Session session;
  session.Run({
      {"MERGE", "nope", R"({"spec":{}})", 404, "not found"},  // 47
      {"POST", "",
       W(R"({"name":"a","labels":{"q":"1"}})", R"("spec":{"color":"red","replicas":3})"), 201},
      {"MERGE", "a", R"({"metadata":{"labels":{"q":null}},"spec":{"replicas":null}})", 200,
       R"({"metadata":{"generation":2,"labels":null},"spec":{"replicas":1}})"},  // 48
      {"MERGE", "a/status", R"({"status":{"replicas":6},"spec":{"replicas":44}})", 200,
       R"({"metadata":{"generation":2},"spec":{"replicas":1},"status":{"replicas":6}})"},  // 49
      {"STRATEGIC", "a", R"({"spec":{}})", 415, "application/merge-patch+json"},           // 50
      {"MERGE", "a", "[]", 400, "error decoding patch"},
      {"JSON", "a", R"([{"op":"test","path":"/spec/replicas","value":99}])", 422, "test"},  // 52
      {"JSON", "a", R"({"a":1})", 400, ""},                                                 // 53
      {"JSON", "a", R"([{"op":"remove","path":"/spec/zz"}])", 422, ""},                     // 54
      {"JSON", "a",
       R"([{"op":"add","path":"/spec/args","value":["x"]},
           {"op":"add","path":"/spec/args/-","value":"y"},
           {"op":"copy","from":"/spec/args/0","path":"/spec/args/-"},
           {"op":"move","from":"/spec/args/0","path":"/spec/args/-"}])",
       200, R"({"metadata":{"generation":3},"spec":{"args":["y","x","x"]}})"},            // 55
      {"MERGE", "a", R"({"spec":{"nope":1}})", 200, R"({"metadata":{"generation":3}})"},  // 58
      {"MERGE", "a", R"({"spec":{"replicas":1234}})", 200,
       R"({"metadata":{"resourceVersion":"$rv"}})", FieldValidation::kWarn, true},
  });
  session.Run({
      {"GET", "a", "", 200, R"({"spec":{"replicas":1}})"},
      {"MERGE", "a", R"({"metadata":{"name":"foo"}})", 400,
       "the name of the object (foo) does not match the name on the URL (a)"},  // 60
      {"MERGE", "a", "{}", 422, "may not be specified for non-apply patch", FieldValidation::kWarn,
       false, "force"},                                                                    // 61
      {"MERGE", "a", R"({"spec":{"immutableId":"x"}})", 200},                              // 62
      {"MERGE", "a", R"({"spec":{"immutableId":"y"}})", 422, "immutableId is immutable"},  // 63
      {"MERGE", "a", R"({"metadata":{"resourceVersion":"1"},"spec":{"replicas":2}})", 409,
       "the object has been modified"},
      {"MERGE", "a", R"({"metadata":{"uid":"other"},"spec":{"replicas":2}})", 409, "UID"},
      {"MERGE", "a", R"({"kind":"Zone"})", 422, "must be Widget"},
  });
}

TEST(StorageWritesTest, WhatChangesNothingWritesNothing) {
  Session session;
  session.Run({{"POST", "", W(R"({"name":"a"})"), 201}});
  const int commits = session.world().journal.commits;
  const std::string version = session.world().Find(session.world().Widget("a")).resource_version();
  session.Run({
      {"MERGE", "a", "{}"},
      {"MERGE", "a", R"({"spec":{"color":"red"}})"},
      {"PUT", "a", W(R"({"name":"a","resourceVersion":"$rv"})")},
      {"MERGE", "a/status", R"({"spec":{"replicas":7}})"},
      {"MERGE", "a", R"({"status":{"replicas":7}})"},
      {"MERGE", "a", R"({"metadata":{"generation":9,"uid":"$uid"}})"},
  });
  EXPECT_EQ(session.world().journal.commits, commits);
  EXPECT_EQ(session.world().Find(session.world().Widget("a")).resource_version(), version);
}

TEST(StorageWritesTest, AppliesWithOwnersOfFields) {
  Session session;
  session.Run({
      {"APPLY", "a", W("{}", R"("spec":{"color":"red","replicas":2})"), 201,
       R"({"metadata":{"name":"a","generation":1},"spec":{"replicas":2,"size":10}})"},
  });
  const int commits = session.world().journal.commits;
  session.Run({{"APPLY", "a", W("{}", R"("spec":{"color":"red","replicas":2})"), 200}});
  EXPECT_EQ(session.world().journal.commits, commits) << "the same apply again writes nothing";
  session.Run({
      {"APPLY", "a", W(R"({"name":"b"})"), 400, "does not match the name on the URL"},
      {"APPLY", "a", W("{}", R"("spec":{"color":"red"})"), 200, R"({"spec":{"replicas":1}})"},
      {"APPLY", "a", W(R"({"resourceVersion":"7"})"), 409, "modified"},
      {"APPLY", "new", W(R"({"uid":"7"})"), 409,
       "uid mismatch: the provided object specified uid 7, and no existing object was found"},
      {"APPLY", "new/status", W("{}", R"("status":{"replicas":1})"), 404, "not found"},
      {"APPLY", "a/status", W("{}", R"("spec":{"color":"blue"},"status":{"replicas":4})"), 200,
       R"({"spec":{"color":"red"},"status":{"replicas":4}})"},
  });
  session.Run({
      // A version that no object has: an apply that may only create.
      {"APPLY", "made", W(R"({"resourceVersion":"9223372036854775807"})"), 201},
      {"APPLY", "made", W(R"({"resourceVersion":"9223372036854775807"})"), 409, "modified"},
  });
  const auto other =
      session.world().Write({.identity = session.world().who,
                             .target = session.world().Widget("a"),
                             .body = PatchBody{.type = PatchType::kApply,
                                               .patch = J(W("{}", R"("spec":{"color":"blue"})"))},
                             .options = {.field_manager = "other"}});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kConflict);
  EXPECT_NE(other.error().details.find("FieldManagerConflict"), std::string::npos);
  const auto nobody =
      session.world().Write({.identity = session.world().who,
                             .target = session.world().Widget("a"),
                             .body = PatchBody{.type = PatchType::kApply, .patch = J(W("{}"))}});
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().message.find("is required for apply patch"), std::string::npos);
}

// kubeapi-samples/raw-delete.txt
TEST(StorageWritesTest, DeletesAsKubernetesDoes) {
  Session session;
  session.Run({
      {"POST", "", W(R"({"name":"a"})"), 201},
      {"DELETE", "a", R"({"uid":"x"})", 409,
       "Operation cannot be fulfilled on Widget.demo.example.io \"a\": the UID in the precondition "
       "(x) does not match the UID in record"},                                              // 6
      {"DELETE", "a", R"({"rv":"1"})", 409, "the ResourceVersion in the precondition (1)"},  // 7
      {"DELETE", "a", "", 200, "{}", FieldValidation::kWarn, true},                          // 8
      {"GET", "a", ""},
      {"DELETE", "a", "", 422, "supported values: \"Foreground\", \"Background\", \"Orphan\"",
       FieldValidation::kWarn, false, "Foo"},  // 10
      {"DELETE", "a", R"({"uid":"$uid","rv":"$rv"})"},
      {"DELETE", "a", "", 404, R"(widgets.demo.example.io "a" not found)"},  // 4
      {"POST", "", W(R"({"name":"f","finalizers":["demo.example.io/cleanup"]})"), 201},
      {"DELETE", "f", "", 200,
       R"({"metadata":{"deletionGracePeriodSeconds":0,"generation":2,
           "deletionTimestamp":"2026-03-02T12:00:00Z"}})"},  // 15
      {"DELETE", "f", "", 200, R"({"metadata":{"generation":2,"resourceVersion":"$rv"}})"},
  });
}

TEST(StorageWritesTest, FinalizersHoldWhatIsBeingDeleted) {
  Session session;
  session.Run({
      {"POST", "", W(R"({"name":"f","finalizers":["demo.example.io/cleanup"]})"), 201},
      {"DELETE", "f", ""},
      {"MERGE", "f", R"({"metadata":{"finalizers":["demo.example.io/cleanup","x.y/z"]}})", 422,
       "no new finalizers can be added if the object is being deleted"},                      // 19
      {"MERGE", "f", R"({"spec":{"replicas":4}})", 200, R"({"metadata":{"generation":3}})"},  // 20
      {"POST", "", W(R"({"name":"f"})"), 409, "object is being deleted"},                     // 21
      {"MERGE", "f", R"({"metadata":{"deletionTimestamp":null}})", 200,
       R"({"metadata":{"deletionTimestamp":"2026-03-02T12:00:00Z"}})"},  // 22
      {"MERGE", "f", R"({"metadata":{"finalizers":null}})", 200,
       R"({"metadata":{"finalizers":null}})"},  // 23
      {"GET", "f", "", 404, "not found"},       // 24
      {"POST", "", W(R"({"name":"bf2","finalizers":["bad name/x"]})"), 422,
       "metadata.finalizers: Invalid value: \"bad name/x\""},  // 26
      {"POST", "", W(R"({"name":"bf","finalizers":["noslash"]})"), 201},
  });
  ASSERT_EQ(session.warnings().size(), 1U);  // 25
  EXPECT_NE(session.warnings()[0].find("prefer a domain-qualified finalizer name"),
            std::string::npos);
}

TEST(StorageWritesTest, GeneratesNames) {
  TestWorld world;
  const std::string base(80, 'x');
  const auto made =
      world.Create(world.At("configmaps", ""), J(R"({"apiVersion":"v1","kind":"ConfigMap",
                                       "metadata":{"generateName":")" +
                                                 base + "\"}}"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->object.name().substr(0, kMaxGeneratedBase), base.substr(0, kMaxGeneratedBase));
  EXPECT_EQ(made->object.name().size(), kMaxGeneratedBase + 5);
}

TEST(StorageWritesTest, NamespacesMustExistToBeWrittenTo) {
  TestWorld world;
  const Target nowhere = world.At("widgets.demo.example.io", "", "nowhere");
  const auto made = world.Create(nowhere, TestWorld::WidgetBody("a"));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(made.error().message, "namespaces \"nowhere\" not found");
  WriteCall dry{.identity = world.who,
                .target = nowhere,
                .body = CreateBody{.object = TestWorld::WidgetBody("a")},
                .options = {.field_manager = "test", .dry_run = true}};
  EXPECT_FALSE(world.Write(std::move(dry)));
  const auto list = world.api().List({.identity = world.who, .target = nowhere});
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->items.empty());
}

TEST(StorageWritesTest, ObjectsHaveABound) {
  StorageOptions options;
  options.max_object_bytes = 2000;
  TestWorld world(options);
  EXPECT_TRUE(world.CreateWidget("small"));
  const std::string note(2000, 'n');
  const auto big = world.CreateWidget("big", R"({"raw":{"n":")" + note + "\"}}");
  ASSERT_FALSE(big);
  EXPECT_EQ(big.error().code, ErrorCode::kTooLarge);
}

TEST(StorageWritesTest, ManagersHaveABound) {
  TestWorld world;
  WriteCall call{.identity = world.who,
                 .target = world.Widget(""),
                 .body = CreateBody{.object = TestWorld::WidgetBody("a")},
                 .options = {.field_manager = std::string(kMaxFieldManagerBytes + 1, 'x')}};
  const auto made = world.Write(std::move(call));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  EXPECT_NE(made.error().message.find("fieldManager"), std::string::npos);
}

TEST(StorageWritesTest, CoreKindsHaveTheirRules) {
  Session secrets("secrets");
  secrets.Run({
      {"POST", "",
       R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"YQ=="},
           "stringData":{"b":"b"}})",
       201,
       R"({"stringData":null,"type":"Opaque","data":{"a":"YQ==","b":"Yg=="},
           "metadata":{"generation":null}})"},
      {"MERGE", "s", R"({"stringData":{"a":"c"}})", 200,
       R"({"stringData":null,"data":{"a":"Yw==","b":"Yg=="}})"},
      {"STRATEGIC", "s", R"({"data":{"b":null}})", 200, R"({"data":{"a":"Yw==","b":null}})"},
      {"MERGE", "s", R"({"type":"other"})", 422, "field is immutable"},
      {"PUT", "s", R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}})", 200,
       R"({"data":null})"},  // Without a version: Helm does that.
  });
  Session events("events");
  events.Run({
      {"POST", "",
       R"({"apiVersion":"v1","kind":"Event","metadata":{"name":"e"},
           "involvedObject":{"kind":"Widget","name":"a","namespace":"default"},"reason":"R"})",
       201},
      {"POST", "",
       R"({"apiVersion":"v1","kind":"Event","metadata":{"name":"e2"},
           "involvedObject":{"kind":"Widget","name":"a","namespace":"other"},"reason":"R"})",
       422, "involvedObject.namespace: Invalid value: \"other\": does not match event.namespace"},
      {"STRATEGIC", "e", R"({"count":2,"lastTimestamp":"2026-03-02T12:00:00Z"})", 200,
       R"({"count":2,"reason":"R"})"},
  });
  Session namespaces("namespaces");
  namespaces.Run({
      {"POST", "", R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}})", 201,
       R"({"metadata":{"labels":{"kubernetes.io/metadata.name":"n"}},"status":{"phase":"Active"},
           "spec":{"finalizers":["kubernetes"]}})"},
      {"DELETE", "default", "", 403, "this namespace may not be deleted"},
      {"DELETE", "n", "", 200, R"({"status":{"phase":"Terminating"}})"},
      {"GET", "n", "", 404, "not found"},
      {"POST", "",  // As `kubectl create namespace` sends it.
       R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"k"},"spec":{},"status":{}})",
       201, R"({"spec":{"finalizers":["kubernetes"]}})"},
      {"MERGE", "k", R"({"spec":{"finalizers":null}})", 200,
       R"({"spec":{"finalizers":["kubernetes"]}})"},
      {"MERGE", "k", R"({"spec":null})", 200, R"({"spec":{"finalizers":["kubernetes"]}})"},
      {"DELETE", "k", "", 200, R"({"status":{"phase":"Terminating"}})"},
      {"GET", "k", "", 404, "not found"},
  });
}

TEST(StorageWritesTest, ARunThatHasEndedKeepsItsEnd) {
  const std::string end =
      R"({"status":{"phase":"Succeeded","reason":"R","result":{"digest":"sha256:)" +
      std::string(64, 'a') + R"(","inline":"{}"}}})";
  Session runs("runs.midwatch.dev");
  runs.Run({
      {"POST", "",
       R"({"apiVersion":"midwatch.dev/v1alpha1","kind":"Run","metadata":{"name":"r"},
           "spec":{"agentRef":{"name":"a"},"dispatchRef":{"namespace":"default","name":"d","uid":"u"},
           "instance":"i","sidecarName":"scripted","missionType":"AutoDiagnose","attempt":1,
           "ordinal":1,"timeoutSeconds":60,"permissions":"DenyAll",
           "module":{"namespace":"default","name":"m"},
           "job":{"name":"j","jobID":"1","operation":"Apply","state":"Failed"}}})",
       201},
      {"MERGE", "r/status", R"({"status":{"phase":"Running"}})", 200},
      {"MERGE", "r/status", end, 200},
      {"MERGE", "r/status", R"({"status":{"sidecarStopped":true}})", 200},
      {"MERGE", "r/status", R"({"status":{"usage":{"inputTokens":1}}})", 200},
      {"MERGE", "r/status", R"({"status":{"phase":"Pending"}})", 422, "never changes"},
      {"MERGE", "r/status", R"({"status":{"phase":"Failed"}})", 422, "never changes"},
      {"MERGE", "r/status", R"({"status":null})", 422, "never changes"},
      {"MERGE", "r/status", R"({"status":{"reason":null}})", 422, "never changes"},
      {"MERGE", "r/status", R"({"status":{"result":{"inline":"[]"}}})", 422, "never changes"},
      {"MERGE", "r/status", R"({"status":{"result":null}})", 422, "never changes"},
      {"MERGE", "r/status", R"({"status":{"sidecarStopped":false}})", 422, "never changes"},
  });
}

TEST(StorageWritesTest, WhatIsImmutableIsFrozen) {
  Session secrets("secrets");
  secrets.Run({
      {"POST", "",
       R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"YQ=="}})", 201},
      {"MERGE", "s", R"({"data":{"a":"Yg=="},"immutable":true})", 200},
      {"MERGE", "s", R"({"data":{"a":"YQ=="}})", 422, "immutable"},
      {"MERGE", "s", R"({"data":{"b":"YQ=="}})", 422, "immutable"},
      {"MERGE", "s", R"({"data":null})", 422, "immutable"},
      {"MERGE", "s", R"({"stringData":{"a":"a"}})", 422, "immutable"},
      {"MERGE", "s", R"({"immutable":false})", 422, "immutable"},
      {"MERGE", "s", R"({"immutable":null})", 422, "immutable"},
      {"MERGE", "s", R"({"metadata":{"labels":{"a":"b"}}})", 200},
  });
  Session maps("configmaps");
  maps.Run({
      {"POST", "",
       R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"a"},
           "immutable":true})",
       201},
      {"MERGE", "c", R"({"data":{"a":"b"}})", 422, "immutable"},
      {"MERGE", "c", R"({"data":null})", 422, "immutable"},
      {"MERGE", "c", R"({"binaryData":{"b":"YQ=="}})", 422, "immutable"},
      {"MERGE", "c", R"({"immutable":null})", 422, "immutable"},
      {"DELETE", "c", "", 200},
  });
}

TEST(StorageWritesTest, StringDataOfAnotherTypeIsRefused) {
  Session secrets("secrets");
  secrets.Run({
      {"POST", "",
       R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"YQ=="}})", 201},
      {"MERGE", "s", R"({"stringData":{"a":5}})", 422, "stringData.a"},
      {"MERGE", "s", R"({"stringData":["a"]})", 422, "stringData"},
      {"MERGE", "s", R"({"data":[1],"stringData":{"a":"b"}})", 422, "data"},
      {"GET", "s", "", 200, R"({"data":{"a":"YQ=="}})"},
      {"MERGE", "s", R"({"data":null,"stringData":{"b":"b"}})", 200,
       R"({"stringData":null,"data":{"b":"Yg=="}})"},
  });
}

TEST(StorageWritesTest, ErrorsShowNoValueOfASecret) {
  TestWorld world;
  const Target secret = world.At("secrets", "s");
  ASSERT_TRUE(world.Create(world.At("secrets", ""),
                           J(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},
                                 "data":{"p":"aHVudGVyMg=="}})")));
  const auto patch = [](PatchType type, const std::string& text) {
    return PatchBody{.type = type, .patch = J(text)};
  };
  const PatchBody patches[] = {
      patch(PatchType::kMerge, R"({"data":{"q":"aHVudGVyMg!!"}})"),
      patch(PatchType::kMerge, R"({"data":"aHVudGVyMg"})"),
      patch(PatchType::kMerge, R"({"stringData":["aHVudGVyMg"]})"),
      patch(PatchType::kMerge, R"({"data":{"q":"aHVudGVyMg=="},"extra":1})"),
      patch(PatchType::kStrategicMerge, R"({"data":{"q":"aHVudGVyMg!!"}})"),
      patch(PatchType::kJson, R"([{"op":"test","path":"/data/p","value":"x"}])"),
      patch(PatchType::kJson, R"([{"op":"test","path":"/data/p","value":"aHVudGVyMg"}])"),
      patch(PatchType::kJson, R"([{"op":"add","path":"/data/q","value":"aHVudGVyMg"},
                                  {"op":"add","path":"/extra","value":"aHVudGVyMg"}])"),
      patch(PatchType::kApply, R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},
                                   "data":{"q":["aHVudGVyMg"]}})"),
  };
  for (const PatchBody& body : patches) {
    const auto refused = world.Write(
        {.identity = world.who,
         .target = secret,
         .body = body,
         .options = {.field_manager = "m", .field_validation = FieldValidation::kStrict}});
    ASSERT_FALSE(refused) << body.patch.Dump();
    EXPECT_EQ((refused.error().message + refused.error().details).find("aHVudGVyMg"),
              std::string::npos)
        << refused.error().message;
    EXPECT_FALSE(refused.error().message.empty());
  }
}

}  // namespace
}  // namespace midwatch::apiserver
