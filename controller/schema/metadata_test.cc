#include "controller/schema/metadata.h"

#include <gtest/gtest.h>

#include <utility>

#include "controller/schema/widget_schema.h"

namespace midwatch::schema {
namespace {

std::string MessagesOf(const std::string& metadata, bool namespaced = true) {
  const auto meta = ParseObjectMeta(ParsedJsonOf(metadata));
  const auto errors = ValidateMetadata(*meta, namespaced);
  return errors.empty() ? "" : JoinMessages(errors);
}

struct MetadataCase {
  const char* name;
  std::string metadata;
  const char* want;  ///< The start of the messages.
};

class ValidateMetadataTest : public testing::TestWithParam<MetadataCase> {};

TEST_P(ValidateMetadataTest, SaysWhatAKubeApiserverSays) {
  const std::string found = MessagesOf(GetParam().metadata);
  EXPECT_TRUE(found.starts_with(GetParam().want) && found.empty() == (*GetParam().want == '\0'))
      << found;
}

INSTANTIATE_TEST_SUITE_P(
    Metadata, ValidateMetadataTest,
    testing::Values(
        MetadataCase{"Good",
                     R"({"name":"a","namespace":"n","labels":{"x/y":"z"},"finalizers":["a.b/c"],
                       "annotations":{"Some.Key":"any text"}})",
                     ""},
        MetadataCase{"GenerateName", R"({"generateName":"job-","namespace":"n"})", ""},
        MetadataCase{"NoName", R"({"namespace":"n"})",
                     "metadata.name: Required value: name or generateName is required"},
        MetadataCase{
            "RecordedBadName", R"({"name":"Bad_Name","namespace":"n","labels":{"bad key!":"v"}})",
            "[metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain must "
            "consist of lower case alphanumeric characters, '-' or '.', and must start and end "
            "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'), "
            "metadata.labels: Invalid value: \"bad key!\": name part must consist of"},
        MetadataCase{"NoNamespace", R"({"name":"a"})", "metadata.namespace: Required value"},
        MetadataCase{"BadNamespace", R"({"name":"a","namespace":"a.b"})",
                     "metadata.namespace: Invalid value: \"a.b\": a lowercase RFC 1123 label"},
        MetadataCase{"BadLabelValue", R"({"name":"a","namespace":"n","labels":{"a":"-"}})",
                     "metadata.labels: Invalid value: \"-\": a valid label must be"},
        MetadataCase{"BadAnnotation", R"({"name":"a","namespace":"n","annotations":{"a b":""}})",
                     "metadata.annotations: Invalid value: \"a b\""},
        MetadataCase{"LongAnnotations",
                     R"({"name":"a","namespace":"n","annotations":{"a":")" +
                         std::string(262'144, 'x') + "\"}}",
                     "metadata.annotations: Too long: may not be more than 262144 bytes"},
        MetadataCase{"LongestAnnotations",
                     R"({"name":"a","namespace":"n","annotations":{"a":")" +
                         std::string(262'143, 'x') + "\"}}",
                     ""},
        MetadataCase{"BadFinalizer", R"({"name":"a","namespace":"n","finalizers":["a b"]})",
                     "metadata.finalizers: Invalid value: \"a b\""},
        MetadataCase{
            "OwnerWithoutUid",
            R"({"name":"a","namespace":"n","ownerReferences":[{"apiVersion":"v1","kind":"K","name":"o"}]})",
            "metadata.ownerReferences[0].uid: Required value: must not be empty"},
        MetadataCase{
            "TwoControllers",
            R"({"name":"a","namespace":"n","ownerReferences":[
                         {"apiVersion":"v1","kind":"K","name":"o","uid":"1","controller":true},
                         {"apiVersion":"v1","kind":"K","name":"p","uid":"2","controller":true}]})",
            "metadata.ownerReferences: Invalid value: 2: Only one reference can have Controller"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(ValidateMetadataTest, ClusterScopedObjectsHaveNoNamespace) {
  EXPECT_EQ(MessagesOf(R"({"name":"a"})", false), "");
  EXPECT_EQ(MessagesOf(R"({"name":"a","namespace":"n"})", false),
            "metadata.namespace: Forbidden: not allowed on this type");
}

TEST(ValidateMetadataTest, StopsAtAHundredErrors) {
  ObjectMeta meta = *ParseObjectMeta(ParsedJsonOf(R"({"name":"a","namespace":"n"})"));
  const auto errors = [&] { return ValidateMetadata(std::exchange(meta, {}), true).size(); };
  for (int i = 0; i < 200; ++i) {
    meta.labels.emplace("!" + std::to_string(i), "!");
  }
  EXPECT_EQ(errors(), kMostFieldErrors);
  for (int i = 0; i < 200; ++i) {
    meta.annotations.emplace("!" + std::to_string(i), "");
  }
  EXPECT_EQ(errors(), kMostFieldErrors);
  meta.owner_references.resize(200);
  EXPECT_EQ(errors(), kMostFieldErrors);
  meta.finalizers.resize(200, "!");
  EXPECT_EQ(errors(), kMostFieldErrors);
}

TEST(ValidateMetadataUpdateTest, FreezesIdentity) {
  const ObjectMeta old =
      *ParseObjectMeta(ParsedJsonOf(R"({"name":"a","uid":"1","finalizers":["a/b"]})"));
  ObjectMeta meta = old;
  EXPECT_TRUE(ValidateMetadataUpdate(meta, old).empty());
  meta.uid = "2";
  EXPECT_EQ(JoinMessages(ValidateMetadataUpdate(meta, old)),
            "metadata.uid: Invalid value: \"2\": field is immutable");
}

TEST(ValidateMetadataUpdateTest, WhatIsBeingDeletedGetsNoNewFinalizers) {
  ObjectMeta old = *ParseObjectMeta(ParsedJsonOf(R"({"name":"a","finalizers":["a/b"]})"));
  ObjectMeta meta = old;
  meta.finalizers = {"a/b", "c/d"};
  EXPECT_TRUE(ValidateMetadataUpdate(meta, old).empty());
  old.deletion_timestamp = meta.deletion_timestamp = "2026-01-01T00:00:00Z";
  EXPECT_EQ(ValidateMetadataUpdate(meta, old).size(), 1U);
  meta.finalizers.clear();
  EXPECT_TRUE(ValidateMetadataUpdate(meta, old).empty());
  meta.finalizers.resize(200, "c/d");
  EXPECT_EQ(ValidateMetadataUpdate(meta, old).size(), kMostFieldErrors);
}

}  // namespace
}  // namespace midwatch::schema
