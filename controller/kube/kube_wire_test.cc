#include "controller/kube/kube_wire.h"

#include <gtest/gtest.h>

namespace midwatch::kube {
namespace {

const ResourceType kModules{"midwatch.dev", "v1alpha1", "Module", "modules", true};
const ResourceType kNamespaces{"", "v1", "Namespace", "namespaces", false};

TEST(KubeWire, PathsNameResourcesAndEscapeNames) {
  EXPECT_EQ(PathOf(kModules, "a", "b", "status"),
            "/apis/midwatch.dev/v1alpha1/namespaces/a/modules/b/status");
  EXPECT_EQ(PathOf(kModules, "", ""), "/apis/midwatch.dev/v1alpha1/modules");
  EXPECT_EQ(PathOf(kNamespaces, "", "x"), "/api/v1/namespaces/x");
  EXPECT_EQ(PathOf(kModules, "../x", "a/b?c"),
            "/apis/midwatch.dev/v1alpha1/namespaces/..%2Fx/modules/a%2Fb%3Fc");
}

struct ErrorCase {
  const char* name;
  int status;
  std::string body;
  ErrorCode read;
  ErrorCode write;
};
class KubeErrorTest : public testing::TestWithParam<ErrorCase> {};

TEST_P(KubeErrorTest, MeansWhatTheServerSaid) {
  const ErrorCase& c = GetParam();
  EXPECT_EQ(ErrorOf({c.status, {}, c.body}).code, c.read);
  EXPECT_EQ(WriteErrorOf({c.status, {}, c.body}).code, c.write);
}

std::string Status(const std::string& reason) {
  return R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"m","reason":")" +
         reason + "\"}";
}

INSTANTIATE_TEST_SUITE_P(
    Answers, KubeErrorTest,
    testing::Values(
        ErrorCase{"NotFound", 404, Status("NotFound"), ErrorCode::kNotFound, ErrorCode::kNotFound},
        ErrorCase{"AlreadyExists", 409, Status("AlreadyExists"), ErrorCode::kAlreadyExists,
                  ErrorCode::kAlreadyExists},
        ErrorCase{"Conflict", 409, Status("Conflict"), ErrorCode::kConflict, ErrorCode::kConflict},
        ErrorCase{"Expired", 410, Status("Expired"), ErrorCode::kExpired, ErrorCode::kExpired},
        ErrorCase{"Gone", 410, Status("Gone"), ErrorCode::kExpired, ErrorCode::kExpired},
        ErrorCase{"Invalid", 422, Status("Invalid"), ErrorCode::kInvalid, ErrorCode::kInvalid},
        ErrorCase{"NoReason", 403, Status(""), ErrorCode::kForbidden, ErrorCode::kForbidden},
        ErrorCase{"TooManyRequests", 429, Status("TooManyRequests"), ErrorCode::kTooManyRequests,
                  ErrorCode::kTooManyRequests},
        ErrorCase{"RefusedByTheApi", 503, Status("ServiceUnavailable"), ErrorCode::kUnavailable,
                  ErrorCode::kUnavailable},
        ErrorCase{"TimeoutBehindTheApi", 504, Status("Timeout"), ErrorCode::kTimeout,
                  ErrorCode::kOutcomeUnknown},
        ErrorCase{"FailureBehindTheApi", 500, Status("InternalError"), ErrorCode::kInternal,
                  ErrorCode::kOutcomeUnknown},
        ErrorCase{"Gateway", 502, "<html>", ErrorCode::kUnavailable, ErrorCode::kOutcomeUnknown},
        ErrorCase{"GatewayUnavailable", 503, "<html>", ErrorCode::kUnavailable,
                  ErrorCode::kOutcomeUnknown},
        ErrorCase{"PlainNotFound", 404, "404 page not found\n", ErrorCode::kNotFound,
                  ErrorCode::kNotFound}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(KubeWire, StatusKeepsMessageAndDetails) {
  const Error error =
      ErrorOf({409, {}, R"({"kind":"Status","message":"Apply failed","reason":"Conflict",
      "details":{"causes":[{"field":".spec.x"}]}})"});
  EXPECT_EQ(error.message, "Apply failed");
  EXPECT_EQ(error.details, R"({"causes":[{"field":".spec.x"}]})");
}

TEST(KubeWire, ListItemsGetTheKindThatServersLeaveOut) {
  const auto list =
      ReadList(R"({"kind":"ModuleList","metadata":{"resourceVersion":"7","continue":"c"},
      "items":[{"metadata":{"name":"a","namespace":"x"}}]})",
               kModules);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->resource_version, "7");
  EXPECT_EQ(list->continue_token, "c");
  EXPECT_EQ(list->items[0].kind(), "Module");
  EXPECT_EQ(list->items[0].api_version(), "midwatch.dev/v1alpha1");
  EXPECT_TRUE(ReadList(R"({"metadata":{},"items":null})", kModules)->items.empty());
  EXPECT_FALSE(ReadList(R"({"items":{}})", kModules));
  EXPECT_FALSE(ReadList("<html>", kModules));
}

TEST(KubeWire, WatchLinesAreEventsOrErrors) {
  const auto event = ReadWatchLine(
      R"({"type":"DELETED","object":{"metadata":{"name":"a","namespace":"x","resourceVersion":"9"}}})",
      kModules);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, WatchEventType::kDeleted);
  EXPECT_EQ(event->resource_version, "9");
  EXPECT_EQ(event->object.name(), "a");
  const auto bookmark = ReadWatchLine(
      R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12"}}})", kModules);
  EXPECT_EQ(bookmark->type, WatchEventType::kBookmark);
  EXPECT_EQ(bookmark->resource_version, "12");
  const auto expired = ReadWatchLine(
      R"({"type":"ERROR","object":{"kind":"Status","reason":"Expired","code":410,"message":"too old"}})",
      kModules);
  EXPECT_EQ(expired.error().code, ErrorCode::kExpired);
  EXPECT_FALSE(ReadWatchLine(R"({"type":"SURPRISE","object":{}})", kModules));
  EXPECT_FALSE(ReadWatchLine("{broken", kModules));
}

}  // namespace
}  // namespace midwatch::kube
