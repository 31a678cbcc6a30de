#include "controller/cli/log_capture.h"

#include <gtest/gtest.h>

#include "controller/cli/diff_output.h"
#include "controller/cli/job_reporter.h"
#include "controller/cli/manifest_files.h"
#include "controller/cli/style.h"

namespace midwatch::cli {
namespace {

using Environment = std::map<std::string, std::string>;

struct NameCase {
  const char* name;
  bool secret;
};
class SecretNames : public testing::TestWithParam<NameCase> {};
TEST_P(SecretNames, AreRecognised) { EXPECT_EQ(LooksSecret(GetParam().name), GetParam().secret); }
INSTANTIATE_TEST_SUITE_P(
    Names, SecretNames,
    testing::Values(NameCase{"GITHUB_TOKEN", true}, NameCase{"DB_PASSWORD", true},
                    NameCase{"AWS_SECRET_ACCESS_KEY", true}, NameCase{"API_KEY", true},
                    NameCase{"SIGNING_KEY", true}, NameCase{"GITLAB_PAT", true},
                    NameCase{"SSH_PRIVATE", true}, NameCase{"BASIC_AUTH", true},
                    NameCase{"PATH", false}, NameCase{"HOME", false}, NameCase{"KEYBOARD", false},
                    NameCase{"SSH_AUTH_SOCK", false}, NameCase{"GIT_AUTHOR_NAME", false}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(SecretMaskTest, LongerSecretsGoFirstAndShortOnesStay) {
  const SecretMask mask(
      Environment{{"A_TOKEN", "abcdef"}, {"B_TOKEN", "abcdefghi"}, {"C_TOKEN", "on"}});
  EXPECT_EQ(mask.Apply("abcdefghi abcdef on"), "*** *** on");
}

TEST(SecretMaskTest, LinesOfAKeyAreSecretsToo) {
  const SecretMask mask(Environment{{"SSH_PRIVATE_KEY", "-----BEGIN\nMIIEpAIBAAKCAQEA\n-----END"}});
  EXPECT_EQ(mask.Apply("x MIIEpAIBAAKCAQEA y"), "x *** y");
}

TEST(SecretMaskTest, MasksAsJsonWritesThem) {
  const SecretMask mask(Environment{{"TF_VAR_password", "Env&Key\"5555-abcdef"}});
  EXPECT_EQ(mask.Apply(R"({"a":"Env\u0026Key\"5555-abcdef","b":"Env&Key\"5555-abcdef"})"),
            R"({"a":"***","b":"***"})");
}

TEST(LogCaptureTest, LeavesOutTheMiddleAtLineEnds) {
  LogCapture log(20, 20);
  log.Add("first line\nsecond ");
  for (int i = 0; i < 100; ++i) {
    log.Add("line " + std::to_string(i) + "\n");
  }
  const std::string text = log.Take(SecretMask(Environment{}));
  EXPECT_EQ(text.substr(0, 12), "first line\n[");
  EXPECT_NE(text.find(" bytes left out]\nline 98\nline 99\n"), std::string::npos) << text;
}

TEST(LogCaptureTest, ASecretAcrossPiecesIsMasked) {
  LogCapture log;
  log.Add("the hun");
  log.Add("ter2-hunter2 is it\n");
  EXPECT_EQ(log.Take(SecretMask(Environment{{"PASSWORD", "hunter2-hunter2"}})), "the *** is it\n");
}

TEST(LogCaptureTest, KeepsWhatATerminalWouldShow) {
  LogCapture log;
  log.Add("\x1b[31mError\x1b[0m: x\r\n 10%\r 50%\r100% done\n\x1b]0;title\atext\n");
  EXPECT_EQ(log.Take(SecretMask(Environment{})), "Error: x\n100% done\ntext\n");
}

TEST(JobNameTest, KeepsWhatIsANameAndHashesTheRest) {
  EXPECT_EQ(JobName("database", "8817-1"), "database-8817-1");
  const std::string odd = JobName("database", "Build #17");
  EXPECT_EQ(odd.substr(0, 19), "database-build--17-");
  EXPECT_NE(odd, JobName("database", "Build_#17"));
  EXPECT_LE(JobName(std::string(200, 'm'), std::string(300, 'x')).size(), 253U);
}

TEST(StyleTest, WidthsCountColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth("déjà"), 4U);
  EXPECT_EQ(DisplayWidth("日本"), 4U);
  EXPECT_EQ(DisplayWidth("\x1b[31mred\x1b[0m"), 3U);
  EXPECT_EQ(PadRight("日本", 6), "日本  ");
}

// Security cases s40 and s43: shown escaped to the person.
TEST(StyleTest, WhatComesFromElsewhereCannotSteerTheTerminal) {
  EXPECT_EQ(Harmless("a\x1b[2Jb\r\n\tc\x7f\xff"), "a\\x1b[2Jb\n\tc\\x7f\xEF\xBF\xBD");
  EXPECT_EQ(Harmless("\u009b2J \u0080 \u202e \u2069 \u200e é"),
            R"(\u009b2J \u0080 \u202e \u2069 \u200e é)");
}

TEST(StyleTest, WhatComesFromElsewhereCannotForgeALine) {
  const manifest::ManifestError error{.code = manifest::ManifestErrorCode::kUnknownField,
                                      .path = "a\nb.yaml",
                                      .at = {},
                                      .key = {},
                                      .object = {},
                                      .field = "x\nhint: run x",
                                      .message = "m\n\u009bn"};
  EXPECT_EQ(ShowError(error, Style()), R"(a\nb.yaml: UnknownField: x\nhint: run x: m\n\u009bn)");
  const DiffResult diff{.steps = {{.verb = DiffVerb::kPrune,
                                   .object = "Module a/b",
                                   .place = "x\x1b[2J\nhint: y.yaml:1",
                                   .before = Json::EmptyObject()}},
                        .unchanged = 0,
                        .notes = {}};
  EXPECT_EQ(FormatDiff(diff, OutputFormat::kText, Style())
                .find("- prune Module a/b  x\\x1b[2J\\nhint: y.yaml:1\n"),
            0U);
}

TEST(StyleTest, WrapsAtSpacesAndKeepsLongWords) {
  EXPECT_EQ(WrapText("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(WrapText("abcdefghij k", 4), (std::vector<std::string>{"abcdefghij", "k"}));
  EXPECT_EQ(WrapText("  one two\n\n x", 6), (std::vector<std::string>{"  one", "  two", "", " x"}));
  EXPECT_EQ(WrapText("", 4), std::vector<std::string>{""});
}

}  // namespace
}  // namespace midwatch::cli
