#include "controller/cmd/data_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "controller/base/encoding.h"
#include "controller/base/text.h"
#include "controller/kube/kubeconfig.h"

namespace midwatch::cmd {
namespace {

constexpr Duration kAuthorityValidity = std::chrono::hours(24 * 365 * 10);
constexpr Duration kServerValidity = std::chrono::hours(24 * 365);
constexpr std::size_t kTokenWords = 4;  // 256 bits.

tl::unexpected<Error> SystemFailure(const std::string& what) {
  return Fail(ErrorCode::kInternal, what + ": " + std::strerror(errno));
}

std::string MakeToken(Random& random) {
  std::string bytes;
  for (std::size_t i = 0; i < kTokenWords; ++i) {
    const std::uint64_t word = random.Next();
    for (unsigned shift = 0; shift < 64; shift += 8) {
      bytes += static_cast<char>(word >> shift & 0xFFU);
    }
  }
  std::string token = "mwt_" + Base64Encode(bytes);
  for (char& c : token) {
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  }
  return token.substr(0, token.find('='));
}

/// The file's content, or what `make` gives, which is then kept in it.
template <typename Make>
Result<std::string> ReadOrMake(const std::filesystem::path& path, Make make) {
  auto found = ReadFile(path);
  if (found || found.error().code != ErrorCode::kNotFound) {
    return found;
  }
  MIDWATCH_ASSIGN(std::string made, make());
  MIDWATCH_TRY(WritePrivateFile(path, made));
  return made;
}

}  // namespace

Result<std::string> ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return Fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kInternal,
                path.string() + ": " + std::strerror(errno));
  }
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

Result<void> WritePrivateFile(const std::filesystem::path& path, const std::string& bytes) {
  const std::string temporary = path.string() + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    return SystemFailure(temporary);
  }
  const bool written =
      ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
      ::fsync(file) == 0;
  const auto failure = SystemFailure(temporary);
  ::close(file);
  if (!written) {
    return failure;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return SystemFailure(path.string());
  }
  return {};
}

Result<DataDirectory> DataDirectory::Open(const std::filesystem::path& path, const Clock& clock,
                                          Random& random) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return Fail(ErrorCode::kInternal, path.string() + ": " + error.message());
  }
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  DataDirectory out(std::filesystem::absolute(path));
  if (!std::filesystem::exists(out.path_ / "ca.key")) {
    MIDWATCH_ASSIGN(const auto made, http::MakeCertificateAuthority("midwatch", clock.Read().wall,
                                                                    kAuthorityValidity));
    MIDWATCH_TRY(WritePrivateFile(out.path_ / "ca.crt", made.certificate));
    MIDWATCH_TRY(WritePrivateFile(out.path_ / "ca.key", made.private_key.Reveal()));
  }
  MIDWATCH_ASSIGN(out.authority_.certificate, ReadFile(out.path_ / "ca.crt"));
  MIDWATCH_ASSIGN(std::string key, ReadFile(out.path_ / "ca.key"));
  out.authority_.private_key = Secret(std::move(key));
  MIDWATCH_ASSIGN(std::string token,
                  ReadOrMake(out.path_ / "admin.token",
                             [&]() -> Result<std::string> { return MakeToken(random); }));
  out.administrator_ = Secret(std::string(Trim(token)));
  return out;
}

Result<http::CertificateAndKey> DataDirectory::ServerCertificate(
    const std::vector<std::string>& names, WallTime now) const {
  return http::MakeServerCertificate(authority_, names, now, kServerValidity);
}

Result<void> DataDirectory::WriteKubeconfig(const std::string& address) const {
  const std::string text = kube::WriteKubeconfig({.server = "https://" + address,
                                                  .authorities = authority_.certificate,
                                                  .token = administrator_});
  if (const auto there = ReadFile(Kubeconfig()); there && *there == text) {
    return {};  // A server also starts on a full disk.
  }
  return WritePrivateFile(Kubeconfig(), text);
}

}  // namespace midwatch::cmd
