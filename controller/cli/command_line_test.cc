#include "controller/cli/command_line.h"

#include <gtest/gtest.h>

#include "controller/cli/context.h"
#include "controller/cli/exit_codes.h"

namespace midwatch::cli {
namespace {

template <typename T>
T Parsed(const std::vector<std::string>& arguments) {
  auto result = Parse(arguments);
  if (const auto* exit = std::get_if<EarlyExit>(&result)) {
    ADD_FAILURE() << exit->error << exit->err << exit->out;
    return T{};
  }
  const Command& command = std::get<ParsedCommand>(result).command;
  if constexpr (std::is_constructible_v<ClientCommand, T> && !std::is_same_v<T, ServeOptions>) {
    return std::get<T>(std::get<ClientCommand>(command));
  } else {
    return std::get<T>(command);
  }
}

EarlyExit Refused(const std::vector<std::string>& arguments) {
  auto result = Parse(arguments);
  if (std::holds_alternative<ParsedCommand>(result)) {
    ADD_FAILURE() << "was understood";
    return {};
  }
  return std::get<EarlyExit>(result);
}

TEST(CommandLine, JobExecKeepsTheCommandAsItStands) {
  const auto o =
      Parsed<JobExecOptions>({"job", "exec", "-m", "payments/database", "--wait", "1m",
                              "--operation", "apply", "--approval-exit-code=2", "--", "terraform",
                              "apply", "-auto-approve", "--", "get", "[a,b]"});
  EXPECT_EQ(o.facts.module.namespace_name, "payments");
  EXPECT_EQ(o.facts.module.name, "database");
  EXPECT_EQ(o.facts.operation, api::Operation::kApply);
  EXPECT_EQ(o.wait, std::optional<Duration>(std::chrono::minutes(1)));
  EXPECT_EQ(o.approval_exit_code, 2);
  EXPECT_EQ(o.command, (std::vector<std::string>{"terraform", "apply", "-auto-approve", "--", "get",
                                                 "[a,b]"}));
}

TEST(CommandLine, GetTakesOptionsBeforeBetweenAndBehindArguments) {
  const auto o = Parsed<GetOptions>(
      {"get", "-n", "payments", "modulejobs,mods", "-w", "a", "-o=yaml", "b", "--colour=never"});
  EXPECT_EQ(o.client.namespace_name, "payments");
  EXPECT_EQ(o.what, (std::vector<std::string>{"modulejobs,mods", "a", "b"}));
  EXPECT_TRUE(o.watch);
  EXPECT_EQ(o.output, OutputFormat::kYaml);
}

TEST(CommandLine, AWordThatIsAlsoACommandIsAnArgument) {
  EXPECT_EQ(Parsed<GetOptions>({"get", "modules", "get", "job"}).what,
            (std::vector<std::string>{"modules", "get", "job"}));
}

TEST(CommandLine, WhatPeopleTryFirstIsUnderstood) {
  EXPECT_TRUE(Parsed<VersionOptions>({"--version"}).client_only);
  EXPECT_EQ(Refused({"help", "job", "exec"}).out, Refused({"job", "exec", "--help"}).out);
  EXPECT_EQ(Refused({"help"}).out, Refused({"--help"}).out);
}

TEST(CommandLine, RepeatedOptionsAddUp) {
  const auto o = Parsed<ApplyOptions>({"apply", "-f", "a.yaml", "-f", "-", "--dry-run"});
  EXPECT_EQ(o.files, (std::vector<std::string>{"a.yaml", "-"}));
  EXPECT_TRUE(o.dry_run);
}

TEST(CommandLine, AgentIsACommandAndHasOneBelowIt) {
  EXPECT_EQ(Parsed<AgentOptions>({"agent", "--agent", "ai/d", "--config", "c"}).agent.name, "d");
  EXPECT_EQ(Parsed<AgentTokenOptions>({"agent", "token", "ai/d"}).agent.namespace_name, "ai");
}

TEST(CommandLine, TheWatchdogGetsItsArgumentsUntouched) {
  EXPECT_EQ(Parsed<WatchdogOptions>({"watchdog", "--until", "5", "--", "sh", "-h"}).arguments,
            (std::vector<std::string>{"--until", "5", "--", "sh", "-h"}));
}

struct UsageCase {
  const char* name;
  std::vector<std::string> arguments;
  std::string err;
};

class CommandLineErrors : public testing::TestWithParam<UsageCase> {};

TEST_P(CommandLineErrors, SayWhatIsWrongAndWhatToDo) {
  const EarlyExit exit = Refused(GetParam().arguments);
  EXPECT_EQ(exit.code, kExitUsage);
  EXPECT_EQ(exit.out, "");
  EXPECT_EQ(exit.err, "");
  EXPECT_EQ(ErrorText(exit.error, exit.hint, Style(false)), GetParam().err);
}

INSTANTIATE_TEST_SUITE_P(
    Usage, CommandLineErrors,
    testing::Values(
        UsageCase{"UnknownCommand",
                  {"valdate", "x"},
                  "error: unknown command \"valdate\"\nhint: did you mean midwatch validate?\n"},
        UsageCase{"UnknownBelow",
                  {"job", "exce"},
                  "error: unknown command \"job exce\"\nhint: did you mean midwatch job exec?\n"},
        UsageCase{"UnknownOption",
                  {"get", "modules", "--serach", "x"},
                  "error: unknown option \"--serach\"\nhint: did you mean --search?\n"},
        UsageCase{"MissingArgument",
                  {"sync"},
                  "error: gitsource/NAME is missing\n"
                  "hint: usage: midwatch sync [options] gitsource/NAME\n"},
        UsageCase{"MissingForm",
                  {"get"},
                  "error: what to list is missing\nhint: usage: midwatch get [options] "
                  "TYPE[,TYPE…] [NAME…] | TYPE/NAME…\n"},
        UsageCase{"MissingOption",
                  {"job", "start"},
                  "error: --module is missing\nhint: usage: midwatch job start --module "
                  "NAMESPACE/NAME [options]\n"},
        UsageCase{"NoCommandBehindTheMark",
                  {"job", "exec", "-m", "a/b"},
                  "error: the command is missing\nhint: usage: midwatch job exec --module "
                  "NAMESPACE/NAME [options] -- COMMAND [ARGUMENT…]\n"},
        UsageCase{
            "ForgottenMark",
            {"job", "exec", "-m", "a/b", "make", "deploy"},
            "error: \"make\": not expected here\nhint: put the command behind --: midwatch job "
            "exec --module NAMESPACE/NAME [options] -- COMMAND [ARGUMENT…]\n"},
        UsageCase{"UnknownOptionBeforeTheMark",
                  {"job", "exec", "-m", "a/b", "--waitt", "1m", "--", "make"},
                  "error: unknown option \"--waitt\"\nhint: did you mean --wait?\n"},
        UsageCase{
            "BadDuration",
            {"sync", "x", "--timeout", "soon"},
            "error: --timeout: \"soon\": expected a duration such as 90s, 10m or 1h30m\nhint: "
            "see midwatch sync --help\n"},
        UsageCase{
            "BadWord",
            {"get", "x", "-o", "jsn"},
            "error: --output: \"jsn\": expected wide, json, yaml or name\nhint: see midwatch get "
            "--help\n"},
        UsageCase{"BadName",
                  {"job", "start", "-m", "database"},
                  "error: --module: \"database\": expected NAMESPACE/NAME\nhint: see midwatch job "
                  "start --help\n"},
        UsageCase{"NoNameOfANamespace",
                  {"get", "modules", "-n", "A B"},
                  "error: --namespace: \"A B\": expected the name of a namespace: lower case "
                  "letters, digits and -\nhint: see midwatch get --help\n"},
        UsageCase{
            "NoNameOfTheInstallationsNamespace",
            {"serve", "--installation-namespace", "Midwatch"},
            "error: --installation-namespace: \"Midwatch\": expected the name of a namespace: "
            "lower case letters, digits and -\nhint: see midwatch serve --help\n"},
        UsageCase{"ValueMissing",
                  {"get", "x", "-o"},
                  "error: --output: a value is missing\nhint: see midwatch get --help\n"},
        UsageCase{"ApprovalOfACodeThatNoCommandHas",
                  {"job", "exec", "-m", "a/b", "--approval-exit-code", "300", "--", "make"},
                  "error: --approval-exit-code: \"300\": expected a whole number from 1 to 255\n"
                  "hint: see midwatch job exec --help\n"},
        UsageCase{"ApprovalOfSuccess",
                  {"job", "exec", "-m", "a/b", "--approval-exit-code", "0", "--", "make"},
                  "error: --approval-exit-code: \"0\": expected a whole number from 1 to 255\n"
                  "hint: see midwatch job exec --help\n"},
        UsageCase{"OptionsBeforeTheCommand",
                  {"-n", "payments", "get", "modules"},
                  "error: the command must come before \"-n\"\n"
                  "hint: midwatch get modules -n payments\n"},
        UsageCase{"OptionsWithoutACommand",
                  {"-n", "payments"},
                  "error: the command must come before \"-n\"\nhint: see midwatch --help\n"},
        UsageCase{"TooManyArguments",
                  {"sync", "a", "b"},
                  "error: \"b\": too many arguments\nhint: see midwatch sync --help\n"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(CommandLine, HelpIsNoError) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--help"}, {"job", "--help"}, {"job", "exec", "-h"}, {"agent", "token", "--help"}}) {
    const EarlyExit exit = Refused(arguments);
    EXPECT_EQ(exit.code, kExitDone);
    EXPECT_NE(exit.out, "");
  }
  EXPECT_NE(Refused({"job", "exec", "--help"}).out.find("--approval-exit-code N"),
            std::string::npos);
}

TEST(CommandLine, FindsTheKubeconfig) {
  using Paths = std::vector<std::string>;
  EXPECT_EQ(KubeconfigCandidates("f", {{"KUBECONFIG", "a:b"}}), Paths{"f"});
  EXPECT_EQ(KubeconfigCandidates("", {{"KUBECONFIG", "a::b"}, {"HOME", "/h"}}), (Paths{"a", "b"}));
  EXPECT_EQ(KubeconfigCandidates("", {{"HOME", "/h"}}), Paths{"/h/.kube/config"});
}

}  // namespace
}  // namespace midwatch::cli
