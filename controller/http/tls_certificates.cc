#include "controller/http/tls_certificates.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "controller/base/text.h"

namespace midwatch::http {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using CertPtr = std::unique_ptr<X509, Deleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using AsnTimePtr = std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>>;

constexpr std::int64_t kMicros = 1'000'000;

tl::unexpected<Error> CryptoFailure(std::string_view what) {
  std::array<char, 160> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Fail(ErrorCode::kInternal, std::string(what) + ": " + text.data());
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

BioPtr Reading(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

CertPtr ParseCertificate(const std::string& pem) {
  return CertPtr(PEM_read_bio_X509(Reading(pem).get(), nullptr, nullptr, nullptr));
}

KeyPtr ParseKey(const std::string& pem) {
  return KeyPtr(PEM_read_bio_PrivateKey(Reading(pem).get(), nullptr, nullptr, nullptr));
}

Result<CertificateAndKey> ToPem(X509* certificate, EVP_PKEY* key) {
  const BioPtr certificate_out(BIO_new(BIO_s_mem()));
  const BioPtr key_out(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_X509(certificate_out.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return CryptoFailure("writing a certificate");
  }
  return CertificateAndKey{TextOf(certificate_out.get()),
                           Secret<std::string>(TextOf(key_out.get()))};
}

bool SetSerial(X509* certificate) {
  // RFC 5280: positive, at most 20 octets. 127 random bits do not repeat.
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return false;
  }
  bytes[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, Deleter<BN_free>> number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetValidity(X509* certificate, WallTime now, Duration validity) {
  const auto seconds = [](WallTime time) { return time.unix_micros / kMicros; };
  return ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(now - kCertificateBackdate)) !=
             nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(now + validity)) != nullptr;
}

bool SetCommonName(X509* certificate, const std::string& name) {
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(name.data()),
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool IsAddress(const std::string& name) {
  std::array<unsigned char, 16> out{};
  return inet_pton(AF_INET, name.c_str(), out.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), out.data()) == 1;
}

GENERAL_NAME* MakeName(const std::string& name) {
  const bool address = IsAddress(name);
  return a2i_GENERAL_NAME(nullptr, nullptr, nullptr, address ? GEN_IPADD : GEN_DNS,
                          const_cast<char*>(name.c_str()), 0);
}

bool AddNames(X509* certificate, const std::vector<std::string>& names) {
  const NamesPtr list(GENERAL_NAMES_new());
  for (const std::string& name : names) {
    GENERAL_NAME* entry = MakeName(name);
    if (entry == nullptr || sk_GENERAL_NAME_push(list.get(), entry) <= 0) {
      GENERAL_NAME_free(entry);
      return false;
    }
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, 0) == 1;
}

Result<void> CheckName(const std::string& name) {
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*";
  const bool dns =
      !name.empty() && name.size() <= 253 && name.find_first_not_of(allowed) == std::string::npos;
  if (!dns && !IsAddress(name)) {
    return Fail(ErrorCode::kInvalid, Quote(name) + ": expected a DNS name or an IP address");
  }
  return {};
}

std::string NameText(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))};
  }
  if (name->type != GEN_IPADD) {
    return {};
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = ASN1_STRING_length(name->d.iPAddress) == 4;
  inet_ntop(v4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text.data(),
            static_cast<socklen_t>(text.size()));
  return text.data();
}

WallTime TimeOf(const ASN1_TIME* time) {
  const AsnTimePtr epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  ASN1_TIME_diff(&days, &seconds, epoch.get(), time);
  return {(std::int64_t{days} * 86'400 + seconds) * kMicros};
}

}  // namespace

Result<CertificateAndKey> MakeCertificateAuthority(const std::string& common_name, WallTime now,
                                                   Duration validity) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertPtr certificate(X509_new());
  X509* c = certificate.get();
  const bool made = key != nullptr && X509_set_version(c, X509_VERSION_3) == 1 && SetSerial(c) &&
                    SetValidity(c, now, validity) && SetCommonName(c, common_name) &&
                    X509_set_issuer_name(c, X509_get_subject_name(c)) == 1 &&
                    X509_set_pubkey(c, key.get()) == 1 &&
                    AddExtension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                    AddExtension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                    AddExtension(c, c, NID_subject_key_identifier, "hash") &&
                    X509_sign(c, key.get(), EVP_sha256()) > 0;
  if (!made) {
    return CryptoFailure("making a certificate authority");
  }
  return ToPem(c, key.get());
}

Result<CertificateAndKey> MakeServerCertificate(const CertificateAndKey& authority,
                                                const std::vector<std::string>& names, WallTime now,
                                                Duration validity) {
  if (names.empty()) {
    return Fail(ErrorCode::kInvalid, "a server certificate needs at least one name");
  }
  for (const std::string& name : names) {
    MIDWATCH_TRY(CheckName(name));
  }
  const CertPtr issuer = ParseCertificate(authority.certificate);
  const KeyPtr issuer_key = ParseKey(authority.private_key.Reveal());
  if (issuer == nullptr || issuer_key == nullptr ||
      X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
    return CryptoFailure("reading the certificate authority");
  }
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertPtr certificate(X509_new());
  X509* c = certificate.get();
  // The common name has 64 characters at most and nobody reads it: names stand in the SAN.
  const bool made = key != nullptr && X509_set_version(c, X509_VERSION_3) == 1 && SetSerial(c) &&
                    SetValidity(c, now, validity) && SetCommonName(c, "midwatch server") &&
                    X509_set_issuer_name(c, X509_get_subject_name(issuer.get())) == 1 &&
                    X509_set_pubkey(c, key.get()) == 1 &&
                    AddExtension(c, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                    AddExtension(c, issuer.get(), NID_key_usage, "critical,digitalSignature") &&
                    AddExtension(c, issuer.get(), NID_ext_key_usage, "serverAuth") &&
                    AddNames(c, names) &&
                    AddExtension(c, issuer.get(), NID_authority_key_identifier, "keyid") &&
                    X509_sign(c, issuer_key.get(), EVP_sha256()) > 0;
  if (!made) {
    return CryptoFailure("making a server certificate");
  }
  return ToPem(c, key.get());
}

Result<CertificateInfo> ReadCertificate(const std::string& pem) {
  const CertPtr certificate = ParseCertificate(pem);
  if (certificate == nullptr) {
    ERR_clear_error();
    return Fail(ErrorCode::kInvalid, "expected a certificate in PEM form");
  }
  CertificateInfo info;
  std::array<char, 256> name{};
  if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName,
                                name.data(), static_cast<int>(name.size())) > 0) {
    info.common_name = name.data();
  }
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    info.names.push_back(NameText(sk_GENERAL_NAME_value(names.get(), i)));
  }
  info.not_before = TimeOf(X509_get0_notBefore(certificate.get()));
  info.not_after = TimeOf(X509_get0_notAfter(certificate.get()));
  info.is_authority = X509_check_ca(certificate.get()) == 1;
  return info;
}

bool IsSignedBy(const std::string& certificate_pem, const std::string& authority_pem) {
  const CertPtr certificate = ParseCertificate(certificate_pem);
  const CertPtr authority = ParseCertificate(authority_pem);
  const bool yes = certificate != nullptr && authority != nullptr &&
                   X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) == 1;
  ERR_clear_error();
  return yes;
}

}  // namespace midwatch::http
