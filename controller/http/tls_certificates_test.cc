#include "controller/http/tls_certificates.h"

#include <gtest/gtest.h>

#include "controller/http/tls_stream.h"

namespace midwatch::http {
namespace {

constexpr WallTime kNow{1'795'244'220'000'000};
constexpr Duration kYear = std::chrono::hours(24 * 365);

TEST(TlsCertificates, AuthoritySignsServersWithNamesAndAddresses) {
  const auto authority = MakeCertificateAuthority("midwatch test authority", kNow, 10 * kYear);
  ASSERT_TRUE(authority) << authority.error().message;
  const auto server =
      MakeServerCertificate(*authority, {"localhost", "127.0.0.1", "::1"}, kNow, kYear);
  ASSERT_TRUE(server) << server.error().message;
  const auto info = ReadCertificate(server->certificate);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->names, (std::vector<std::string>{"localhost", "127.0.0.1", "::1"}));
  EXPECT_EQ(info->not_before, kNow - kCertificateBackdate);
  EXPECT_EQ(info->not_after, kNow + kYear);
  EXPECT_FALSE(info->is_authority);
  EXPECT_TRUE(ReadCertificate(authority->certificate)->is_authority);
  EXPECT_EQ(ReadCertificate(authority->certificate)->common_name, "midwatch test authority");
  EXPECT_TRUE(IsSignedBy(server->certificate, authority->certificate));
  EXPECT_TRUE(TlsContext::ForServer(*server));
}

TEST(TlsCertificates, EachAuthorityIsItsOwn) {
  const auto one = MakeCertificateAuthority("one", kNow, kYear);
  const auto two = MakeCertificateAuthority("one", kNow, kYear);
  const auto server = MakeServerCertificate(*one, {"localhost"}, kNow, kYear);
  EXPECT_FALSE(IsSignedBy(server->certificate, two->certificate));
  const CertificateAndKey mixed{one->certificate, two->private_key};
  EXPECT_FALSE(MakeServerCertificate(mixed, {"localhost"}, kNow, kYear));
  EXPECT_FALSE(TlsContext::ForServer(mixed));
}

TEST(TlsCertificates, RefusesBadInput) {
  const auto authority = MakeCertificateAuthority("one", kNow, kYear);
  EXPECT_FALSE(MakeServerCertificate(*authority, {}, kNow, kYear));
  for (const char* name : {"", "a b", "localhost,IP:1.2.3.4", "email:x@y"}) {
    const auto made = MakeServerCertificate(*authority, {name}, kNow, kYear);
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  }
  EXPECT_FALSE(ReadCertificate("nonsense"));
  EXPECT_FALSE(MakeServerCertificate({"nonsense", Secret<std::string>("nonsense")}, {"localhost"},
                                     kNow, kYear));
}

}  // namespace
}  // namespace midwatch::http
