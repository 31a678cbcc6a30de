#include "controller/kube/kubeconfig.h"

#include <gtest/gtest.h>

namespace midwatch::kube {
namespace {

Json Parsed(std::string_view text) {
  auto parsed = ParseJson(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Json();
}

TEST(KubeconfigText, ReadsWhatItWrites) {
  const Kubeconfig config{.server = "https://127.0.0.1:7443",
                          .authorities = "-----BEGIN CERTIFICATE-----\n",
                          .token = Secret<std::string>("t\"0ken"),
                          .namespace_name = "payments"};
  const auto read = ReadKubeconfig(Parsed(WriteKubeconfig(config)));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->server, config.server);
  EXPECT_EQ(read->authorities, config.authorities);
  EXPECT_EQ(read->token.Reveal(), "t\"0ken");
  EXPECT_EQ(read->namespace_name, "payments");
  const auto files = ReadKubeconfig(Parsed(WriteKubeconfig(
      {.server = "https://x", .authorities_file = "ca.crt", .token_file = "/run/token"})));
  EXPECT_EQ(files->authorities_file, "ca.crt");
  EXPECT_EQ(files->token_file, "/run/token");
}

std::string Two(const std::string& cluster, const std::string& user) {
  return R"({"kind":"Config","current-context":"a","contexts":[
      {"name":"a","context":{"cluster":"c","user":"u"}},{"name":"b","context":{"cluster":"c"}},
      {"name":"lost","context":{"cluster":"nowhere"}}],
    "clusters":[{"name":"c","cluster":)" +
         cluster + R"(}],"users":[{"name":"u","user":)" + user + "}]}";
}
const std::string kGood = R"({"server":"https://x"})";

TEST(KubeconfigText, ChoosesTheContext) {
  const Json document = Parsed(Two(kGood, R"({"token":"t"})"));
  EXPECT_EQ(ReadKubeconfig(document)->token.Reveal(), "t");
  EXPECT_EQ(ReadKubeconfig(document, "b")->token.Reveal(), "");
  EXPECT_EQ(ReadKubeconfig(document, "lost").error().message,
            "kubeconfig: clusters has nothing named \"nowhere\"");
  EXPECT_EQ(ReadKubeconfig(document, "c").error().message,
            "kubeconfig: contexts has nothing named \"c\"");
}

struct RefusedCase {
  const char* name;
  std::string document;
  std::string names;
};
class RefusedKubeconfigTest : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedKubeconfigTest, SaysWhatIsNotSupported) {
  const auto read = ReadKubeconfig(Parsed(GetParam().document));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kInvalid);
  EXPECT_NE(read.error().message.find(GetParam().names), std::string::npos) << read.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Fields, RefusedKubeconfigTest,
    testing::Values(
        RefusedCase{"SkippedVerification",
                    Two(R"({"server":"https://x","insecure-skip-tls-verify":true})", "{}"),
                    "insecure-skip-tls-verify"},
        RefusedCase{"Plugin", Two(kGood, R"({"exec":{"command":"x"}})"), "user.exec"},
        RefusedCase{"ClientCertificate", Two(kGood, R"({"client-certificate-data":"eA=="})"),
                    "client-certificate-data"},
        RefusedCase{"Password", Two(kGood, R"({"username":"x","password":"y"})"), "username"},
        RefusedCase{"NoServer", Two("{}", "{}"), "server"},
        RefusedCase{"BadAuthorities",
                    Two(R"({"server":"https://x","certificate-authority-data":"*"})", "{}"),
                    "base64"},
        RefusedCase{"AnotherKind", R"({"kind":"Pod"})", "Config"},
        RefusedCase{"NoContext", R"({"kind":"Config"})", "current-context"}),
    [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace midwatch::kube
