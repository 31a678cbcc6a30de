#include "controller/apiserver/http_protobuf.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace midwatch::apiserver {
namespace {

std::string Varint(std::size_t value) {
  std::string out;
  for (; value > 127; value >>= 7U) {
    out += static_cast<char>((value & 127U) | 128U);
  }
  return out + static_cast<char>(value);
}
std::string Field(int number, std::string_view bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + Varint(bytes.size()) +
         std::string(bytes);
}
std::string Number(int number, char value) {
  return std::string(1, static_cast<char>(number << 3)) + std::string(1, value);
}
std::string Body(std::string_view version, std::string_view kind, std::string_view raw) {
  return std::string("k8s\0", 4) + Field(1, Field(1, version) + Field(2, kind)) + Field(2, raw);
}
std::string Named(std::string_view name) {
  return Field(1, Field(1, name) + Field(2, "") + Field(3, "ns"));
}

Json Decoded(std::string_view body) {
  auto decoded = DecodeProtobuf(body);
  EXPECT_TRUE(decoded) << (decoded ? "" : decoded.error().message);
  return decoded ? *decoded : Json();
}
Json Parsed(std::string_view text) { return *ParseJson(text); }

// As kubectl 1.33 sent it (kubectl-create-ns-33 of the captures).
TEST(DecodeProtobuf, ReadsWhatKubectlSends) {
  constexpr char kSent[] =
      "k8s\0\n\x0f\n\x02v1\x12\tNamespace\x12\x1d\n\x15\n\x05tns33\x12\0\x1a\0\"\0*\0"
      "2\0008\0B\0\x12\0\x1a\x02\n\0\x1a\0\"\0";
  EXPECT_EQ(Decoded({kSent, sizeof(kSent) - 1}),
            Parsed(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"tns33"},
                                       "spec":{},"status":{}})"));
}

TEST(DecodeProtobuf, ReadsEachKind) {
  EXPECT_EQ(
      Decoded(Body("v1", "ConfigMap",
                   Named("c") + Field(2, Field(1, "a") + Field(2, "b")) +
                       Field(3, Field(1, "bin") + Field(2, "\xff")) + Number(4, 1))),
      Parsed(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"ns"},
                       "data":{"a":"b"},"binaryData":{"bin":"/w=="},"immutable":true})"));
  EXPECT_EQ(Decoded(Body("v1", "Secret",
                         Named("s") + Field(2, Field(1, "k") + Field(2, "hunter2")) +
                             Field(3, "Opaque") + Field(4, Field(1, "t") + Field(2, "u")))),
            Parsed(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"ns"},
                       "data":{"k":"aHVudGVyMg=="},"type":"Opaque","stringData":{"t":"u"}})"));
  EXPECT_EQ(Decoded(Body("coordination.k8s.io/v1", "Lease",
                         Named("l") + Field(2, Field(1, "") + Number(2, 15) +
                                                   Field(4, Number(1, 60)) + Number(5, 0)))),
            Parsed(
                R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease",
                       "metadata":{"name":"l","namespace":"ns"},
                       "spec":{"holderIdentity":"","leaseDurationSeconds":15,"leaseTransitions":0,
                               "renewTime":"1970-01-01T00:01:00.000000Z"}})"));
  EXPECT_EQ(
      Decoded(Body("v1", "Event",
                   Named("e") + Field(2, Field(1, "Pod")) + Field(3, "Why") + Number(8, 3) +
                       Field(7, Number(1, 60)) + Field(10, ""))),
      Parsed(
          R"({"apiVersion":"v1","kind":"Event","metadata":{"name":"e","namespace":"ns"},"reason":"Why",
                       "involvedObject":{"kind":"Pod"},"count":3,
                       "lastTimestamp":"1970-01-01T00:01:00Z"})"));
  EXPECT_EQ(Decoded(Body("v1", "DeleteOptions",
                         Field(4, "Background") + Field(2, Field(1, "u")) + Field(5, "All"))),
            Parsed(R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background",
                       "preconditions":{"uid":"u"},"dryRun":["All"]})"));
}

TEST(DecodeProtobuf, SkipsFieldsItDoesNotKnow) {
  const std::string fixed = std::string("\x99\x06", 2) + std::string(8, 'x');  // Field 99, 64 bits.
  EXPECT_EQ(Decoded(Body("v1", "ConfigMap", fixed + Named("c"))).At("metadata", "name").AsString(),
            "c");
}

TEST(DecodeProtobuf, RefusesOtherKindsByName) {
  const auto refused = DecodeProtobuf(Body("demo.example.io/v1", "Widget", ""));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupportedMediaType);
}

TEST(DecodeProtobuf, RefusesWhatIsMalformed) {
  const std::string good =
      Body("v1", "ConfigMap", Named("c") + Field(2, Field(1, "a") + Field(2, "b")));
  const std::string bad[] = {
      "",
      "k8s",
      "{}",
      Body("v1", "ConfigMap", "\x0a\x7f"),
      Body("v1", "ConfigMap", "\x0b"),
      Body("v1", "ConfigMap", Field(1, Field(1, "\xff\xfe"))),
      Body("v1", "ConfigMap", std::string(11, '\xff')),
      Body("v1", "Lease",
           Field(2, Field(4, Number(2, 5) + "\x08" + std::string(8, '\xff') + "\x3f")))};
  for (const std::string& body : bad) {
    const auto decoded = DecodeProtobuf(body);
    ASSERT_FALSE(decoded) << body;
    EXPECT_TRUE(decoded.error().code == ErrorCode::kBadRequest ||
                decoded.error().code == ErrorCode::kUnsupportedMediaType);
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    (void)DecodeProtobuf(good.substr(0, size));  // Ends, whatever it says.
  }
}

TEST(DecodeProtobuf, TheOrderOfAMapCostsNothing) {
  std::string data;
  for (int i = 200'000; i > 0; --i) {  // Minutes, if each were inserted where it belongs.
    data += Field(2, Field(1, std::to_string(1'000'000 + i)));
  }
  const Json decoded = Decoded(Body("v1", "ConfigMap", data));
  EXPECT_EQ(decoded.At("data").Members().size(), 200'000U);
  EXPECT_EQ(decoded.At("data").Members().front().name, "1000001");
  EXPECT_TRUE(decoded.At("data", "1200000").IsString());
}

TEST(DecodeProtobuf, TheLastOfEqualKeysWins) {
  const auto entry = [](std::string_view key, std::string_view value) {
    return Field(2, Field(1, key) + Field(2, value));
  };
  EXPECT_EQ(Decoded(Body("v1", "ConfigMap",
                         entry("b", "1") + entry("a", "2") + entry("b", "3") + entry("b", "4")))
                .At("data"),
            Parsed(R"({"a":"2","b":"4"})"));
}

TEST(DecodeProtobuf, MakesAsManyValuesAsJsonMay) {
  std::string finalizers;
  while (finalizers.size() < 2 * JsonLimits{}.nodes) {
    finalizers += Field(14, "");
  }
  const auto refused = DecodeProtobuf(Body("v1", "ConfigMap", Field(1, finalizers)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "the body is no valid protobuf: more than 1000000 values");
}

}  // namespace
}  // namespace midwatch::apiserver
