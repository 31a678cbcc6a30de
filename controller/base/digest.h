#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace midwatch {

/// SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

/// The address of an artifact: `sha256:` and Sha256Hex.
std::string DigestOf(std::string_view bytes);

/// True for the form that DigestOf gives.
bool IsDigest(std::string_view text);

/// The first `length` characters of the SHA-256 in lower-case base 32 (RFC 4648 alphabet in lower
/// case), fit for derived object names. `length` is at most 51; ten characters are 50 bits.
std::string ShortHash(std::string_view bytes, std::size_t length = 10);

/// SHA-256 over a stream of pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::string_view bytes);
  /// The digest in hexadecimal. To be called once.
  std::string FinishHex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Compares two secrets in a time that does not depend on where they differ.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

}  // namespace midwatch
