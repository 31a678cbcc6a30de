#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace midwatch {

/// The only source of randomness. In production cryptographically strong (OpenSSL), in the
/// simulator a stream of the seed. Not thread-safe: fork one per user, so that streams do not
/// depend on the order in which others draw.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t Next() = 0;
  /// An independent stream that depends on this one and the name only.
  virtual std::unique_ptr<Random> Fork(std::string_view name) = 0;

  /// Uniform in [0, bound); bound is positive.
  std::uint64_t Below(std::uint64_t bound);
  /// A version 4 UUID (RFC 9562).
  std::string Uuid();
  /// `length` characters of `bcdfghjklmnpqrstvwxz2456789`, as Kubernetes does for generateName.
  std::string NameSuffix(std::size_t length = 5);
};

}  // namespace midwatch
