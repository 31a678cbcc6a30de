#include "controller/object/json_rpc.h"

#include <gtest/gtest.h>

namespace midwatch {
namespace {

struct GoodCase {
  const char* name;
  const char* line;
  JsonRpcKind kind;
};
class GoodMessageTest : public testing::TestWithParam<GoodCase> {};

TEST_P(GoodMessageTest, IsUnderstood) {
  const auto message = ParseJsonRpc(GetParam().line);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->kind, GetParam().kind);
}

INSTANTIATE_TEST_SUITE_P(
    Messages, GoodMessageTest,
    testing::Values(
        GoodCase{"Request", R"({"jsonrpc":"2.0","id":1,"method":"a","params":{}})",
                 JsonRpcKind::kRequest},
        GoodCase{"TextId", R"({"jsonrpc":"2.0","id":"x","method":"a"})", JsonRpcKind::kRequest},
        GoodCase{"NullId", R"({"jsonrpc":"2.0","id":null,"method":"a"})", JsonRpcKind::kRequest},
        GoodCase{"Notification", R"({"jsonrpc":"2.0","method":"a"})", JsonRpcKind::kNotification},
        GoodCase{"Result", R"({"jsonrpc":"2.0","id":1,"result":null})", JsonRpcKind::kResult},
        GoodCase{"Error", R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}})",
                 JsonRpcKind::kError},
        GoodCase{"ErrorToNobody",
                 R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}})",
                 JsonRpcKind::kError}),
    [](const auto& suite) { return std::string(suite.param.name); });

struct BadCase {
  const char* name;
  std::string line;
  ErrorCode code;
};
class BadMessageTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadMessageTest, IsRefused) {
  const auto message = ParseJsonRpc(GetParam().line);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, GetParam().code) << message.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Messages, BadMessageTest,
    testing::Values(
        BadCase{"Empty", "", ErrorCode::kBadRequest},
        BadCase{"Text", "hello", ErrorCode::kBadRequest},
        BadCase{"Batch", "[]", ErrorCode::kInvalid},
        BadCase{"NoVersion", R"({"id":1,"method":"a"})", ErrorCode::kInvalid},
        BadCase{"OldVersion", R"({"jsonrpc":"1.0","id":1,"method":"a"})", ErrorCode::kInvalid},
        BadCase{"MethodIsNumber", R"({"jsonrpc":"2.0","id":1,"method":7})", ErrorCode::kInvalid},
        BadCase{"TruthId", R"({"jsonrpc":"2.0","id":true,"method":"a"})", ErrorCode::kInvalid},
        BadCase{"ListId", R"({"jsonrpc":"2.0","id":[1],"method":"a"})", ErrorCode::kInvalid},
        BadCase{"FractionId", R"({"jsonrpc":"2.0","id":1.5,"method":"a"})", ErrorCode::kInvalid},
        BadCase{"ParamsList", R"({"jsonrpc":"2.0","id":1,"method":"a","params":[1]})",
                ErrorCode::kInvalid},
        BadCase{"ResultAndError", R"({"jsonrpc":"2.0","id":1,"result":1,"error":{}})",
                ErrorCode::kInvalid},
        BadCase{"Neither", R"({"jsonrpc":"2.0","id":1})", ErrorCode::kInvalid},
        BadCase{"TooLong", std::string(kMaxJsonRpcLine + 1, ' '), ErrorCode::kTooLarge},
        BadCase{"TooDeep", std::string(100, '[') + std::string(100, ']'), ErrorCode::kBadRequest}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(JsonRpcLinesTest, AreWhatIsParsed) {
  EXPECT_EQ(RequestLine(1, "a", {}), "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"a\"}\n");
  EXPECT_EQ(NotificationLine("n", Json::Of({{"x", "a\nb"}})),
            "{\"jsonrpc\":\"2.0\",\"method\":\"n\",\"params\":{\"x\":\"a\\nb\"}}\n");
  EXPECT_EQ(ResultLine("i", Json::EmptyObject()),
            "{\"id\":\"i\",\"jsonrpc\":\"2.0\",\"result\":{}}\n");
  EXPECT_EQ(ErrorLine({}, JsonRpcCode::kParseError, "no"),
            "{\"error\":{\"code\":-32700,\"message\":\"no\"},\"id\":null,\"jsonrpc\":\"2.0\"}\n");
}

}  // namespace
}  // namespace midwatch
