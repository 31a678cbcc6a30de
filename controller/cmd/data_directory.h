#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/secret.h"
#include "controller/env/clock.h"
#include "controller/env/random.h"
#include "controller/http/tls_certificates.h"

namespace midwatch::cmd {

/// What `midwatch serve` keeps in its data directory, beside the database: made at the first start,
/// found again at the next.
///
///   midwatch.db     the API's objects        artifacts/   content and session logs
///   ca.crt ca.key   the certificate authority   git/      repositories
///   admin.token     the administrator's token   kubeconfig   for the administrator (mode 0600)
class DataDirectory {
 public:
  /// Creates the directory (mode 0700) and what is missing in it.
  static Result<DataDirectory> Open(const std::filesystem::path& path, const Clock& clock,
                                    Random& random);

  const std::filesystem::path& path() const { return path_; }
  std::string Database() const { return (path_ / "midwatch.db").string(); }
  std::string Artifacts() const { return (path_ / "artifacts").string(); }
  std::string Git() const { return (path_ / "git").string(); }
  std::string Kubeconfig() const { return (path_ / "kubeconfig").string(); }
  const Secret<std::string>& administrator() const { return administrator_; }
  const std::string& authority() const { return authority_.certificate; }  ///< PEM.

  /// A certificate for the server under these names and addresses.
  Result<http::CertificateAndKey> ServerCertificate(const std::vector<std::string>& names,
                                                    WallTime now) const;
  /// Writes the administrator's kubeconfig for a server at `address`.
  Result<void> WriteKubeconfig(const std::string& address) const;

 private:
  explicit DataDirectory(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
  http::CertificateAndKey authority_;
  Secret<std::string> administrator_;
};

/// The whole file; kNotFound if it is not there.
Result<std::string> ReadFile(const std::filesystem::path& path);
/// Writes, syncs and renames into place, readable by the owner only.
Result<void> WritePrivateFile(const std::filesystem::path& path, const std::string& bytes);

}  // namespace midwatch::cmd
