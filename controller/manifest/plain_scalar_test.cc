#include "controller/manifest/plain_scalar.h"

#include <gtest/gtest.h>

#include <string>

#include "controller/manifest/golden_test_file.h"

namespace midwatch::manifest {
namespace {

std::string Shown(std::string_view text) {
  const Result<Json> value = ResolvePlainScalar(text);
  if (!value) {
    return "error";
  }
  return value->IsNumber() && !value->IsInt() ? "float " + value->Dump() : value->Dump();
}

/// Numbers are printed differently by Go (`1e+21`); what counts is the value.
bool SameValue(const std::string& ours, const std::string& golden) {
  constexpr std::string_view kFloat = "float ";
  if (!ours.starts_with(kFloat) || !golden.starts_with(kFloat)) {
    return ours == golden;
  }
  return std::stod(ours.substr(kFloat.size())) == std::stod(golden.substr(kFloat.size()));
}

TEST(PlainScalarTest, ResolvesAsKubectlDoesRowByRow) {
  int rows = 0;
  for (const std::string& line : GoldenLines("plain_scalars.tsv")) {
    if (line.starts_with('#')) {
      continue;
    }
    const std::size_t tab = line.find('\t');
    ASSERT_NE(tab, std::string::npos) << line;
    const std::string ours = Shown(line.substr(0, tab));
    EXPECT_TRUE(SameValue(ours, line.substr(tab + 1))) << line << "\n  ours: " << ours;
    ++rows;
  }
  EXPECT_GE(rows, 100);
}

TEST(PlainScalarTest, RefusesWhatJsonCannotSay) {
  for (const std::string_view text : {".nan", ".inf", "-.inf", "+.INF"}) {
    const Result<Json> value = ResolvePlainScalar(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().message, "JSON has no number " + std::string(text) + ", quote it");
  }
}

}  // namespace
}  // namespace midwatch::manifest
