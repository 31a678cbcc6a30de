#include "controller/api/codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "controller/api/agent.h"
#include "controller/api/agent_assignment.h"
#include "controller/api/agent_config.h"
#include "controller/api/agent_instance.h"
#include "controller/api/core.h"
#include "controller/api/dispatch.h"
#include "controller/api/embedded_crds.h"
#include "controller/api/git_source.h"
#include "controller/api/kinds.h"
#include "controller/api/lease.h"
#include "controller/api/missions.h"
#include "controller/api/module.h"
#include "controller/api/module_job.h"
#include "controller/api/report.h"
#include "controller/api/results.h"
#include "controller/api/run.h"
#include "controller/api/stack.h"

namespace midwatch::api {
namespace {

using Path = std::vector<std::string>;  // Member names; "[]" is the first element of a list.

std::string Show(const Path& path) {
  std::string text;
  for (const std::string& part : path) {
    text += part == "[]" ? "[0]" : (text.empty() ? "" : ".") + part;
  }
  return text;
}

Json ParseEmbedded(const EmbeddedDocument& document) {
  auto parsed = ParseJson(document.json);
  EXPECT_TRUE(parsed) << document.name;
  return *parsed;
}

/// The OpenAPI schema that the binary carries for a kind.
Json SchemaOf(const ResourceType& type) {
  for (const auto documents : {EmbeddedCrds(), EmbeddedCoreCrds()}) {
    for (const EmbeddedDocument& document : documents) {
      if (document.name == type.Resource()) {
        const Json crd = ParseEmbedded(document);
        return crd.At("spec", "versions").Items()[0].At("schema", "openAPIV3Schema");
      }
    }
  }
  ADD_FAILURE() << "no CRD for " << type.Resource();
  return {};
}

Json SampleText(const Json& schema) {
  if (const Json* words = schema.Find("enum"); words != nullptr) {
    return words->Items().back();
  }
  if (schema.At("format").AsString() == "date-time") {
    return "2026-11-21T06:57:00Z";
  }
  const bool is_duration = schema.At("pattern").AsString().find("(ms|s|m|h)") != std::string::npos;
  return is_duration ? "1h30m0s" : "text";
}

/// A value with every field that the schema knows.
Json SampleOf(const Json& schema) {
  const std::string& type = schema.At("type").AsString();
  if (type == "object" && schema.Find("additionalProperties") != nullptr) {
    return Json::Of({{"key", "value"}});
  }
  if (type == "object") {
    Json sample = Json::EmptyObject();
    for (const auto& [name, child] : schema.At("properties").Members()) {
      sample.Set(name, SampleOf(child));
    }
    return sample;
  }
  if (type == "array") {
    return Json::ArrayOf({SampleOf(schema.At("items"))});
  }
  if (type == "boolean") {
    return true;
  }
  return type == "integer" ? Json(7) : SampleText(schema);
}

Json SampleBody(const ResourceType& type) {
  Json body = SampleOf(SchemaOf(type));
  body.Set("apiVersion", type.ApiVersion());
  body.Set("kind", type.kind);
  body.Set("metadata", Json::Of({{"name", "sample"}}));
  return body;
}

Json* Locate(Json& root, const Path& path) {
  Json* at = &root;
  for (const std::string& part : path) {
    at = part == "[]" ? at->MutableItems().data() : at->FindMutable(part);
  }
  return at;
}

/// The scope of a mission is required by its kind alone; the struct that four kinds share leaves it
/// optional.
bool IsScopeOfAMission(const ResourceType& type, const Path& path) {
  return type.kind.ends_with("Mission") && path.size() == 2 &&
         (path[1] == "stackRef" || path[1] == "moduleRef");
}

using Visitor = std::function<void(const Path& path, const Json& schema, bool required)>;

/// Calls `visit` for every field below `schema`.
void WalkFields(const Json& schema, const Path& path, const Visitor& visit) {
  const auto& required = schema.At("required").Items();
  for (const auto& [name, child] : schema.At("properties").Members()) {
    if (path.empty() && (name == "apiVersion" || name == "kind" || name == "metadata")) {
      continue;
    }
    Path here = path;
    here.push_back(name);
    visit(here, child, std::find(required.begin(), required.end(), Json(name)) != required.end());
    WalkFields(child, here, visit);
    if (const Json* items = child.Find("items"); items != nullptr) {
      here.emplace_back("[]");
      WalkFields(*items, here, visit);
    }
  }
}

/// Their times come back with microseconds, which the sample does not have.
bool HasMicroTimes(const ResourceType& type) {
  return type.kind == "Event" || type.kind == "Lease";
}

template <typename T>
class EveryKindTest : public testing::Test {};
using Kinds =
    testing::Types<Agent, AgentAssignment, AgentInstance, ConfigMap, Dispatch, Event, GitSource,
                   Lease, Module, ModuleJob, ModuleMission, Namespace, NamespaceMission,
                   OrganizationMission, Report, Run, Secret, Stack, StackMission>;
TYPED_TEST_SUITE(EveryKindTest, Kinds);

TYPED_TEST(EveryKindTest, RoundTripsEveryFieldOfItsSchema) {
  const Json body = SampleBody(TypeParam::Type());
  auto value = FromBody<TypeParam>(body);
  ASSERT_TRUE(value) << value.error().message;
  const Json again = ToBody(*value);
  auto second = FromBody<TypeParam>(again);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(*second, *value);
  if (!HasMicroTimes(TypeParam::Type())) {
    EXPECT_EQ(again.DumpPretty(), body.DumpPretty());
  }
}

TYPED_TEST(EveryKindTest, NamesEachMissingRequiredField) {
  const Json body = SampleBody(TypeParam::Type());
  WalkFields(SchemaOf(TypeParam::Type()), {}, [&](const Path& path, const Json&, bool required) {
    Json broken = body;
    const Path parent(path.begin(), path.end() - 1);
    Locate(broken, parent)->Erase(path.back());
    const auto value = FromBody<TypeParam>(broken);
    const bool is_refused = required && !IsScopeOfAMission(TypeParam::Type(), path);
    EXPECT_EQ(value.has_value(), !is_refused) << Show(path);
    if (!value) {
      EXPECT_EQ(value.error().message, Show(path) + ": required, but missing");
    }
  });
}

TYPED_TEST(EveryKindTest, NamesEachFieldOfTheWrongType) {
  const Json body = SampleBody(TypeParam::Type());
  WalkFields(SchemaOf(TypeParam::Type()), {}, [&](const Path& path, const Json& schema, bool) {
    Json broken = body;
    const bool is_array = schema.At("type").AsString() == "array";
    *Locate(broken, path) = is_array ? Json(1) : Json::EmptyArray();
    const auto value = FromBody<TypeParam>(broken);
    ASSERT_FALSE(value) << Show(path);
    EXPECT_EQ(value.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(value.error().message.substr(0, Show(path).size() + 2), Show(path) + ": ");
  });
}

TYPED_TEST(EveryKindTest, TakesNullAsAbsent) {
  const Json body = SampleBody(TypeParam::Type());
  WalkFields(SchemaOf(TypeParam::Type()), {}, [&](const Path& path, const Json&, bool required) {
    Json with_null = body;
    *Locate(with_null, path) = nullptr;
    const bool is_refused = required && !IsScopeOfAMission(TypeParam::Type(), path);
    EXPECT_EQ(FromBody<TypeParam>(with_null).has_value(), !is_refused) << Show(path);
  });
}

TYPED_TEST(EveryKindTest, GoesThroughAnObjectWithItsMetadata) {
  auto object = midwatch::Object::FromJson(SampleBody(TypeParam::Type()));
  ASSERT_TRUE(object);
  auto value = FromObject<TypeParam>(*object);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(value->metadata.name, "sample");
  auto again = ToObject(*value);
  ASSERT_TRUE(again);
  EXPECT_EQ(FromObject<TypeParam>(*again).value(), *value);
}

TEST(CodecTest, RefusesAnObjectOfAnotherKind) {
  const Json body = Json::Of({{"apiVersion", "midwatch.dev/v1"}, {"kind", "Module"}});
  EXPECT_EQ(FromBody<Module>(body).error().message,
            "kind: expected Module of midwatch.dev/v1alpha1, found \"Module\" of "
            "\"midwatch.dev/v1\"");
}

TEST(CodecTest, FillsDefaultsAndKeepsAbsentApartFromZero) {
  const Json body = Json::Of({{"moduleJobRef", Json::Of({{"name", "job-1"}})},
                              {"missionType", "AutoDiagnose"},
                              {"agentRef", Json::Of({{"namespace", "ops"}, {"name", "a"}})}});
  const auto spec = Decode<DispatchSpec>(body);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->timeout, std::chrono::hours{3});
  EXPECT_EQ(spec->retry_limit, 3);
  EXPECT_FALSE(spec->expire_after.has_value());
  EXPECT_FALSE(spec->mission_ref.has_value());
  EXPECT_EQ(DispatchStatus{}.observed_generation, -1);
  EXPECT_EQ(DispatchStatus{}.phase, DispatchPhase::kPending);
}

TEST(CodecTest, LeavesOutWhatIsEmptyAndWritesFlagsAndDefaults) {
  EXPECT_EQ(Encode(ModuleSource{}).Dump(), "{}");
  EXPECT_EQ(Encode(OfferedSidecar{.name = "claude"}).Dump(),
            R"({"default":false,"name":"claude"})");
  EXPECT_EQ(Encode(Usage{}).Dump(), R"({"inputTokens":0,"outputTokens":0})");
  EXPECT_EQ(Encode(JobTransition{.seq = 2, .state = JobState::kFailed, .exit_code = 0}).Dump(),
            R"({"at":"1970-01-01T00:00:00Z","exitCode":0,"seq":2,"state":"Failed"})");
}

TEST(CodecTest, IgnoresUnknownFields) {
  const auto source = Decode<ModuleSource>(Json::Of({{"path", "a"}, {"colour", "red"}}));
  ASSERT_TRUE(source);
  EXPECT_EQ(source->path, "a");
}

TEST(CodecTest, KeepsMicrosecondsOfLeases) {
  const Json body = Json::Of({{"renewTime", "2026-11-21T06:57:00.123456Z"}});
  const auto spec = Decode<LeaseSpec>(body);
  ASSERT_TRUE(spec);
  EXPECT_EQ(Encode(*spec).Dump(), body.Dump());
}

struct ErrorCase {
  const char* name;
  const char* transition;
  const char* want;
};

class DecodeErrorTest : public testing::TestWithParam<ErrorCase> {};

TEST_P(DecodeErrorTest, SaysWhatWasExpectedWhere) {
  const Json spec = Json::Of({{"moduleRef", Json::Of({{"name", "database"}})},
                              {"jobID", "1"},
                              {"transitions", Json::ArrayOf({*ParseJson(GetParam().transition)})}});
  const auto decoded = Decode<ModuleJobSpec>(spec, "spec");
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message, GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Transitions, DecodeErrorTest,
    testing::Values(
        ErrorCase{"UnknownWord", R"({"seq":1,"at":"2026-11-21T06:57:00Z","state":"Exploded"})",
                  "spec.transitions[0].state: unknown value \"Exploded\", expected one of Running, "
                  "ApprovalRequired, Succeeded, Failed, Cancelled"},
        ErrorCase{"WrongType", R"({"seq":"1","at":"2026-11-21T06:57:00Z","state":"Failed"})",
                  "spec.transitions[0].seq: expected integer, found string"},
        ErrorCase{"BadTime", R"({"seq":1,"at":"yesterday","state":"Failed"})",
                  "spec.transitions[0].at: expected a time such as 2026-11-21T06:57:00Z"},
        ErrorCase{"Missing", R"({"seq":1,"state":"Failed"})",
                  "spec.transitions[0].at: required, but missing"},
        ErrorCase{"NoObject", R"(3)", "spec.transitions[0]: expected object, found integer"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(CodecTest, SaysThatADurationIsExpected) {
  const Json body = Json::Of({{"url", "https://host/repo"}, {"interval", "soon"}});
  EXPECT_EQ(Decode<GitSourceSpec>(body, "spec").error().message,
            "spec.interval: expected a duration such as 90s or 1h30m");
}

TEST(CodecTest, FindsWordsOfEnums) {
  EXPECT_EQ(ToString(JobState::kApprovalRequired), "ApprovalRequired");
  EXPECT_EQ(FindEnum<MissionType>("SummarizeJob"), MissionType::kSummarizeJob);
  EXPECT_EQ(FindEnum<MissionType>("summarizejob"), std::nullopt);
}

TEST(KindsTest, KnowsEveryKindOnce) {
  EXPECT_EQ(OurKinds().size(), EmbeddedCrds().size());
  EXPECT_EQ(CoreKinds().size(), EmbeddedCoreCrds().size());
  ASSERT_NE(FindKind("midwatch.dev/v1alpha1", "Run"), nullptr);
  EXPECT_EQ(*FindKind("midwatch.dev/v1alpha1", "Run"), Run::Type());
  EXPECT_EQ(FindKind("v1", "Secret")->Resource(), "secrets");
  EXPECT_EQ(FindKind("v1", "Run"), nullptr);
}

TEST(EmbeddedTest, CarriesASchemaForEveryResultAndConfiguration) {
  for (const EmbeddedDocument& document : EmbeddedSchemas()) {
    EXPECT_EQ(ParseEmbedded(document).At("type").AsString(), "object") << document.name;
  }
  EXPECT_TRUE(std::any_of(EmbeddedSchemas().begin(), EmbeddedSchemas().end(),
                          [](const auto& document) { return document.name == "Diagnosis"; }));
}

}  // namespace
}  // namespace midwatch::api
