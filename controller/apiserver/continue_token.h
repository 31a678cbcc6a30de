#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace midwatch::apiserver {

/// Where a list goes on: after which name, as of which revision, and how many are left, where that
/// is known. In the form of Kubernetes, opaque to clients: base64url of
/// `{"v":"meta.k8s.io/v1","rv":N,"start":"ns/name\u0000","left":N}`.
struct ContinueToken {
  std::int64_t revision = 0;
  std::string namespace_name;
  std::string name;
  std::optional<std::int64_t> left = {};

  std::string Encode() const;
  /// kBadRequest: it is none.
  static Result<ContinueToken> Decode(std::string_view text);

  friend bool operator==(const ContinueToken&, const ContinueToken&) = default;
};

}  // namespace midwatch::apiserver
