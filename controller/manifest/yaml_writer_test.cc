#include "controller/manifest/yaml_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "controller/manifest/golden_test_file.h"
#include "controller/manifest/loader.h"

namespace midwatch::manifest {
namespace {

/// testdata/yaml_writer.golden: `#### JSON`, then what sigs.k8s.io/yaml v1.6.0 makes of it.
struct GoldenYaml {
  std::string json;
  std::string yaml;
};

std::vector<GoldenYaml> ReadGolden() {
  std::vector<GoldenYaml> out;
  constexpr std::string_view kMark = "#### ";
  for (const std::string& line : GoldenLines("yaml_writer.golden")) {
    if (line.starts_with(kMark)) {
      out.push_back({line.substr(kMark.size()), {}});
    } else {
      out.back().yaml += line + "\n";
    }
  }
  return out;
}

TEST(YamlWriterTest, PrintsAsKubectlDoes) {
  const std::vector<GoldenYaml> rows = ReadGolden();
  ASSERT_GE(rows.size(), 15U);
  for (const GoldenYaml& row : rows) {
    EXPECT_EQ(WriteYaml(*ParseJson(row.json)), row.yaml) << row.json;
  }
}

TEST(YamlWriterTest, WhatItWritesIsReadBackAsItWas) {
  for (const GoldenYaml& row : ReadGolden()) {
    const Json value = *ParseJson(row.json);
    const LoadedYaml again = LoadYaml("a.yaml", WriteYaml(value));
    ASSERT_TRUE(again.errors.empty()) << again.errors[0].ToString() << "\n" << WriteYaml(value);
    EXPECT_TRUE(again.body == value) << again.body.Dump() << value.Dump() << WriteYaml(value);
  }
}

TEST(YamlWriterTest, WritesScalarsOnOneLine) {
  EXPECT_EQ(WriteYamlScalar("a\nb"), "\"a\\nb\"");
  EXPECT_EQ(WriteYamlScalar("yes"), "\"yes\"");
  EXPECT_EQ(WriteYamlScalar(Json::EmptyArray()), "[]");
  EXPECT_EQ(WriteYamlScalar(nullptr), "null");
  EXPECT_EQ(WriteYamlScalar("\xC2\x85\xE2\x80\xA8"), "\"\\N\\L\"") << "kubectl loses these two";
}

}  // namespace
}  // namespace midwatch::manifest
