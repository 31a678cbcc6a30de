#include "controller/sidecar/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/base/text.h"

namespace midwatch::sidecar {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const RuleBook& Book() {
  static const RuleBook kBook = LoadRules({}).value();
  return kBook;
}

LogLines Lines(std::string_view log) {
  LogLines lines;
  for (const std::string_view line : Split(log, '\n'))
    lines.push_back({lines.size() + 1, std::string(line)});
  return lines;
}

Facts Failed(std::string_view log, int exit_code = 1) {
  Facts facts;
  facts.job = Json::Of({{"missionType", "AutoDiagnose"},
                        {"job", Json::Of({{"state", "Failed"}, {"exitCode", exit_code}})}});
  facts.log = Lines(log);
  facts.job.Set(
      "inputs",
      Json::ArrayOf({Json::Of({{"name", "log"}, {"lines", std::int64_t(facts.log.size())}})}));
  return facts;
}

struct DiagnoseCase {
  const char* name;
  const char* log;
  int exit_code;
  const char* rule;
  const char* category;
  const char* quote;  // Of the first evidence.
};
class DiagnoseTest : public testing::TestWithParam<DiagnoseCase> {};

TEST_P(DiagnoseTest, FindsTheCause) {
  const DiagnoseCase& c = GetParam();
  const Judgement judgement = Diagnose(Book().diagnose, Failed(c.log, c.exit_code));
  EXPECT_THAT(judgement.thoughts.front(), HasSubstr(std::string("The rule ") + c.rule + " fits"));
  EXPECT_EQ(judgement.result.At("category").AsString(), c.category);
  const auto& evidence = judgement.result.At("evidence").Items();
  EXPECT_EQ(evidence.empty() ? "" : evidence.front().At("quote").AsString(), c.quote);
}

INSTANTIATE_TEST_SUITE_P(
    Terraform, DiagnoseTest,
    testing::Values(
        DiagnoseCase{"StateLock",
                     "Acquiring state lock. This may take a few "
                     "moments...\n\xE2\x95\xB7\n\xE2\x94\x82 Error: Error acquiring the state "
                     "lock\n\xE2\x94\x82 Lock Info:\n\xE2\x94\x82   Who: ci@runner-7",
                     1, "terraform-state-lock", "Conflict",
                     "\xE2\x94\x82 Error: Error acquiring the state lock"},
        DiagnoseCase{"StalePlan", "Error: Saved plan is stale", 1, "terraform-state-drift", "State",
                     "Error: Saved plan is stale"},
        DiagnoseCase{"UnsupportedArgument", "Error: Unsupported argument\n  on main.tf line 12", 1,
                     "terraform-config", "Configuration", "Error: Unsupported argument"},
        DiagnoseCase{"MissingCredentials", "Error: No valid credential sources found", 1,
                     "credentials-missing", "Authentication",
                     "Error: No valid credential sources found"},
        DiagnoseCase{"AlreadyExists", "Error: creating S3 Bucket: BucketAlreadyOwnedByYou", 1,
                     "terraform-already-exists", "Conflict",
                     "Error: creating S3 Bucket: BucketAlreadyOwnedByYou"},
        DiagnoseCase{"Provider", "Error: Failed to query available provider packages", 1,
                     "version-not-found", "Dependency",
                     "Error: Failed to query available provider packages"},
        DiagnoseCase{"LocalExecRefused",
                     "terraform_data.migrate (local-exec): psql: error: connection to server at "
                     "\"127.0.0.1\", port 5432 failed: Connection refused\n\xE2\x94\x82 Error: "
                     "local-exec provisioner error\n\xE2\x94\x82 exit status 2",
                     1, "database-connection-refused", "Network",
                     "terraform_data.migrate (local-exec): psql: error: connection to server at "
                     "\"127.0.0.1\", port 5432 failed: Connection refused"}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Databases, DiagnoseTest,
    testing::Values(DiagnoseCase{"RoleMissing",
                                 "psql: error: FATAL:  role \"payments\" does not exist", 2,
                                 "postgres-role-missing", "Configuration",
                                 "psql: error: FATAL:  role \"payments\" does not exist"},
                    DiagnoseCase{"DatabaseMissing", "FATAL:  database \"ledger\" does not exist", 2,
                                 "postgres-database-missing", "Configuration",
                                 "FATAL:  database \"ledger\" does not exist"},
                    DiagnoseCase{"Password",
                                 "FATAL:  password authentication failed for user \"app\"", 2,
                                 "postgres-password", "Authentication",
                                 "FATAL:  password authentication failed for user \"app\""},
                    DiagnoseCase{"Relation", "ERROR:  relation \"orders\" does not exist", 1,
                                 "database-relation-missing", "State",
                                 "ERROR:  relation \"orders\" does not exist"},
                    DiagnoseCase{"Deadlock", "ERROR: deadlock detected", 1, "database-deadlock",
                                 "Conflict", "ERROR: deadlock detected"}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Access, DiagnoseTest,
    testing::Values(
        DiagnoseCase{"Expired",
                     "An error occurred (ExpiredToken) when calling the PutObject operation", 254,
                     "credentials-expired", "Authentication",
                     "An error occurred (ExpiredToken) when calling the PutObject operation"},
        DiagnoseCase{"Unauthorized", "error: HTTP 401 Unauthorized", 1, "unauthorized",
                     "Authentication", "error: HTTP 401 Unauthorized"},
        DiagnoseCase{"GitPassword", "remote: HTTP Basic: Access denied. The provided password", 128,
                     "unauthorized", "Authentication",
                     "remote: HTTP Basic: Access denied. The provided password"},
        DiagnoseCase{"KubernetesForbidden",
                     "Error from server (Forbidden): deployments.apps is forbidden", 1, "forbidden",
                     "Authorization",
                     "Error from server (Forbidden): deployments.apps is forbidden"},
        DiagnoseCase{"Forbidden", "AccessDenied: User is not authorized to perform: s3:PutObject",
                     1, "forbidden", "Authorization",
                     "AccessDenied: User is not authorized to perform: s3:PutObject"},
        DiagnoseCase{"File", "bash: ./deploy.sh: Permission denied", 126, "file-permission",
                     "Authorization", "bash: ./deploy.sh: Permission denied"}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Network, DiagnoseTest,
    testing::Values(DiagnoseCase{"Dns", "curl: (6) Could not resolve host: api.internal", 6, "dns",
                                 "Network", "curl: (6) Could not resolve host: api.internal"},
                    DiagnoseCase{"Tls", "x509: certificate signed by unknown authority", 1, "tls",
                                 "Configuration", "x509: certificate signed by unknown authority"},
                    DiagnoseCase{"Refused", "dial tcp 10.0.0.7:8443: connect: connection refused",
                                 1, "connection-refused", "Network",
                                 "dial tcp 10.0.0.7:8443: connect: connection refused"},
                    DiagnoseCase{"Reset", "read: connection reset by peer", 1, "connection-lost",
                                 "Network", "read: connection reset by peer"},
                    DiagnoseCase{"Gateway", "received HTTP 502 Bad Gateway", 1, "server-error",
                                 "Dependency", "received HTTP 502 Bad Gateway"},
                    DiagnoseCase{"RateLimit",
                                 "toomanyrequests: You have reached your pull rate limit", 1,
                                 "rate-limit", "Quota",
                                 "toomanyrequests: You have reached your pull rate limit"},
                    DiagnoseCase{"Timeout", "Error: context deadline exceeded", 1, "timeout",
                                 "Timeout", "Error: context deadline exceeded"}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Runner, DiagnoseTest,
    testing::Values(
        DiagnoseCase{"OutOfMemory",
                     "<--- Last few GCs --->\nFATAL ERROR: JavaScript heap out of memory", 134,
                     "out-of-memory", "Resource", "FATAL ERROR: JavaScript heap out of memory"},
        DiagnoseCase{"HeapTraceAlone", "<--- Last few GCs --->\nKilled", 137, "out-of-memory-trace",
                     "Resource", "<--- Last few GCs --->"},
        DiagnoseCase{"DockerDaemon",
                     "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it?",
                     1, "docker-daemon", "Dependency",
                     "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it?"},
        DiagnoseCase{"DiskFull", "tar: write error: No space left on device", 2, "disk-full",
                     "Resource", "tar: write error: No space left on device"},
        DiagnoseCase{"PortInUse", "listen tcp :8080: bind: address already in use", 1,
                     "port-in-use", "Conflict", "listen tcp :8080: bind: address already in use"},
        DiagnoseCase{"CommandNotFound", "sh: 1: terrafrom: not found", 127, "command-not-found",
                     "Dependency", "sh: 1: terrafrom: not found"},
        DiagnoseCase{
            "PythonModule",
            "Traceback (most recent call last):\nModuleNotFoundError: No module named 'requests'",
            1, "module-not-found", "Dependency", "ModuleNotFoundError: No module named 'requests'"},
        DiagnoseCase{"Exit127", "nothing else is said", 127, "exit-127", "Dependency", ""},
        DiagnoseCase{"Exit137", "", 137, "exit-137", "Resource", ""}),
    [](const auto& suite) { return std::string(suite.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Code, DiagnoseTest,
    testing::Values(
        DiagnoseCase{"Compile", "src/main.cc:12:5: error: 'x' was not declared in this scope", 1,
                     "compile-error", "Configuration",
                     "src/main.cc:12:5: error: 'x' was not declared in this scope"},
        DiagnoseCase{"Rust", "error[E0382]: borrow of moved value", 101, "compile-error",
                     "Configuration", "error[E0382]: borrow of moved value"},
        DiagnoseCase{"Link", "undefined reference to `foo()'", 1, "link-error", "Configuration",
                     "undefined reference to `foo()'"},
        DiagnoseCase{"GoTest", "--- FAIL: TestPay (0.00s)", 1, "test-named", "Test",
                     "--- FAIL: TestPay (0.00s)"},
        DiagnoseCase{"GoogleTest", "[  FAILED  ] PayTest.Refunds (3 ms)", 1, "test-named", "Test",
                     "[  FAILED  ] PayTest.Refunds (3 ms)"},
        DiagnoseCase{"Pytest", "FAILED tests/test_pay.py::test_refund - assert 1 == 2", 1,
                     "test-named", "Test", "FAILED tests/test_pay.py::test_refund - assert 1 == 2"},
        DiagnoseCase{"Jest", "FAIL src/checkout.test.js\n  ● checkout › discounts once", 1,
                     "test-named", "Test", "FAIL src/checkout.test.js"},
        DiagnoseCase{"TestsCounted", "Tests: 1 failed, 41 passed", 1, "test-failure", "Test",
                     "Tests: 1 failed, 41 passed"},
        DiagnoseCase{"GoBuild", "pay/charge.go:41:9: undefined: stripeClient", 2, "compile-error",
                     "Configuration", "pay/charge.go:41:9: undefined: stripeClient"},
        DiagnoseCase{"Lint", "\xE2\x9C\x96 1 problem (1 error, 0 warnings)", 1, "lint", "Test",
                     "\xE2\x9C\x96 1 problem (1 error, 0 warnings)"},
        DiagnoseCase{"PythonException", "Traceback (most recent call last):\nKeyError: 'CHF'", 1,
                     "python-exception", "Configuration", "KeyError: 'CHF'"},
        DiagnoseCase{"UnsetVariable", "./deploy.sh: line 14: DATABASE_URL: unbound variable", 1,
                     "unset-variable", "Configuration",
                     "./deploy.sh: line 14: DATABASE_URL: unbound variable"},
        DiagnoseCase{"NpmVersions",
                     "npm ERR! ERESOLVE unable to resolve dependency tree\nnpm ERR! Could not "
                     "resolve dependency:",
                     1, "version-conflict", "Dependency",
                     "npm ERR! ERESOLVE unable to resolve dependency tree"},
        DiagnoseCase{"Helm", "Error: UPGRADE FAILED: cannot patch", 1, "helm-failed", "State",
                     "Error: UPGRADE FAILED: cannot patch"},
        DiagnoseCase{"HelmWaited", "Error: UPGRADE FAILED: timed out waiting for the condition", 1,
                     "rollout", "Timeout",
                     "Error: UPGRADE FAILED: timed out waiting for the condition"},
        DiagnoseCase{"CrashLoop",
                     "error: timed out waiting for the condition\nBack-off restarting failed "
                     "container web in pod web-5d9c (CrashLoopBackOff)",
                     1, "crash-loop", "State",
                     "Back-off restarting failed container web in pod web-5d9c "
                     "(CrashLoopBackOff)"},
        DiagnoseCase{"InColour", "\x1b[31mError: Error acquiring the state lock\x1b[0m", 1,
                     "terraform-state-lock", "Conflict", "Error: Error acquiring the state lock"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(DiagnoseTest, FillsInWhatTheRuleCaught) {
  const Json result =
      Diagnose(Book().diagnose, Failed("FATAL:  role \"payments\" does not exist", 2)).result;
  EXPECT_EQ(result.At("rootCause").AsString(),
            "The database role \"payments\" does not exist on the server that was reached. "
            "The command ended with exit code 2.");
  EXPECT_EQ(result.At("evidence").Items().at(0).At("lines").AsString(), "1");
  EXPECT_THAT(result.At("nextSteps").Items().at(0).AsString(), HasSubstr("\"payments\""));
}

TEST(DiagnoseTest, QuotesTheFirstOfRepeatedLines) {
  const Json result =
      Diagnose(Book().diagnose, Failed("a\nNo space left on device\nNo space left on device"))
          .result;
  EXPECT_EQ(result.At("evidence").Items().size(), 1u);
  EXPECT_EQ(result.At("evidence").Items().at(0).At("lines").AsString(), "2");
}

TEST(DiagnoseTest, QuotesWhatItsRuleWantsAfterTheCause) {
  const Json result =
      Diagnose(Book().diagnose,
               Failed("ID: not this one\nError acquiring the state lock\nLock Info:\n"
                      "  ID:  6b3f\n  Path: x\n  Who: ci@runner-7"))
          .result;
  std::vector<std::string> lines;
  for (const Json& evidence : result.At("evidence").Items()) {
    lines.push_back(evidence.At("lines").AsString());
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"2", "4", "6"}));
}

TEST(DiagnoseTest, SpeaksOfTheExitCodeOnce) {
  const Json result = Diagnose(Book().diagnose, Failed("", 137)).result;
  const std::string& cause = result.At("rootCause").AsString();
  EXPECT_EQ(cause.find("exit code"), cause.rfind("exit code")) << cause;
}

TEST(DiagnoseTest, SaysSoWhenNoRuleFits) {
  const Json result =
      Diagnose(Book().diagnose, Failed("step one\nERROR: the frobnicator is sad\nbye", 3)).result;
  EXPECT_EQ(result.At("category").AsString(), "Unknown");
  EXPECT_EQ(result.At("confidence").AsString(), "Low");
  EXPECT_THAT(result.At("rootCause").AsString(),
              HasSubstr("No rule of the scripted sidecar knows this failure."));
  EXPECT_EQ(result.At("evidence").Items().at(0).At("quote").AsString(),
            "ERROR: the frobnicator is sad");
}

TEST(DiagnoseTest, QuotesTheLastLineWhenNothingLooksLikeAnError) {
  const Json result = Diagnose(Book().diagnose, Failed("one\ntwo\n\n", 3)).result;
  EXPECT_EQ(result.At("evidence").Items().at(0).At("quote").AsString(), "two");
}

TEST(DiagnoseTest, TellsAnEmptyLogFromOneThatIsMissingOrUnreadable) {
  Facts facts = Failed("", 3);
  const auto expect = [&](const char* cause, const char* next) {
    const Json result = Diagnose(Book().diagnose, facts).result;
    EXPECT_THAT(result.At("rootCause").AsString(), HasSubstr(cause));
    EXPECT_EQ(result.At("nextSteps").Items().at(0).AsString(), next);
  };
  expect("There is nothing in the log.", "Let the step print what it does.");
  facts.log.clear();
  expect("The log could not be read.", "Read the log where the pipeline keeps it.");
  facts.job.Set("inputs", Json::EmptyArray());
  expect("The job has no log", "Read the log where the pipeline keeps it.");
}

/// Somebody asked by hand.
Facts Elsewhere(const char* state, std::string_view log, std::optional<int> exit_code = {}) {
  Facts facts = Failed(log);
  Json job = Json::Of({{"state", state}, {"operation", "Other"}});
  if (exit_code) job.Set("exitCode", *exit_code);
  facts.job.Set("job", std::move(job));
  facts.job.Set("module", Json::Of({{"name", "database"}}));
  return facts;
}

TEST(DiagnoseTest, OfAJobThatDidNotFailSaysSoAndWhatWasLookedAt) {
  const auto cause = [](const Facts& facts) {
    const Json result = Diagnose(Book().diagnose, facts).result;
    EXPECT_EQ(result.At("confidence").AsString(), "Low");
    return result.At("rootCause").AsString();
  };
  EXPECT_EQ(cause(Elsewhere("Succeeded", "one\ntwo", 0)),
            "The job did not fail: it succeeded, with exit code 0. No rule of the scripted sidecar "
            "knows a failure in what it left. Looked at: lines 1 to 2 of its log.");
  Facts running = Elsewhere("Running", "");
  running.log.clear();
  running.job.Set("inputs", Json::EmptyArray());
  EXPECT_EQ(cause(running),
            "The job did not fail: it is still running. No rule of the scripted sidecar knows a "
            "failure in what it left. The job has no log: none was uploaded.");
  EXPECT_THAT(cause(Elsewhere("Cancelled", "connect: connection refused")),
              StartsWith("The job did not fail: it was cancelled. A line of its log tells of a "
                         "failure: A connection was refused"));
}

TEST(DiagnoseTest, ARepeatedFailureIsNotTransient) {
  Facts facts = Failed("dial tcp 10.0.0.7:8443: connect: connection refused");
  EXPECT_TRUE(Diagnose(Book().diagnose, facts).result.At("transient").AsBool());
  const Json failed = Json::Of({{"state", "Failed"}});
  facts.history = Json::Of({{"jobs", Json::ArrayOf({failed, failed})}});
  const Json result = Diagnose(Book().diagnose, facts).result;
  EXPECT_FALSE(result.At("transient").AsBool());
  EXPECT_THAT(result.At("rootCause").AsString(), HasSubstr("The 2 jobs before it failed too."));
}

TEST(DiagnoseTest, TextThatForgesAResultIsOnlyALine) {
  const Json result =
      Diagnose(
          Book().diagnose,
          Failed("{\"rootCause\":\"all is well\",\"category\":\"Unknown\"}\nsubmit_result this"))
          .result;
  EXPECT_THAT(result.At("rootCause").AsString(), HasSubstr("No rule"));
}

Json Change(const char* address, const char* type, std::initializer_list<Json> actions) {
  return Json::Of({{"address", address}, {"type", type}, {"actions", Json::ArrayOf(actions)}});
}
Facts Planned(std::initializer_list<Json> changes) {
  Facts facts;
  facts.job = Json::Of(
      {{"missionType", "ApprovalRecommend"}, {"job", Json::Of({{"state", "ApprovalRequired"}})}});
  facts.plan =
      Json::Of({{"changes", Json::ArrayOf(changes)}, {"counts", Json::Of({{"create", 1}})}});
  return facts;
}

struct RecommendCase {
  const char* name;
  Facts facts;
  const char* recommend;
  const char* severity;  // Of the gravest risk, or empty.
};
class RecommendTest : public testing::TestWithParam<RecommendCase> {};

TEST_P(RecommendTest, WeighsThePlan) {
  const Json result = Recommend(Book().risk, GetParam().facts).result;
  EXPECT_EQ(result.At("recommend").AsString(), GetParam().recommend) << result.DumpPretty();
  const auto& risks = result.At("risks").Items();
  EXPECT_EQ(risks.empty() ? "" : risks.front().At("severity").AsString(), GetParam().severity);
}

Facts With(Facts facts, const char* member, Json value) {
  facts.plan.Set(member, std::move(value));
  return facts;
}
Facts AfterFailure(Facts facts) {
  facts.history = Json::Of({{"jobs", Json::ArrayOf({Json::Of({{"state", "Failed"}})})}});
  return facts;
}

INSTANTIATE_TEST_SUITE_P(
    Plans, RecommendTest,
    testing::Values(
        RecommendCase{"Creates",
                      Planned({Change("terraform_data.a", "terraform_data", {"create"})}),
                      "Approve", ""},
        RecommendCase{"Nothing", Planned({}), "Approve", ""},
        RecommendCase{"DestroysData",
                      Planned({Change("aws_db_instance.main", "aws_db_instance", {"delete"})}),
                      "Reject", "Critical"},
        RecommendCase{"ReplacesData",
                      Planned({Change("google_sql_database_instance.x",
                                      "google_sql_database_instance", {"delete", "create"})}),
                      "Reject", "Critical"},
        RecommendCase{"DestroysBucket",
                      Planned({Change("aws_s3_bucket.b", "aws_s3_bucket", {"delete"})}), "Reject",
                      "Critical"},
        RecommendCase{"DestroysKey", Planned({Change("aws_kms_key.k", "aws_kms_key", {"delete"})}),
                      "NeedsHuman", "High"},
        RecommendCase{"ReplacesNetwork",
                      Planned({Change("aws_vpc.v", "aws_vpc", {"create", "delete"})}), "NeedsHuman",
                      "High"},
        RecommendCase{"DestroysOrdinary",
                      Planned({Change("terraform_data.a", "terraform_data", {"delete"})}),
                      "NeedsHuman", "Medium"},
        RecommendCase{"ChangesRights",
                      Planned({Change("aws_iam_role.r", "aws_iam_role", {"update"})}), "NeedsHuman",
                      "Medium"},
        RecommendCase{"ChangesDatabaseInPlace",
                      Planned({Change("aws_db_instance.main", "aws_db_instance", {"update"})}),
                      "Approve", "Low"},
        RecommendCase{"Errored", With(Planned({}), "errored", true), "Reject", ""},
        RecommendCase{"MoreThanIsShown", With(Planned({}), "next", 201), "NeedsHuman", ""},
        RecommendCase{"AfterAFailure", AfterFailure(Planned({})), "NeedsHuman", ""},
        RecommendCase{"NoPlan", Facts{}, "NeedsHuman", ""}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(RecommendTest, QuotesAddressesAsJsonHasThem) {
  const Json result =
      Recommend(Book().risk, Planned({Change("x.y[\"a\"]", "x", {"delete"})})).result;
  EXPECT_EQ(result.At("evidence").Items().at(0).At("quote").AsString(), R"("x.y[\"a\"]")");
}

TEST(RecommendTest, QuotesThePlansLineFromTheLogIfThereIsNoPlan) {
  Facts facts = Elsewhere("ApprovalRequired", "");
  facts.log = Lines("x\nPlan: 1 to add, 0 to change, 2 to destroy.");
  EXPECT_EQ(
      Recommend(Book().risk, facts).result.At("evidence").Items().at(0).At("lines").AsString(),
      "2");
}

TEST(RecommendTest, OfAJobThatDoesNotWaitSaysSo) {
  const auto reason = [](const Facts& facts) {
    return Recommend(Book().risk, facts).result.At("reason").AsString();
  };
  Facts planned = Planned({Change("x.y", "x", {"create"})});
  EXPECT_THAT(reason(planned), StartsWith("Nothing is destroyed"));
  EXPECT_THAT(
      reason(Elsewhere("Failed", "x", 7)),
      StartsWith("The job does not wait for approval: it failed, with exit code 7. There is "
                 "no plan"));
  planned.job = Elsewhere("Succeeded", "x", 0).job;
  EXPECT_THAT(reason(planned), StartsWith("The job does not wait for approval: it succeeded"));
}

TEST(SummarizeTest, OfAJobThatDidNotSucceedSaysSo) {
  const auto summary = [](const Facts& facts) {
    return Summarize(Book().summarize, facts).result.At("summary").AsString();
  };
  EXPECT_THAT(summary(Elsewhere("Failed", "x", 7)),
              StartsWith("A job of database failed, with exit code 7. "));
  EXPECT_THAT(summary(Elsewhere("ApprovalRequired", "x")),
              StartsWith("A job of database waits for approval. "));
}

TEST(SummarizeTest, TellsWhatChanged) {
  Facts facts;
  facts.job = Json::Of(
      {{"module", Json::Of({{"name", "database"}})},
       {"job", Json::Of({{"state", "Succeeded"}, {"operation", "Apply"}, {"revision", "abc"}})}});
  facts.log = Lines(
      "terraform_data.a: Creating...\nterraform_data.a: Creation complete after 0s [id=1]\n"
      "Warning: x is deprecated\nApply complete! Resources: 1 added, 0 changed, 0 destroyed.");
  const Json result = Summarize(Book().summarize, facts).result;
  EXPECT_EQ(
      result.At("summary").AsString(),
      "Apply of database succeeded at abc. 1 resources were added, 0 changed and 0 destroyed. "
      "The log has warnings that somebody should look at. Something that is used is deprecated.");
  EXPECT_EQ(result.At("changes").Dump(), R"([{"action":"Create","target":"terraform_data.a"}])");
  EXPECT_EQ(result.At("evidence").Items().at(0).At("lines").AsString(), "4");
}

TEST(SummarizeTest, SaysSoWhenNoRuleFits) {
  const Facts facts = Elsewhere("Succeeded", "done");
  const Json result = Summarize(Book().summarize, facts).result;
  EXPECT_THAT(result.At("summary").AsString(),
              HasSubstr("A job of database succeeded. No rule of the scripted sidecar knows"));
  EXPECT_EQ(result.At("evidence").Items().at(0).At("quote").AsString(), "done");
}

struct BadRulesCase {
  const char* name;
  const char* text;
  const char* want;
};
class BadRulesTest : public testing::TestWithParam<BadRulesCase> {};

TEST_P(BadRulesTest, AreRefusedWithTheirPlace) {
  const auto rules = ParseRules(GetParam().text, "f");
  ASSERT_FALSE(rules);
  EXPECT_THAT(rules.error().message, HasSubstr(GetParam().want));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, BadRulesTest,
    testing::Values(
        BadRulesCase{"NoSection", "match: x", "f:1: \"match: x\": expected a [name] first"},
        BadRulesCase{"NoColon", "[a]\nx", "f:2: \"x\": expected key: value"},
        BadRulesCase{"BadName", "[]", "f:1: \"[]\": expected [name]"},
        BadRulesCase{"UnknownKey", "[a]\ncolour: red", "f:2: colour: unknown key"},
        BadRulesCase{"BadPattern", "[a]\nmatch: (", "f:2: match: "},
        BadRulesCase{"BadCategory", "[a]\ncategory: Gremlins",
                     "category: \"Gremlins\": expected one of Authentication"},
        BadRulesCase{"BadRank", "[a]\nrank: 101", "rank: \"101\": expected a number from 0 to 100"},
        BadRulesCase{"BadTransient", "[a]\ntransient: maybe", "expected yes or no"},
        BadRulesCase{"NoMatch", "[a]\nrank: 1", "f: [a] has no match"}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(RulesTest, AFileOfOnesOwnReplacesTheBuiltInOne) {
  const auto book = LoadRules({{"diagnose.rules", "[mine]\nmatch: x\n"}});
  ASSERT_TRUE(book);
  EXPECT_EQ(book->diagnose.size(), 1u);
  EXPECT_FALSE(book->risk.empty());
}

TEST(LogLinesTest, ReadsPages) {
  const LogPage page = ParsePage(
      "2 of 9 lines of artifact \"log\". This is data.\n1| a| b\n2| long [5000 bytes, cut]\nmore: "
      "from 3");
  ASSERT_EQ(page.lines.size(), 2u);
  EXPECT_EQ(page.lines[0].text, "a| b");
  EXPECT_EQ(page.lines[1].text, "long");
  EXPECT_EQ(page.next, 3u);
}

TEST(LogLinesTest, QuotesWordForWordWithoutControlSequences) {
  EXPECT_EQ(QuoteFrom("  \x1b[1mfirst\x1b[0m \x1b[31msecond part\x1b[0m", "second"), "second part");
  EXPECT_EQ(QuoteFrom("\tx ", ""), "x");
  EXPECT_LE(QuoteFrom(std::string(5000, 'x') + "needle", "needle").size(), kMaxQuote);
  EXPECT_THAT(QuoteFrom(std::string(5000, 'x') + "needle", "needle"), HasSubstr("needle"));
}

}  // namespace
}  // namespace midwatch::sidecar
