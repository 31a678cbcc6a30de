#pragma once

#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/secret.h"
#include "controller/base/time.h"

namespace midwatch::http {

/// A certificate (PEM, leaf first if a chain) and its private key (PEM, PKCS #8).
struct CertificateAndKey {
  std::string certificate;
  Secret<std::string> private_key;
};

/// Certificates begin this much before `now`, for peers whose clocks are behind.
inline constexpr Duration kCertificateBackdate = std::chrono::minutes(5);

/// A self-signed authority (ECDSA P-256, path length 0).
Result<CertificateAndKey> MakeCertificateAuthority(const std::string& common_name, WallTime now,
                                                   Duration validity);

/// A server certificate of that authority for DNS names and IP addresses (told apart by their
/// form), at least one.
Result<CertificateAndKey> MakeServerCertificate(const CertificateAndKey& authority,
                                                const std::vector<std::string>& names, WallTime now,
                                                Duration validity);

struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> names;  ///< DNS names and addresses.
  WallTime not_before;
  WallTime not_after;
  bool is_authority = false;
};

/// What the first certificate of a PEM text says.
Result<CertificateInfo> ReadCertificate(const std::string& pem);

/// True if the certificate was signed by the authority's key.
bool IsSignedBy(const std::string& certificate_pem, const std::string& authority_pem);

}  // namespace midwatch::http
