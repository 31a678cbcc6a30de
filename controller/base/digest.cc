#include "controller/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "controller/base/check.h"

namespace midwatch {
namespace {

using Bytes32 = std::array<unsigned char, 32>;

std::string ToHex(const Bytes32& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(64);
  for (const unsigned char byte : digest) {
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

/// Looked up once: with EVP_sha256() every digest searches the providers, which takes as long as a
/// short digest itself.
const EVP_MD* Sha256Method() {
  static const EVP_MD* const kMethod = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kMethod;
}

Bytes32 Digest(std::string_view bytes) {
  Bytes32 out{};
  unsigned int size = 0;
  MIDWATCH_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, Sha256Method(), nullptr) == 1);
  return out;
}

}  // namespace

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();

  Impl() { MIDWATCH_CHECK(EVP_DigestInit_ex(context, Sha256Method(), nullptr) == 1); }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::string_view bytes) {
  MIDWATCH_CHECK(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::FinishHex() {
  Bytes32 out{};
  unsigned int size = 0;
  MIDWATCH_CHECK(EVP_DigestFinal_ex(impl_->context, out.data(), &size) == 1);
  return ToHex(out);
}

std::string Sha256Hex(std::string_view bytes) { return ToHex(Digest(bytes)); }

std::string DigestOf(std::string_view bytes) { return "sha256:" + Sha256Hex(bytes); }

bool IsDigest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  return text.starts_with(kPrefix) && text.size() == kPrefix.size() + 64 &&
         std::all_of(text.begin() + kPrefix.size(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string ShortHash(std::string_view bytes, std::size_t length) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  MIDWATCH_CHECK(length <= 51);
  const Bytes32 digest = Digest(bytes);
  std::string out;
  std::uint32_t window = 0;
  unsigned bits = 0;
  for (const unsigned char byte : digest) {
    window = (window << 8U) | byte;
    bits += 8;
    for (; bits >= 5 && out.size() < length; bits -= 5) {
      out += kAlphabet[(window >> (bits - 5)) & 31U];
    }
  }
  return out;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace midwatch
