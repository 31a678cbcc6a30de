#include "controller/object/stored_bytes.h"

#include <gtest/gtest.h>

#include "controller/object/json.h"
#include "controller/object/object.h"

namespace midwatch {
namespace {

constexpr std::string_view kStored =
    R"({"apiVersion":"v1","data":{"metadata":"\"}{"},"kind":"ConfigMap","metadata":)"
    R"({"labels":{"a":"}"},"managedFields":[{"f":{"resourceVersion":"9"}}],"name":"x",)"
    R"("resourceVersion":"7","uid":"u"}})";

TEST(StoredBytesTest, FindsMembersOfTheObjectItself) {
  EXPECT_EQ(FindMember(kStored, "kind"), "\"ConfigMap\"");
  EXPECT_EQ(FindMember(kStored, "data"), R"({"metadata":"\"}{"})");
  EXPECT_EQ(FindMember(*FindMember(kStored, "metadata"), "resourceVersion"), "\"7\"");
  EXPECT_EQ(FindMember(kStored, "name"), std::nullopt);
}

TEST(StoredBytesTest, SetsTheVersionAndNothingElse) {
  const std::string next = WithResourceVersion(kStored, "12345");
  Json expected = *ParseJson(kStored);
  expected["metadata"].Set("resourceVersion", "12345");
  EXPECT_EQ(next, expected.Dump());
  EXPECT_EQ(WithResourceVersion(R"({"a":1})", "5"), R"({"a":1})");
}

TEST(StoredBytesTest, HeadHasWhatTheMachineryReads) {
  EXPECT_EQ(HeadOf(kStored),
            R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"labels":{"a":"}"},"name":"x",)"
            R"("resourceVersion":"7","uid":"u"}})");
}

TEST(StoredBytesTest, NeverReadsBeyondTheEnd) {
  for (std::size_t length = 0; length < kStored.size(); ++length) {
    const std::string cut(kStored.substr(0, length));
    (void)FindMember(cut, "zzz");
    (void)WithResourceVersion(cut, "1");
    (void)HeadOf(cut);
  }
  EXPECT_EQ(FindMember("", "a"), std::nullopt);
  EXPECT_EQ(FindMember("[1]", "a"), std::nullopt);
  EXPECT_EQ(FindMember("{}", "a"), std::nullopt);
}

TEST(StoredBytesTest, StoredObjectsReadTheirMetadataLate) {
  const Object stored = Object::FromStored(std::string(kStored));
  const Object parsed = *Object::Parse(std::string(kStored));
  EXPECT_EQ(stored.bytes(), parsed.bytes());
  EXPECT_EQ(stored.meta(), parsed.meta());
  EXPECT_EQ(stored.kind(), "ConfigMap");
  EXPECT_EQ(stored.api_version(), "v1");
  EXPECT_EQ(stored.Body(), parsed.Body());
}

}  // namespace
}  // namespace midwatch
